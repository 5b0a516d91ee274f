//! What a cluster says of itself.

use jiff::{SignedDuration, Timestamp};
use stats_documents::opensearch::examine::{
    Banner, CommunityField, Node, Statistics, Sums, Unread, nodes,
};
use stats_documents::opensearch::names::{BOOKMARKS, COMMUNITIES};
use stats_documents::opensearch::{Authentication, OpenSearchSettings, SearchNode};
use stats_model::DocumentKind;
use stats_testkit::proxy::{Action, Fault};
use stats_testkit::services::process;

use super::support::{Cluster, KIND};

fn examined(cluster: &Cluster) -> Node {
    nodes(cluster.settings()).unwrap().remove(0)
}

fn answers(status: u16) -> Action {
    Action::Answer { status, retry_after: None }
}

#[test]
fn a_cluster_that_is_as_it_should_be() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(3);
    let node = examined(&cluster);
    assert_eq!((node.base(), node.logs_in()), (cluster.proxy.url(), false));
    let Banner::Version { number, distribution, .. } = node.banner().unwrap() else { panic!() };
    assert!(number.starts_with("2."), "{number}");
    assert_eq!(distribution, "opensearch");
    let apart = Timestamp::now().duration_since(node.clock().unwrap());
    assert!(apart.abs() < SignedDuration::from_mins(1), "{apart}");

    let alias = node.name(KIND.alias());
    let indices = node.indices(KIND).unwrap();
    let index = format!("{alias}-2025");
    assert!(indices.behind.iter().eq([&index]) && indices.years.keys().eq([&index]));
    assert_eq!(indices.with(CommunityField::Word), [index.as_str()]);
    assert_eq!((indices.target(&alias), indices.outside()), (alias.clone(), vec![]));
    assert_eq!(node.documents(&alias).unwrap(), 3);
    assert_eq!(node.documents(&node.name(COMMUNITIES)).unwrap(), 0);

    let feed = node.change_feed(std::slice::from_ref(&alias));
    assert_eq!((feed.statistics, feed.sums), (Statistics::Told, Sums::Told));
    assert!(node.prefixes().unwrap().contains(&cluster.prefix));
}

#[test]
fn what_is_not_there_is_told_as_such() {
    let Some(cluster) = Cluster::bare() else { return };
    let node = examined(&cluster);
    for kind in DocumentKind::ALL {
        assert!(node.indices(kind).unwrap().are_none());
    }
    let bookmarks = node.name(BOOKMARKS);
    assert!(matches!(node.documents(&bookmarks), Err(Unread::Missing)));
    assert_eq!(node.newest_bookmarks(), None);
    assert!(!node.prefixes().unwrap().contains(&cluster.prefix));
}

/// A cluster that fails is asked once, and what it said is told.
#[test]
fn nothing_is_asked_twice() {
    let Some(cluster) = Cluster::new() else { return };
    let node = examined(&cluster);
    for (status, banner) in [
        (401, Banner::LoginRefused),
        (403, Banner::Forbidden),
        (503, Banner::Away(503)),
        (404, Banner::Unexpected(404)),
    ] {
        cluster.proxy.clear();
        cluster.proxy.add(Fault::on("", answers(status)));
        assert_eq!(node.banner().unwrap(), banner);
        assert_eq!(cluster.proxy.count(""), 1);
    }
    let alias = node.name(KIND.alias());
    cluster.proxy.clear();
    cluster.proxy.add(Fault::on("", answers(503)));
    assert!(matches!(node.documents(&alias), Err(Unread::Refused(_))));
    assert_eq!(cluster.proxy.count(""), 1);
    cluster.proxy.clear();
    cluster.proxy.add(Fault::on("_stats", answers(403)));
    let feed = node.change_feed(&[alias]);
    assert_eq!((feed.statistics, feed.sums), (Statistics::Forbidden, Sums::Told));
}

#[test]
fn nobody_listens() {
    let port = process::free_port().unwrap();
    let login = Authentication::Basic { user: "me".to_owned(), password: "s3cret".to_owned() };
    let url = format!("http://127.0.0.1:{port}");
    let host = SearchNode { login: Some(login), ..url.into() };
    let node = nodes(OpenSearchSettings::new([host], "")).unwrap().remove(0);
    assert!(node.logs_in());
    let why = node.banner().unwrap_err();
    assert!(!why.is_certificate());
    assert!(why.to_string().contains("refused"), "{why}");
    assert!(!format!("{} {why} {why:?}", node.base()).contains("s3cret"));
}
