//! Bookmarks in the mirror: they come with the documents that were written before them, or not.

use std::sync::Arc;

use serde_json::json;
use stats_testkit::proxy::{Action, Fault, Request};

use super::corpus::{DOCUMENTS, Line, SURROUNDINGS, index};
use super::support::{Change, Cluster, Live, is_page};

/// Why responses wait whose documents are not all searchable.
pub(super) const UNSEEN: &str = "written but not searchable yet";
/// Why responses wait whose last day is not there.
pub(super) const BEHIND: &str = "aggregated through 2025-12-29, needs 2025-12-30";

const GENERATE: [&str; 2] = ["--category", "usage_delta"];

/// The usage deltas of the last day, of all communities.
fn last_day() -> Vec<Change> {
    let of_last_day: Vec<Change> = DOCUMENTS.iter().filter(is_last).map(Change::put).collect();
    assert_eq!(of_last_day.len(), 4);
    of_last_day
}

/// All other usage deltas, and what stands beside documents.
pub(super) fn without_last_day() -> impl Iterator<Item = &'static Line> {
    let index = index("usage_delta");
    SURROUNDINGS
        .iter()
        .chain(DOCUMENTS.iter().filter(move |line| line.index == index && !is_last(line)))
}

fn is_last(line: &&Line) -> bool {
    line.index == index("usage_delta") && line.id.ends_with("2025-12-30")
}

/// An installation that has everything but the last day of usage deltas.
fn behind() -> Option<Live> {
    let documents = DOCUMENTS.iter().filter(|line| !is_last(line));
    let live = Live::of(SURROUNDINGS.iter().chain(documents))?;
    live.cluster.write(&bookmarks_through("2025-12-29"));
    Some(live)
}

/// The bookmarks of the usage deltas, as they are once this day is aggregated.
pub(super) fn bookmarks_through(day: &str) -> Vec<Change> {
    let of_usage = |line: &&Line| line.id.starts_with("community-usage-delta");
    let moved = |line: &Line| {
        let source = Some(line.source.replace("2025-12-31", day));
        Change { source, ..Change::put(line) }
    };
    SURROUNDINGS.iter().filter(of_usage).map(moved).collect()
}

/// The last day is aggregated: its documents are written and then its bookmarks, and only these
/// are searchable.
pub(super) fn show_bookmarks_first(live: &Live) {
    live.cluster.write_unseen(&last_day());
    live.cluster.write_unseen(&bookmarks_through("2025-12-30"));
    live.cluster.refresh("stats-bookmarks-community");
}

/// The last day is aggregated, and all of it is searchable.
fn aggregate(cluster: &Cluster) {
    cluster.write(&last_day());
    cluster.write(&bookmarks_through("2025-12-30"));
}

fn offline(live: Live) -> Live {
    live.set("MIRROR_OFFLINE", "true").set("SOURCE_HOSTS", "http://127.0.0.1:1")
}

fn online(live: Live) -> Live {
    let url = live.cluster.proxy.url().to_owned();
    live.set("MIRROR_OFFLINE", "false").set("SOURCE_HOSTS", url)
}

fn asks_for_bookmarks(request: &Request) -> bool {
    request.target.contains("stats-bookmarks")
        && String::from_utf8_lossy(&request.body).contains("usage-delta")
}

/// The aggregation may write a day and its bookmark at any moment of a sync.
#[test]
fn a_day_that_is_aggregated_during_a_sync_comes_whole_or_not_yet() {
    type Moment = fn(&Request) -> bool;
    for (moment, comes) in [(asks_for_bookmarks as Moment, true), (is_page, false)] {
        let Some(live) = behind() else { return };
        let cluster = Arc::clone(&live.cluster);
        let act = Action::Before(Arc::new(move || aggregate(&cluster)));
        live.cluster.proxy.add(Fault::when(moment, act).times(1));
        live.run(&["sync"]).expect(0);
        let live = offline(live);
        if !comes {
            // The bookmarks were read before; what was fetched of the documents may be newer.
            live.generate(&GENERATE, 0);
            assert!(live.store.bodies().is_empty());
            let live = online(live);
            live.run(&["sync"]).expect(0);
            assert_complete(&offline(live));
            continue;
        }
        assert_complete(&live);
    }
}

/// The mirror alone makes all responses, as the whole cluster does.
fn assert_complete(live: &Live) {
    assert_eq!(live.generate(&GENERATE, 0)["success"], 4);
    live.store.assert_golden_category("usage_delta", "usage-delta-category", "optimized");
    live.run(&["cache", "verify"]).expect(0);
}

#[test]
fn bookmarks_that_are_searchable_before_their_documents_are_not_copied() {
    let Some(live) = behind() else { return };
    live.cluster.show_nothing_by_itself();
    live.run(&["sync"]).expect(0);
    show_bookmarks_first(&live);
    let shown = live.run(&["sync"]).expect(3);
    let why = "documents that were written before them are not searchable yet";
    let told = format!("Bookmarks that stay as they were:\n  usage_delta: {why}\n");
    assert!(shown.stdout.ends_with(&told), "{shown}");
    // Until they come, it is said each time, and a mirror alone goes by the old ones.
    let report = live.run(&["sync", "--json"]).expect(3).json();
    let expected = json!([{"kind": "usage_delta", "reason": why}]);
    assert_eq!(report["withheld_bookmarks"], expected, "{report}");
    assert_eq!((&report["failures"], &report["missing"]), (&json!([]), &json!([])), "{report}");
    let live = offline(live);
    let waiting = live.generate(&GENERATE, 0);
    assert_eq!(waiting["incomplete_because"], json!({BEHIND: 4}), "{waiting}");
    assert!(live.store.bodies().is_empty());

    let live = online(live);
    live.cluster.write(&[]);
    live.run(&["sync"]).expect(0);
    assert_complete(&offline(live));
}
