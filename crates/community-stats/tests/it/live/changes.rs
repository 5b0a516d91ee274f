//! Documents that change: what is fetched, what is made again, and that it is the truth.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stats_testkit::proxy::{Action, Fault};
use stats_testkit::wait;

use super::bookmarks::{BEHIND, UNSEEN, bookmarks_through, show_bookmarks_first, without_last_day};
use super::corpus::{DOCUMENTS, Line, shelf};
use super::support::{Change, Live, sums_up_numbers};
use crate::cli::support::{COASTAL, MEDIEVAL};

/// Ten documents with other numbers, one that is gone, and one more, on four shelves.
struct Changes {
    changes: Vec<Change>,
    /// The ids of those that have to travel, sorted.
    travelling: Vec<String>,
}

impl Changes {
    fn new() -> Self {
        let altered: Vec<Line> =
            [&shelf("usage_delta", COASTAL)[10..16], &shelf("record_snapshot", "global")[3..7]]
                .concat();
        let mut changes: Vec<Change> = altered.iter().map(Change::altered).collect();
        let first = &shelf("usage_snapshot", COASTAL)[0];
        let earlier = |text: &str| text.replace("2025-11-16", "2025-11-15");
        changes.push(Change {
            id: earlier(&first.id),
            source: Some(earlier(&first.source)),
            ..Change::put(first)
        });
        let mut travelling: Vec<String> = changes.iter().map(|change| change.id.clone()).collect();
        travelling.sort();
        changes.push(Change::removed(&shelf("record_delta", MEDIEVAL)[20]));
        Self { changes, travelling }
    }
}

/// What was made, as `community/category`.
fn made(report: &Value) -> BTreeSet<String> {
    let name = |made: &Value| {
        let word = |name: &str| made[name].as_str().unwrap().to_owned();
        format!("{}/{}", word("community_id"), word("category"))
    };
    report["responses"].as_array().unwrap().iter().map(name).collect()
}

/// The responses that [`Changes`] concern.
fn concerned() -> BTreeSet<String> {
    let of = |community: &str, queries: &[&str]| {
        queries.iter().map(|query| format!("{community}/{query}")).collect::<Vec<_>>()
    };
    let usage = ["usage-delta-category", "usage_delta_data_views", "usage_delta_data_downloads"];
    let records = ["record-delta-category", "record_delta_data_added", "record_delta_data_removed"];
    [
        of(COASTAL, &usage),
        of(COASTAL, &["usage-snapshot-category"]),
        of("global", &["record-snapshot-category"]),
        of(MEDIEVAL, &records),
    ]
    .concat()
    .into_iter()
    .collect()
}

/// The bodies equal those of an installation that begins with nothing.
pub(super) fn assert_equal_to_a_rebuild(live: &Live) {
    let fresh = live.anew();
    fresh.run(&["cache", "generate", "--all-years"]).expect(0);
    let (mine, rebuilt) = (live.store.bodies(), fresh.store.bodies());
    assert!(!mine.is_empty());
    assert_eq!(mine.keys().collect::<Vec<_>>(), rebuilt.keys().collect::<Vec<_>>());
    for (key, body) in &mine {
        assert!(*body == rebuilt[key], "{key}: {}", String::from_utf8_lossy(body));
    }
}

/// Checks a generated installation: exactly what changed travels and is made again, nothing else,
/// and it is what an installation makes that never saw anything older.
pub(super) fn assert_changes_are_followed(live: &Live) {
    let before = live.store.bodies();
    let changes = Changes::new();
    live.cluster.write(&changes.changes);
    let journal = live.watch();
    let report = live.generate(&["--all-years"], 0);
    assert_eq!(journal.documents(), changes.travelling);
    // The removal needs no page; every shelf that changed is listed once.
    assert_eq!((journal.manifests(), journal.pages()), (4, 3));
    assert_eq!(made(&report), concerned());
    assert_eq!((&report["success"], &report["skipped"]), (&json!(8), &json!(24)), "{report}");
    let after = live.store.bodies();
    let changed = after.iter().filter(|(key, body)| before[*key] != **body).count();
    assert!((4..=8).contains(&changed), "{changed}");
    assert_equal_to_a_rebuild(live);

    let journal = live.watch();
    let report = live.generate(&["--all-years"], 0);
    assert_eq!(report["skipped_because"], json!({"unchanged": 32}));
    assert_eq!((journal.manifests(), journal.pages()), (0, 0));
}

#[test]
fn exactly_what_changed_is_fetched_and_made_again() {
    let Some(live) = Live::new() else { return };
    live.run(&["cache", "generate", "--all-years"]).expect(0);
    assert_changes_are_followed(&live);
}

#[test]
fn a_lost_mirror_costs_pages_and_nothing_else() {
    let Some(live) = Live::new() else { return };
    live.run(&["cache", "generate", "--all-years"]).expect(0);
    live.forget_documents();
    // Nothing changed, so nothing is even fetched.
    let journal = live.watch();
    let report = live.generate(&["--all-years"], 0);
    assert_eq!(report["skipped_because"], json!({"unchanged": 32}));
    assert_eq!((journal.manifests(), journal.pages()), (0, 0));

    live.cluster.write(&Changes::new().changes);
    live.forget_documents();
    let journal = live.watch();
    let report = live.generate(&["--all-years"], 0);
    // The shelves that changed, as they are now, and no other.
    let mut shelves: Vec<String> = [
        shelf("usage_delta", COASTAL),
        shelf("usage_snapshot", COASTAL),
        shelf("record_snapshot", "global"),
        shelf("record_delta", MEDIEVAL),
    ]
    .concat()
    .into_iter()
    .map(|line| line.id)
    .collect();
    let changes = Changes::new().changes;
    let (gone, put): (Vec<_>, Vec<_>) = changes.iter().partition(|it| it.source.is_none());
    shelves.retain(|id| !gone.iter().any(|change| change.id == *id));
    shelves.extend(put.iter().filter(|it| it.id.contains("2025-11-15")).map(|it| it.id.clone()));
    shelves.sort();
    assert_eq!(journal.documents(), shelves);
    assert_eq!(made(&report), concerned());
    assert_equal_to_a_rebuild(&live);
    let journal = live.watch();
    live.run(&["sync"]).expect(0);
    assert_eq!(journal.documents().len(), 686 - shelves.len());
    live.run(&["cache", "verify", "--source"]).expect(0);
}

#[test]
fn sync_brings_only_what_changed_and_a_second_one_asks_how_far_it_is() {
    let Some(live) = Live::new() else { return };
    let first = live.run(&["sync", "--json"]).expect(0).json();
    assert_eq!((&first["documents"], &first["shelves"]), (&json!(686), &json!(16)), "{first}");
    let journal = live.watch();
    let second = live.run(&["sync", "--json"]).expect(0).json();
    assert_eq!((&second["documents"], &second["changed"]), (&json!(0), &json!(0)), "{second}");
    assert!(journal.requests() <= 5, "{}", journal.requests());

    let changes = Changes::new();
    live.cluster.write(&changes.changes);
    let journal = live.watch();
    let third = live.run(&["sync", "--json"]).expect(0).json();
    assert_eq!(journal.documents(), changes.travelling);
    assert_eq!((&third["documents"], &third["dropped"]), (&json!(11), &json!(1)), "{third}");
    assert_eq!(third["changed"], 4, "{third}");
    live.run(&["cache", "verify", "--source"]).expect(0);

    // What was synced is not fetched again.
    let journal = live.watch();
    live.run(&["cache", "generate"]).expect(0);
    assert_eq!(journal.pages(), 0);
    assert_equal_to_a_rebuild(&live);
}

/// An engine that does not sum up sequence numbers, with and without the right to statistics.
#[test]
fn an_engine_without_sums_is_told_and_nothing_is_lost() {
    let Some(live) = Live::new() else { return };
    live.generate(&["--all-years"], 0);
    for statistics in [true, false] {
        live.cluster.proxy.clear();
        let status = |status| Action::Answer { status, retry_after: None };
        live.cluster.proxy.add(Fault::when(sums_up_numbers, status(400)));
        if !statistics {
            live.cluster.proxy.add(Fault::on("/_stats/", status(403)));
        }
        live.cluster.write(&[Change::altered(&shelf("usage_delta", COASTAL)[10])]);
        let refused = live.run(&["cache", "generate", "--all-years"]);
        assert_ne!(refused.code, 0, "{refused}");
        let told = refused.to_string();
        assert!(told.contains("does not sum up sequence numbers"), "{told}");
        live.cluster.proxy.clear();
        live.generate(&["--all-years"], 0);
        assert_equal_to_a_rebuild(&live);
    }
}

/// Only where the document is now can be asked; that it is missing elsewhere shows in the counts.
#[test]
fn a_document_written_over_for_another_community_changes_both() {
    let Some(live) = Live::small("usage_delta") else { return };
    let generate = ["--category", "usage_delta"];
    live.generate(&generate, 0);
    let moved = Change::put(&shelf("usage_delta", COASTAL)[3]);
    let source = moved.source.as_ref().map(|source| source.replace(COASTAL, MEDIEVAL));
    live.cluster.write(&[Change { source, ..moved.clone() }]);
    let journal = live.watch();
    let report = live.generate(&generate, 0);
    let expected = [COASTAL, MEDIEVAL].map(|community| format!("{community}/usage-delta-category"));
    assert_eq!(made(&report), BTreeSet::from(expected));
    assert_eq!(journal.documents(), std::slice::from_ref(&moved.id));
    let fresh = live.anew();
    fresh.generate(&generate, 0);
    assert!(live.store.bodies() == fresh.store.bodies());
    // And back.
    live.cluster.write(&[moved]);
    live.generate(&generate, 0);
    live.store.assert_golden_category("usage_delta", "usage-delta-category", "optimized");
}

#[test]
fn sync_of_one_year_brings_that_year_only() {
    let earlier = |text: &str| text.replace("2025-", "2024-");
    let old: Vec<Line> = shelf("usage_delta", "global")[..5].to_vec();
    let old: Vec<Change> = old
        .iter()
        .map(|line| Change {
            index: line.index.replace("-2025", "-2024"),
            id: earlier(&line.id),
            source: Some(earlier(&line.source)),
        })
        .collect();
    let Some(live) = Live::new() else { return };
    live.cluster.write(&old);
    let ids: Vec<String> = old.iter().map(|change| change.id.clone()).collect();
    let journal = live.watch();
    let synced = live.run(&["sync", "--year", "2024", "--json"]).expect(0).json();
    assert_eq!((&synced["shelves"], &synced["documents"]), (&json!(1), &json!(5)), "{synced}");
    assert_eq!(journal.documents(), ids);
    let journal = live.watch();
    let synced = live.run(&["sync", "--year", "2023", "--json"]).expect(0).json();
    assert_eq!((&synced["shelves"], &synced["documents"]), (&json!(0), &json!(0)), "{synced}");
    let synced = live.run(&["sync", "--year", "2025", "--json"]).expect(0).json();
    assert_eq!(synced["shelves"], 16, "{synced}");
    let fetched = journal.documents();
    assert_eq!(fetched.len(), DOCUMENTS.len());
    assert!(fetched.iter().all(|id| !ids.contains(id)), "{fetched:?}");
}

/// Writes that searches do not see yet: nothing is stored beside them, and what stands stays.
#[test]
fn nothing_is_stored_beside_unseen_writes() {
    let Some(live) = Live::small("usage_delta") else { return };
    let line = &shelf("usage_delta", COASTAL)[3];
    let generate = ["--category", "usage_delta"];
    live.cluster.show_nothing_by_itself();
    assert_eq!(live.generate(&generate, 0)["success"], 4);
    let golden = || {
        live.store.assert_golden_category("usage_delta", "usage-delta-category", "optimized");
    };
    golden();
    live.cluster.write_unseen(&[Change::altered(line)]);
    let report = live.generate(&generate, 0);
    assert_eq!(report["skipped_because"], json!({"unchanged": 4}), "{report}");
    let report = live.generate(&[&generate[..], &["--no-optimize"]].concat(), 0);
    assert_eq!(report["incomplete_because"], json!({UNSEEN: 4}), "{report}");
    golden();
    live.cluster.write(&[]);
    let report = live.generate(&generate, 0);
    assert_eq!(report["skipped_because"], json!({"unchanged": 3}), "{report}");
    assert_eq!(report["responses"][0]["community_id"], COASTAL);
}

/// An installation whose last day of usage deltas is written, but not searchable, while the
/// bookmarks that come after it are.
fn bookmarks_first() -> Option<Live> {
    let live = Live::of(without_last_day())?;
    live.cluster.show_nothing_by_itself();
    live.cluster.write(&bookmarks_through("2025-12-29"));
    let report = live.generate(&["--category", "usage_delta"], 0);
    assert_eq!(report["incomplete_because"], json!({BEHIND: 4}), "{report}");
    show_bookmarks_first(&live);
    Some(live)
}

#[test]
fn bookmarks_that_are_searchable_before_their_documents_prove_nothing() {
    let Some(live) = bookmarks_first() else { return };
    let generate = ["--category", "usage_delta"];
    let report = live.generate(&generate, 0);
    assert_eq!(report["incomplete_because"], json!({UNSEEN: 4}), "{report}");
    assert!(live.store.bodies().is_empty());
    live.cluster.write(&[]);
    assert_eq!(live.generate(&generate, 0)["success"], 4);
    live.store.assert_golden_category("usage_delta", "usage-delta-category", "optimized");
}

/// The cluster refreshed for itself between two writes, so its counts of refreshes stay apart for
/// ever, as if something were hidden: a run looks for a while whether anything still comes.
#[test]
fn refreshes_of_the_clusters_own_hold_nothing_up() {
    let Some(live) = Live::small("usage_delta") else { return };
    let line = &shelf("usage_delta", COASTAL)[3];
    live.cluster.show_nothing_by_itself();
    live.cluster.write_unseen(&[Change::altered(line)]);
    let path = format!("/{}{}/_doc/{}", live.cluster.prefix, line.index, line.id);
    live.cluster.send("GET", &path, "");
    live.cluster.write(&[Change::put(line)]);
    assert_eq!(live.generate(&["--category", "usage_delta"], 0)["success"], 4);
    live.store.assert_golden_category("usage_delta", "usage-delta-category", "optimized");
}

#[test]
fn a_run_waits_for_the_next_refresh() {
    let Some(live) = bookmarks_first() else { return };
    let cluster = std::sync::Arc::clone(&live.cluster);
    let refresh = std::thread::spawn(move || {
        let looked = || cluster.proxy.count("/_stats/refresh");
        let before = looked();
        wait::until("it looks again and again", || looked() >= before + 8);
        cluster.write(&[]);
    });
    let report = live.generate(&["--category", "usage_delta"], 0);
    refresh.join().unwrap();
    assert_eq!(report["success"], 4, "{report}");
    live.store.assert_golden_category("usage_delta", "usage-delta-category", "optimized");
}
