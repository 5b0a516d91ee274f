//! Python writes to the same keys without telling us.

use redis::Commands;
use serde_json::json;

use super::support::Live;

const PYTHON: &str = "{\"made\": \"by Python\"}";
const GLOBAL: [&str; 6] =
    ["--category", "usage_delta", "--community-id", "global", "--year", "2025"];

/// By a clock on which 2025 is over.
fn in_the_next_year(live: Live) -> Live {
    live.at("2026-01-01T12:00:00Z")
}

#[test]
fn by_upstreams_rule_what_python_wrote_of_past_years_is_kept_unless_it_is_marked() {
    let Some(live) = Live::new() else { return };
    let live = in_the_next_year(live).set("CACHE_FOREIGN", "keep");
    let key = live.store.key("global", 2025, "usage-delta-category");
    let mut redis = live.store.connection();
    let _: () = redis.set(&key, PYTHON).unwrap();
    let report = live.generate(&GLOBAL, 0);
    assert_eq!(report["skipped_because"], json!({"made by another writer": 1}));
    assert_eq!(redis.get::<_, String>(&key).unwrap(), PYTHON);
    let listed = live.run(&["cache", "list", "--json", "--state", "foreign"]).expect(0).json();
    assert_eq!(listed[0]["cache_key"], key.as_str(), "{listed}");
    let read = [&["cache", "read"], &GLOBAL[..]].concat();
    assert_eq!(live.run(&read).expect(0).stdout, PYTHON);

    // The four categories of the package are what a mark is about; here is only one of them.
    let _: () = redis.set("global_agg_updated_2025", "now").unwrap();
    let report = live.generate(&GLOBAL, 0);
    assert_eq!(report["success"], 1, "{report}");
    assert!(redis.exists::<_, bool>("global_agg_updated_2025").unwrap());
    live.store.assert_golden_community("usage_delta", "global");
}

/// What is the same becomes ours without its body being written, what is not is replaced; from then
/// on changes of the documents are noticed.
#[test]
fn what_python_wrote_is_adopted_or_replaced() {
    let Some(live) = Live::new() else { return };
    let live = in_the_next_year(live);
    let all = ["--year", "2025"];
    live.generate(&all, 0);
    let bodies = live.store.bodies();
    let mut redis = live.store.connection();
    // Python writes them anew: the very same bytes, and others for one of them.
    let other = live.store.key("global", 2025, "usage-delta-category");
    for (key, body) in &bodies {
        let key = &format!("{}:{key}", live.store.prefix);
        let body = if *key == other { PYTHON.as_bytes() } else { body.as_slice() };
        let _: () = redis.set(key, body).unwrap();
    }
    let listed = live.run(&["cache", "list", "--json", "--state", "foreign"]).expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 32, "{listed}");
    let mut report = json!(null);
    let writes = live.store.writes_during(|| report = live.generate(&all, 0));
    assert_eq!((&report["success"], &report["failed"]), (&json!(32), &json!(0)), "{report}");
    assert_eq!((&report["adopted"], &report["replaced"]), (&json!(31), &json!(1)), "{report}");
    let sets = writes.iter().filter(|it| it[0] == "set" && it[1].starts_with(&live.store.prefix));
    let sets: Vec<&String> = sets.map(|words| &words[1]).collect();
    assert_eq!(sets, [&other]);
    assert_eq!(live.store.bodies(), bodies);
    let report = live.generate(&all, 0);
    assert_eq!(report["skipped_because"], json!({"unchanged": 32}));

    let changed = super::corpus::shelf("usage_snapshot", "global")[3].clone();
    live.cluster.write(&[super::support::Change::altered(&changed)]);
    assert_eq!(live.generate(&all, 0)["success"], 1);
}

/// Nothing tells what a response of Python was made from, but its body tells of how many days it is.
#[test]
fn what_python_wrote_is_not_replaced_by_less() {
    let Some(live) = Live::small("usage_delta") else { return };
    let live = in_the_next_year(live).set("SOURCE_STILL_AFTER", "0");
    let place = ["--category", "usage_delta", "--year", "2025", "--community-id", "global"];
    live.generate(&place, 0);
    let key = live.store.key("global", 2025, "usage-delta-category");
    let mut redis = live.store.connection();
    let body: Vec<u8> = redis.get(&key).unwrap();
    let _: () = redis.set(&key, body.as_slice()).unwrap();
    let lines = super::corpus::shelf("usage_delta", "global");
    let gone: Vec<_> = lines[..20].iter().map(super::support::Change::removed).collect();
    live.cluster.write(&gone);
    for _ in 0..2 {
        let report = live.generate(&place, 3);
        assert_eq!((&report["held"], &report["success"]), (&json!(1), &json!(0)), "{report}");
        assert_eq!(redis.get::<_, Vec<u8>>(&key).unwrap(), body);
    }
    let explain = [&["cache", "explain"], &GLOBAL[..], &["--json"]].concat();
    assert_eq!(live.run(&explain).expect(0).json()["state"], "held");
    let report = live.generate(&[&place[..], &["--accept-loss"]].concat(), 0);
    assert_eq!((&report["replaced"], &report["held"]), (&json!(1), &json!(0)), "{report}");
    assert_ne!(redis.get::<_, Vec<u8>>(&key).unwrap(), body);
}

#[test]
fn what_python_wrote_of_the_current_year_is_made_again() {
    let Some(live) = Live::new() else { return };
    let key = live.store.key("global", 2025, "usage-delta-category");
    let mut redis = live.store.connection();
    let _: () = redis.set(&key, PYTHON).unwrap();
    live.generate(&GLOBAL, 0);
    live.store.assert_golden_community("usage_delta", "global");
    // Over one of ours, with another lifetime or none at all.
    for seconds in [None, Some(86_400)] {
        match seconds {
            None => redis.set::<_, _, ()>(&key, PYTHON).unwrap(),
            Some(seconds) => redis.set_ex::<_, _, ()>(&key, PYTHON, seconds).unwrap(),
        }
        let explain = [&["cache", "explain"], &GLOBAL[..], &["--json"]].concat();
        assert_eq!(live.run(&explain).expect(0).json()["state"], "foreign");
        live.generate(&GLOBAL, 0);
        live.store.assert_golden_community("usage_delta", "global");
        assert_eq!(live.run(&explain).expect(0).json()["state"], "fresh");
    }
}

#[test]
fn a_mark_of_the_aggregation_goes_when_its_year_stands_and_it_is_still_the_same() {
    let Some(live) = Live::new() else { return };
    let live = in_the_next_year(live);
    let mut redis = live.store.connection();
    let _: () = redis.set("global_agg_updated_2025", "first").unwrap();
    // A newer mark comes while the run goes on: it is for the next run.
    let url = live.store.responses.clone();
    live.before_page(0, move || {
        let mut redis = super::shared::connection(&url);
        let _: () = redis.set("global_agg_updated_2025", "second").unwrap();
    });
    live.generate(&["--community-id", "global", "--year", "2025"], 0);
    assert_eq!(redis.get::<_, String>("global_agg_updated_2025").unwrap(), "second");
    live.cluster.proxy.clear();
    live.generate(&["--community-id", "global", "--year", "2025"], 0);
    assert!(!redis.exists::<_, bool>("global_agg_updated_2025").unwrap());
    assert_eq!(live.store.bodies().len(), 8);
}
