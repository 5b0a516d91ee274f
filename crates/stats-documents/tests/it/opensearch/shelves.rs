//! Pages, positions and what they cost.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use stats_documents::contract::given;
use stats_documents::{Changes, Directory, Documents, Feed, ShelfFilter};
use stats_model::{DocumentKind, Fingerprint, Shown};
use stats_testkit::proxy::{Action, Fault};

use super::support::{Cluster, KIND, pairs, read, shelf, year};

#[test]
pub(super) fn a_known_small_shelf_is_one_request_and_an_unknown_one_two() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(300);
    let source = cluster.source();
    assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
    assert_eq!(cluster.proxy.count("/_search?"), 2);
    assert_eq!(cluster.proxy.count("/point_in_time"), 0);
    cluster.proxy.clear();
    assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
    assert_eq!(cluster.proxy.count(""), 1);
}

#[test]
pub(super) fn pages_follow_the_bytes_of_documents() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(300);
    let bytes: usize = documents.iter().map(|it| it.source.len()).sum();
    let source = cluster.source_with_pages(bytes / 5);
    assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
    let pages = cluster.proxy.count("/_search?");
    assert!((6..=8).contains(&pages), "{pages}");
    let requests = cluster.proxy.requests();
    let opened = requests.iter().filter(|it| it.target.contains("keep_alive")).count();
    let closed = requests.iter().filter(|it| it.method == "DELETE" && it.status == 200).count();
    assert_eq!((opened, closed), (1, 1));
}

#[test]
pub(super) fn days_with_several_documents_lie_on_page_borders_too() {
    let Some(cluster) = Cluster::new() else { return };
    let mut documents = year(90);
    for n in 0..30 {
        documents.push(given(KIND, &format!("zero-{n:02}"), "a", "2025-01-25", n));
        documents.push(given(KIND, &format!("left-{n:02}"), "a", "2025-02-20", n));
    }
    cluster.put(&documents);
    documents.sort_by_key(|it| {
        let day = it.source.split("\"period_start\":\"").nth(1).unwrap()[..10].to_owned();
        (day, it.id.clone())
    });
    for bytes in [1, 500, 1_000, 2_500, 5_000, 1_000_000] {
        let source = cluster.source_with_pages(bytes);
        assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents), "{bytes}");
        assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents), "{bytes} again");
    }
}

#[test]
pub(super) fn without_points_in_time_pages_are_compared() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(100);
    let source = cluster.source_with_pages(2_000);
    let refuse = Action::Answer { status: 403, retry_after: None };
    cluster.proxy.add(Fault::on("/_search/point_in_time", refuse));
    assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
}

#[test]
pub(super) fn nothing_changed_is_one_request_and_one_change_is_named() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(50);
    cluster.put(&[given(KIND, "b-2025-01-01", "b", "2025-01-01", 1)]);
    let source = cluster.source();
    let position = source.position(KIND).unwrap();
    cluster.proxy.clear();
    assert_eq!(source.position(KIND).unwrap(), position);
    assert_eq!(cluster.proxy.count(""), 1);
    cluster.put(&[given(KIND, "b-2025-01-02", "b", "2025-01-02", 1)]);
    let expected = Changes::Communities(BTreeSet::from(["b".to_owned()]));
    assert_eq!(source.changed_since(KIND, &position).unwrap(), expected);
    // A removal leaves nothing behind that could be found.
    let position = source.position(KIND).unwrap();
    cluster.remove(KIND, &["b-2025-01-01"]);
    assert_eq!(source.changed_since(KIND, &position).unwrap(), Changes::Everything);
}

/// A write that searches do not see yet must not be forgotten once they do.
#[test]
pub(super) fn a_write_is_noticed_again_when_it_becomes_visible() {
    let Some(cluster) = Cluster::new() else { return };
    let path = format!("/{}/_settings", cluster.index(KIND));
    let never = br#"{"index":{"refresh_interval":"-1"}}"#;
    cluster.node.send("PUT", &path, never).unwrap();
    cluster.put_year(10);
    let source = cluster.source();
    let settled = source.position(KIND).unwrap();
    let late = given(KIND, "b-2025-01-01", "b", "2025-01-01", 1);
    cluster.write(&[late]);
    let written = source.position(KIND).unwrap();
    assert_ne!(written, settled);
    assert_eq!(source.changed_since(KIND, &settled).unwrap(), Changes::Everything);
    assert_eq!(read(&source, &shelf("b"), None).unwrap(), []);
    cluster.node.refresh(&cluster.prefix).unwrap();
    let visible = source.position(KIND).unwrap();
    assert_ne!(visible, written);
    assert_eq!(source.changed_since(KIND, &written).unwrap(), Changes::Everything);
    let expected = Changes::Communities(BTreeSet::from(["b".to_owned()]));
    assert_eq!(source.changed_since(KIND, &settled).unwrap(), expected);
}

/// Somebody reads a document by its `_id` between two writes, so the cluster refreshes for itself.
#[test]
pub(super) fn a_refresh_of_the_clusters_own_leaves_it_open_what_is_shown() {
    let Some(cluster) = Cluster::new() else { return };
    let index = cluster.index(KIND);
    let never = br#"{"index":{"refresh_interval":"-1"}}"#;
    cluster.node.send("PUT", &format!("/{index}/_settings"), never).unwrap();
    cluster.put_year(10);
    let source = cluster.source();
    let position = || source.position(KIND).unwrap();
    let views = || read(&source, &shelf("a"), None).unwrap()[0].1.clone();
    assert!(position().is_settled());
    let before = views();
    let write = |views| cluster.write(&[given(KIND, "a-2025-01-01", "a", "2025-01-01", views)]);

    write(77);
    let written = position();
    assert_eq!(written.shows(&written), Shown::NotYet);
    cluster.node.get(&format!("/{index}/_doc/a-2025-01-01")).unwrap();
    assert_eq!(position().shows(&written), Shown::Perhaps);
    assert_eq!(views(), before);
    write(78);
    assert_eq!(position().shows(&written), Shown::NotYet);
    cluster.node.refresh(&cluster.prefix).unwrap();
    assert_ne!(views(), before);
    // All of it is shown, but the counts of refreshes stay apart.
    assert_eq!(position().shows(&written), Shown::Perhaps);
    assert!(!position().is_settled());
    write(79);
    cluster.node.refresh(&cluster.prefix).unwrap();
    assert_eq!(position().shows(&written), Shown::All);
}

#[test]
pub(super) fn positions_without_the_right_to_statistics() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(10);
    let source = cluster.source();
    let refuse = Action::Answer { status: 403, retry_after: None };
    cluster.proxy.add(Fault::on("/_stats", refuse));
    let position = source.position(KIND).unwrap();
    assert_eq!(source.position(KIND).unwrap(), position);
    assert_eq!(
        source.changed_since(KIND, &position).unwrap(),
        Changes::Communities(BTreeSet::new())
    );
    cluster.put(&[given(KIND, "a-2025-01-01", "a", "2025-01-01", 9)]);
    assert_ne!(source.position(KIND).unwrap(), position);
    assert_eq!(source.changed_since(KIND, &position).unwrap(), Changes::Everything);
}

/// Asks every question that is a search, more than one page of documents among them.
fn ask_everything(cluster: &Cluster) -> usize {
    let source = cluster.source_with_pages(1_000);
    let documents = read(&source, &shelf("a"), None).unwrap().len();
    assert_eq!(source.manifest(&shelf("a")).unwrap().len(), documents);
    assert_eq!(source.fingerprints(KIND, &ShelfFilter::default()).unwrap().len(), 1);
    assert_eq!(source.bookmarks(KIND, &[]).unwrap().len(), 4);
    assert_eq!(source.communities().unwrap().len(), 6);
    assert_eq!(source.first_events(&[]).unwrap().len(), 4);
    source.first_record().unwrap();
    let before = source.position(KIND).unwrap();
    cluster.put(&[given(KIND, "a-2025-01-01", "a", "2025-01-01", 1)]);
    source.changed_since(KIND, &before).unwrap();
    documents
}

fn surrounded() -> Option<Cluster> {
    let cluster = Cluster::new()?;
    let lines = super::indices::corpus();
    let daily = DocumentKind::ALL.map(|kind| format!("\"_index\":\"{}", kind.alias()));
    let others = lines.iter().filter(|line| !daily.iter().any(|daily| line.contains(daily)));
    cluster.node.load(&cluster.prefix, others).unwrap();
    cluster.create("rdmrecords-records-record-v7.0.0-1");
    Some(cluster)
}

/// Copies show writes at different times, and the position is that of the primary.
#[test]
pub(super) fn every_search_is_one_in_the_primaries() {
    let Some(cluster) = surrounded() else { return };
    let documents = cluster.put_year(60);
    assert_eq!(ask_everything(&cluster), documents.len());
    let statistics = Action::Answer { status: 403, retry_after: None };
    cluster.proxy.add(Fault::on("/_stats", statistics));
    cluster.source().position(KIND).unwrap();
    let requests = cluster.proxy.requests();
    let searches: Vec<_> = requests
        .iter()
        .filter(|it| it.method == "POST" && it.target.contains("/_search"))
        .collect();
    assert!(searches.len() > 10, "{}", searches.len());
    let (mut pages, mut opened) = (0, 0);
    for search in searches {
        let body = String::from_utf8_lossy(&search.body);
        if body.contains("\"pit\":{") {
            assert!(!search.target.contains("preference"), "{search:?}");
            pages += 1;
        } else {
            assert!(search.target.ends_with("&preference=_primary"), "{search:?}");
            opened += usize::from(search.target.contains("allow_partial_pit_creation=false"));
        }
        assert_eq!(search.status, 200, "{search:?}");
    }
    assert!(pages > 1 && opened == 1, "{pages} {opened}");
}

/// OpenSearch before 2.8.
#[test]
fn where_primaries_cannot_be_asked_for_any_copy_answers() {
    let Some(cluster) = surrounded() else { return };
    let documents = cluster.put_year(60);
    let refuse = Action::Answer { status: 400, retry_after: None };
    cluster.proxy.add(Fault::on("preference=_primary", refuse));
    assert_eq!(ask_everything(&cluster), documents.len());
    let requests = cluster.proxy.requests();
    assert!(requests.iter().any(|it| it.target.contains("/point_in_time?") && it.status == 200));
}

#[test]
fn more_shelves_than_one_answer_describes() {
    let Some(cluster) = Cluster::new() else { return };
    let documents: Vec<_> = (0..5_600)
        .map(|n| given(KIND, &format!("c{n}"), &format!("c{n}"), "2025-03-01", n))
        .collect();
    cluster.put(&documents);
    let source = cluster.source();
    let found = source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    assert_eq!(found.len(), 5_600);
    assert_eq!(found[&shelf("c77")].count, 1);
    let manifest = source.manifest(&shelf("c5599")).unwrap();
    let expected = Fingerprint::of(manifest.iter().map(|it| it.sequence));
    assert_eq!(found[&shelf("c5599")], expected);
}

#[test]
fn selected_documents_cost_one_request() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(200);
    let source = cluster.source();
    source.manifest(&shelf("a")).unwrap();
    cluster.proxy.clear();
    let only = [documents[17].id.clone()];
    assert_eq!(read(&source, &shelf("a"), Some(&only)).unwrap(), pairs(&documents[17..18]));
    assert_eq!(cluster.proxy.count(""), 1);
    assert!(cluster.proxy.received("") < 1_000);
}

#[test]
fn a_visit_that_ends_early_asks_no_further() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(200);
    let source = cluster.source_with_pages(1_000);
    let mut seen = 0;
    source
        .documents(&shelf("a"), None, &mut |_| {
            seen += 1;
            if seen == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((seen, cluster.proxy.count("/_search?")), (5, 1));
}

#[test]
pub(super) fn the_bundled_corpus_comes_back_byte_for_byte() {
    let Some(cluster) = Cluster::bare() else { return };
    let lines = super::indices::corpus();
    cluster.node.load(&cluster.prefix, &lines).unwrap();
    let source = cluster.source();
    let mut count = 0;
    for kind in DocumentKind::ALL {
        for (shelf, fingerprint) in source.fingerprints(kind, &ShelfFilter::default()).unwrap() {
            let manifest = source.manifest(&shelf).unwrap();
            assert_eq!(Fingerprint::of(manifest.iter().map(|it| it.sequence)), fingerprint);
            for (id, text) in read(&source, &shelf, None).unwrap() {
                let start =
                    format!("{{\"_index\":\"{}-{}\",\"_id\":\"{id}\"", kind.alias(), shelf.year);
                let line = lines.iter().find(|line| line.starts_with(&start)).unwrap();
                assert!(line.ends_with(&format!("\"_source\":{text}}}")), "{id}");
                count += 1;
            }
        }
    }
    assert_eq!(
        count,
        lines
            .iter()
            .filter(|line| line.contains("stats-community-")
                && !line.contains("stats-community-events"))
            .count()
    );
}
