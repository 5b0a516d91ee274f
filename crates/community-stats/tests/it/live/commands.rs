//! The other commands against Redis.

use serde_json::json;

use super::corpus::golden;
use super::support::{Change, Live};
use super::{corpus::shelf, shared::LOCK};
use crate::cli::support::{COASTAL, MEDIEVAL};

const CELL: [&str; 6] =
    ["--community-id", "global", "--year", "2025", "--category", "usage-delta-category"];

fn cell(command: &str) -> Vec<&str> {
    [&["cache", command], &CELL[..]].concat()
}

#[test]
fn everything_that_is_stored_can_be_looked_at_and_removed() {
    let Some(live) = Live::new() else { return };
    live.run(&cell("exists")).expect(1);
    assert!(live.run(&["cache", "list"]).stdout.starts_with("No cached responses found"));
    live.run(&["cache", "generate"]).expect(0);
    live.run(&cell("exists")).expect(0);
    let read = live.command(&cell("read")).output().unwrap();
    assert!(read.stdout == golden("usage_delta", "global", "optimized"));

    let listed = live.run(&["cache", "list", "--json"]).expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 32);
    assert!(listed.as_array().unwrap().iter().all(|entry| entry["state"] == "fresh"), "{listed}");
    let mine = live.run(&["cache", "list", "--json", "--community-slug", "medieval-history-lab"]);
    assert_eq!(mine.expect(0).json().as_array().unwrap().len(), 8);

    let explained = live.run(&[&cell("explain")[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(explained["state"], "fresh");
    assert_eq!(explained["cache_key"], live.store.key("global", 2025, "usage-delta-category"));
    assert_eq!(
        (&explained["documents_then"], &explained["documents_now"]),
        (&json!(46), &json!(46))
    );

    let info = live.run(&["cache", "info", "--json"]).expect(0).json();
    let bytes: usize = live.store.bodies().values().map(Vec::len).sum();
    assert_eq!((&info["entries"], &info["size"]), (&json!(32), &json!(bytes)), "{info}");
    assert!(info["store"].as_str().unwrap().starts_with("Redis "), "{info}");
    live.run(&["cache", "verify"]).expect(0);

    let deleted = live.run(&[&cell("delete")[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(deleted, json!({"deleted": 1}));
    live.run(&cell("exists")).expect(1);
    let year = ["cache", "delete", "--community-id", MEDIEVAL, "--year", "2025", "--json"];
    assert_eq!(live.run(&year).expect(0).json(), json!({"deleted": 8}));
    assert_eq!(live.store.bodies().len(), 23);
    let cleared = live.run(&["cache", "clear", "--yes", "--json"]).expect(0).json();
    assert_eq!(cleared, json!({"deleted": 23}));
    assert!(live.store.keys().is_empty(), "{:?}", live.store.keys());
    live.run(&["cache", "generate"]).expect(0);
    live.store.assert_golden("optimized");
}

#[test]
fn what_is_stale_damaged_or_orphaned_is_named() {
    let Some(live) = Live::new() else { return };
    live.run(&["cache", "generate"]).expect(0);
    live.cluster.write(&[Change::altered(&shelf("usage_snapshot", COASTAL)[5])]);
    let listed = live.run(&["cache", "list", "--json", "--state", "stale"]).expect(0).json();
    let stale = listed.as_array().unwrap();
    assert_eq!(stale.len(), 1, "{listed}");
    assert_eq!(
        (&stale[0]["community_id"], &stale[0]["reason"]),
        (&json!(COASTAL), &json!("documents changed"),)
    );
    // That it is not up to date is known, so it is no difference.
    let verified = live.run(&["cache", "verify", "--json"]).expect(3).json();
    assert_eq!((&verified["different"], &verified["stale"]), (&json!(0), &json!(1)), "{verified}");
    assert_eq!(verified["outdated"][0]["reason"], "documents changed");

    // A community is deleted: nobody makes its entries again, and they can be found.
    let deleted =
        super::corpus::SURROUNDINGS.iter().find(|line| line.id == MEDIEVAL).map(|line| Change {
            source: Some(
                line.source
                    .replace("\"is_deleted\":false", "\"is_deleted\":true")
                    .replace("\"deletion_status\":\"P\"", "\"deletion_status\":\"D\""),
            ),
            ..Change::put(line)
        });
    live.cluster.write(&[deleted.unwrap()]);
    let report = live.generate(&[], 0);
    assert_eq!((&report["success"], &report["skipped"]), (&json!(1), &json!(23)), "{report}");
    let orphans = live.run(&["cache", "clear", "--orphans", "--yes", "--json"]).expect(0).json();
    assert_eq!(orphans, json!({"deleted": 8}));
    assert_eq!(live.store.bodies().len(), 24);
    live.run(&["cache", "verify"]).expect(0);
}

/// The other kinds are brought up to date, and the missing one is named.
#[test]
fn a_sync_goes_on_without_a_missing_kind() {
    let Some(live) = Live::new() else { return };
    live.run(&["sync"]).expect(0);
    live.cluster.delete_index("record_delta");
    live.cluster.write(&[Change::altered(&shelf("usage_snapshot", COASTAL)[5])]);
    let report = live.run(&["sync", "--json"]).expect(3).json();
    assert_eq!((&report["shelves"], &report["documents"]), (&json!(12), &json!(1)), "{report}");
    assert_eq!((&report["dropped"], &report["failures"]), (&json!(0), &json!([])), "{report}");
    let missing = report["missing"].as_array().unwrap();
    assert_eq!((missing.len(), &missing[0]["kind"]), (1, &json!("record_delta")), "{report}");
    let error = missing[0]["error"].as_str().unwrap();
    assert!(error.contains("records-delta-added'"), "{error}");
    let checked = live.run(&["cache", "verify", "--source", "--json"]).expect(3).json();
    assert_eq!((&checked["shelves"], &checked["different"]), (&json!(12), &json!([])), "{checked}");
    assert_eq!(checked["missing"], report["missing"], "{checked}");
    let checked = live.run(&["cache", "verify", "--source"]).expect(3);
    assert!(checked.stdout.contains("Not checked:\n  record_delta: the cl"), "{checked}");
    let shown = live.run(&["sync"]).expect(3);
    assert!(shown.stdout.contains("Not brought up to date:\n  record_delta: the cl"), "{shown}");

    // From the beginning it is no different.
    let fresh = live.anew();
    let report = fresh.run(&["sync", "--json"]).expect(3).json();
    assert_eq!(report["changed"], 12, "{report}");
    for category in ["record_snapshot", "usage_delta", "usage_snapshot"] {
        live.cluster.delete_index(category);
    }
    let refused = live.run(&["sync", "--json"]).expect(1);
    assert!(refused.stderr.contains("neither an alias '"), "{refused}");
    assert_eq!(refused.stdout, "");
    live.run(&["cache", "verify", "--source"]).expect(1);
}

#[test]
fn somebody_who_holds_the_lock_is_left_alone() {
    let Some(live) = Live::small("usage_delta") else { return };
    let mut main = super::shared::connection(&live.store.main);
    let _: () = redis::Commands::set(&mut main, LOCK, "somebody").unwrap();
    let refused = live.run(&["cache", "generate", "--category", "usage_delta"]).expect(1);
    assert!(refused.stderr.contains("Another cache generation task is already running"));
    assert!(live.store.keys().is_empty());
    assert_eq!(live.store.lock().unwrap(), b"somebody");
}
