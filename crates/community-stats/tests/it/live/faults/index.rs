//! Indices and bookmarks that are not what they were.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::corpus::{DOCUMENTS, Line, SURROUNDINGS, index};
use super::super::support::{Change, Cluster, Live, errors};
use super::{QUERY, Trial};
use crate::cli::support::COASTAL;

fn documents() -> Vec<Change> {
    let index = index("usage_delta");
    DOCUMENTS.iter().filter(|line| line.index == index).map(Change::put).collect()
}

#[test]
fn an_index_is_deleted_in_the_middle_and_made_anew() {
    let Some(trial) = Trial::new() else { return };
    let cluster = Arc::clone(&trial.live.cluster);
    trial.live.before_page(4, move || cluster.delete_index("usage_delta"));
    assert!((1..4).contains(&trial.fails("usage-delta")));
    trial.live.cluster.proxy.clear();
    // Without any index nothing can be said: an empty answer would be taken for the truth.
    let gone = trial.live.run(&["cache", "generate", "--category", "usage_delta"]).expect(1);
    assert!(gone.stderr.contains("stats-community-usage-delta"), "{gone}");
    trial.live.cluster.write(&documents());
    trial.repaired();
}

/// The new index has the same documents but one, written in the same order: all numbers are those
/// of the old one.
#[test]
fn an_index_made_anew_with_the_same_numbers_is_another_one() {
    let Some(live) = Live::small("usage_delta") else { return };
    let generate = ["--category", "usage_delta"];
    live.generate(&generate, 0);
    let mut documents = documents();
    live.cluster.delete_index("usage_delta");
    live.cluster.write(&documents);
    let report = live.generate(&generate, 0);
    assert_eq!(report["success"], 4, "{report}");
    live.store.assert_golden_category("usage_delta", QUERY, "optimized");

    live.cluster.delete_index("usage_delta");
    let index = index("usage_delta");
    let line = DOCUMENTS.iter().filter(|line| line.index == index).nth(100).unwrap();
    documents[100] = Change::altered(line);
    live.cluster.write(&documents);
    let before = live.store.bodies();
    let journal = live.watch();
    let report = live.generate(&generate, 0);
    assert_eq!(report["success"], 4, "{report}");
    assert_eq!(journal.documents().len(), documents.len());
    let after = live.store.bodies();
    let changed = after.iter().filter(|(key, body)| before[*key] != **body).count();
    assert_eq!(changed, 1);
    let fresh = live.anew();
    fresh.generate(&generate, 0);
    assert!(fresh.store.bodies() == after);
    live.run(&["cache", "verify", "--category", "usage_delta"]).expect(0);
}

fn bookmark(community: &str) -> Line {
    let id = format!("community-usage-delta-agg_{community}");
    SURROUNDINGS.iter().find(|line| line.id == id).unwrap().clone()
}

fn set_back(line: &Line, cluster: &Cluster) {
    let source = line.source.replace("2025-12-31", "2025-12-10");
    cluster.write(&[Change { source: Some(source), ..Change::put(line) }]);
}

#[test]
fn a_bookmark_moves_during_the_run() {
    let Some(mut trial) = Trial::new() else { return };
    let line = bookmark("global");
    // Back, or away.
    for (away, because) in [
        (false, "aggregated through 2025-12-10, needs 2025-12-30"),
        (true, "no bookmark, needs 2025-12-30"),
    ] {
        let (cluster, moved) = (Arc::clone(&trial.live.cluster), line.clone());
        trial.live.before_page(0, move || {
            if away {
                cluster.write(&[Change::removed(&moved)]);
            } else {
                set_back(&moved, &cluster);
            }
        });
        let report = trial.run(0);
        assert_waits(&report, "global", because);
        trial.assert_old(&[&format!("global/2025/{QUERY}")]);
        trial.live.cluster.write(&[Change::put(&line)]);
        trial = trial.repaired();
    }
    // Forward: the documents were read while the day was not over.
    set_back(&line, &trial.live.cluster);
    let (cluster, moved) = (Arc::clone(&trial.live.cluster), line);
    trial.live.before_page(0, move || cluster.write(&[Change::put(&moved)]));
    let report = trial.run(0);
    assert_waits(&report, "global", "aggregated through 2025-12-10, needs 2025-12-30");
    trial.assert_old(&[&format!("global/2025/{QUERY}")]);
    trial.repaired();
}

/// Just the response of one community waits, and the report names it and the cause.
fn assert_waits(report: &Value, community: &str, because: &str) {
    assert_eq!(report["incomplete_because"], json!({because: 1}), "{report}");
    let waiting = json!([
        {"community_id": community, "year": 2025, "category": QUERY, "reason": because},
    ]);
    assert_eq!(report["incomplete_responses"], waiting, "{report}");
}

/// What people read, not programs.
#[test]
fn the_text_names_what_waits() {
    let Some(live) = Live::small("usage_delta") else { return };
    set_back(&bookmark("global"), &live.cluster);
    set_back(&bookmark(COASTAL), &live.cluster);
    let report = live.run(&["cache", "generate", "--category", "usage_delta"]).expect(0);
    let told = format!(
        "Incomplete: 2 (aggregated through 2025-12-10, needs 2025-12-30)\n  \
         {COASTAL}/2025/{QUERY}, global/2025/{QUERY}\n"
    );
    assert!(report.stdout.contains(&told), "{report}");
}

/// The responses of a missing index are held, each for itself; the others are made.
#[test]
fn one_index_is_missing_from_the_beginning() {
    let Some(live) = Live::new() else { return };
    live.generate(&[], 0);
    live.cluster.delete_index("usage_delta");
    let report = live.generate(&["--no-optimize"], 3);
    assert_eq!((&report["success"], &report["held"]), (&json!(20), &json!(12)), "{report}");
    for held in report["held_responses"].as_array().unwrap() {
        let (query, reason) =
            (held["category"].as_str().unwrap(), held["reason"].as_str().unwrap());
        assert!(query.starts_with("usage"), "{held}");
        assert!(reason.contains(" days are gone: "), "{held}");
        assert!(reason.contains("neither an alias '") && reason.contains("usage-delta'"), "{held}");
    }
    // That the loss is meant does not help to make anything of an index that is not there.
    let refused = live.generate(&["--no-optimize", "--accept-loss"], 3);
    assert_eq!((&refused["failed"], &refused["skipped"]), (&json!(12), &json!(20)), "{refused}");
    for (cell, error) in errors(&refused) {
        assert!(cell.contains("/2025/usage"), "{cell}");
        assert!(error.contains("neither an alias '") && error.contains("usage-delta'"), "{error}");
    }
    live.store.assert_golden_category("usage_delta", QUERY, "optimized");
    live.store.assert_golden_category("usage_snapshot", "usage-snapshot-category", "full");
    // What is asked of one kind does not need the others.
    let one = ["--category", "usage_snapshot", "--community-id", "global"];
    let report = live.generate(&[&one[..], &["--overwrite"]].concat(), 0);
    assert_eq!(report["success"], 1, "{report}");
    let listed = live.run(&["cache", "list", "--json", "--community-id", "global"]).expect(0);
    let listed = listed.json();
    let entries = listed.as_array().unwrap();
    let held = entries.iter().filter(|it| it["state"] == "held");
    assert_eq!((entries.len(), held.count()), (8, 3), "{listed}");

    live.cluster.write(&documents());
    live.generate(&["--no-optimize"], 0);
    live.store.assert_golden("full");
}
