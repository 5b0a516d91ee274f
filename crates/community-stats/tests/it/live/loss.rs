//! Documents that vanish from a live index: what was made of them stays and lives on.

use redis::Commands;
use serde_json::{Value, json};

use super::corpus::{Line, SURROUNDINGS, shelf};
use super::support::{Change, Live};
use crate::cli::support::COASTAL;

const PLACE: [&str; 6] =
    ["--community-id", "global", "--year", "2025", "--category", "usage_delta"];

fn removed(lines: &[Line]) -> Vec<Change> {
    lines.iter().map(Change::removed).collect()
}

fn first_held(report: &Value) -> (Value, Value) {
    let held = &report["held_responses"][0];
    (held["community_id"].clone(), held["days_now"].clone())
}

/// The situation of a public report: a closed year loses all its documents, the bookmark stays.
#[test]
fn a_closed_year_that_lost_its_documents_is_held() {
    let Some(live) = Live::small("usage_delta") else { return };
    let live = live.at("2026-01-02T12:00:00Z");
    live.generate(&PLACE, 0);
    let key = live.store.key("global", 2025, "usage-delta-category");
    let mut redis = live.store.connection();
    let body: Vec<u8> = redis.get(&key).unwrap();
    let ends: i64 = redis.pexpire_time(&key).unwrap();
    live.cluster.write(&removed(&shelf("usage_delta", "global")));
    for more in [&[][..], &["--overwrite"]] {
        let report = live.generate(&[&PLACE[..], more].concat(), 3);
        assert_eq!(report["held"], 1, "{report}");
        assert_eq!(first_held(&report), (json!("global"), json!(0)));
        assert_eq!(redis.get::<_, Vec<u8>>(&key).unwrap(), body);
    }
    let listed = live.run(&["cache", "list", "--state", "held", "--json"]).expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let doctor = live.run(&["doctor"]);
    assert!(doctor.stdout.contains("1 response is held"), "{doctor}");

    // When half of its life is over it gets another one, and its body is not written.
    let live = live.at("2045-01-02T12:00:00Z");
    let writes = live.store.writes_during(|| drop(live.generate(&PLACE, 3)));
    assert!(redis.pexpire_time::<_, i64>(&key).unwrap() > ends);
    let sets = |it: &&Vec<String>| it[0] == "set" && it[1] == key;
    assert_eq!(writes.iter().filter(sets).count(), 0, "{writes:?}");
    let explain = [&["cache", "explain", "--json"], &PLACE[..]].concat();
    assert_eq!(live.run(&explain).expect(0).json()["state"], "held");

    live.generate(&[&PLACE[..], &["--accept-loss"]].concat(), 0);
    assert_ne!(redis.get::<_, Vec<u8>>(&key).unwrap(), body);
    live.generate(&PLACE, 0);
}

/// The index is made anew with fewer documents: another history, and still a loss.
#[test]
fn an_index_made_anew_with_less_is_a_loss() {
    let Some(live) = Live::small("usage_delta") else { return };
    let usage = ["--category", "usage_delta", "--year", "2025"];
    live.generate(&usage, 0);
    live.cluster.delete_index("usage_delta");
    let lines = shelf("usage_delta", COASTAL);
    live.cluster.write(&lines.iter().map(Change::put).collect::<Vec<_>>());
    let report = live.generate(&usage, 3);
    // The one community is whole; the other two and the repository have lost everything.
    assert_eq!((&report["success"], &report["held"]), (&json!(1), &json!(3)), "{report}");
}

/// A mirror that stands in for its index knows what it has lost like the index.
#[test]
fn an_offline_mirror_holds_what_lost_its_documents() {
    let Some(live) = Live::small("usage_delta") else { return };
    live.generate(&PLACE, 0);
    live.cluster.write(&removed(&shelf("usage_delta", "global")[..30]));
    live.run(&["sync"]);
    let live = live.set("MIRROR_OFFLINE", "true");
    let report = live.generate(&PLACE, 3);
    assert_eq!(report["held"], 1, "{report}");
    assert_eq!(first_held(&report), (json!("global"), json!(16)));
}

/// Where hours pass without anything new, every run and `doctor` say so.
#[test]
fn an_aggregation_that_stands_still_is_told() {
    let Some(live) = Live::small("usage_delta") else { return };
    assert!(SURROUNDINGS.len() > 4);
    let usage = ["cache", "generate", "--category", "usage_delta"];
    assert_eq!(live.run(&usage).expect(0).stderr, "");
    let live = live.at("2026-01-05T12:00:00Z");
    let still = "stands still: its newest bookmark is of 2025-12-31, 5 days ago";
    let report = live.run(&usage).expect(0);
    assert_eq!(report.stderr.matches(still).count(), 1, "{report}");
    let doctor = live.run(&["doctor"]);
    assert_eq!(doctor.stdout.matches(still).count(), 4, "{doctor}");
    let off = live.set("SOURCE_STILL_AFTER", "0");
    assert_eq!(off.run(&usage).expect(0).stderr, "");
}
