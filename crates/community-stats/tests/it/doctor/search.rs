//! The search cluster.

use std::sync::Arc;

use community_stats::doctor::State::{Failed, Ok, Unreachable, Warning};
use stats_testkit::proxy::{Action, Authority, Fault, HttpProxy, Request};
use stats_testkit::services::{OpenSearch, process};

use super::{Findings, Patient};

const KINDS: [(&str, &str); 4] = [
    ("stats-community-records-delta-added", "period_start"),
    ("stats-community-records-snapshot-added", "snapshot_date"),
    ("stats-community-usage-delta", "period_start"),
    ("stats-community-usage-snapshot", "snapshot_date"),
];

/// Export lines: a day of every kind in two years, a bookmark, an event, a record, a community.
fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, field) in KINDS {
        for year in [2024, 2025] {
            let source = format!(
                r#""community_id":"global","{field}":"{year}-03-09T00:00:00","timestamp":"{year}-03-10T00:40:00""#
            );
            lines.push(format!(
                r#"{{"_index":"{kind}-{year}","_id":"global-{year}-03-09","_source":{{{source}}}}}"#
            ));
        }
    }
    let others = [
        ("stats-bookmarks-community", r#"{"community_id":"global"}"#),
        ("stats-community-events-2025", r#"{"community_id":"a"}"#),
        ("rdmrecords-records", r#"{"created":"2024-01-01T00:00:00"}"#),
        ("communities", r#"{"slug":"a"}"#),
    ];
    for (index, source) in others {
        lines.push(format!(r#"{{"_index":"{index}","_id":"1","_source":{source}}}"#));
    }
    lines
}

/// A cluster with statistics below a prefix of their own.
fn cluster() -> Option<(&'static OpenSearch, String)> {
    let server = OpenSearch::shared()?;
    let prefix = server.prefix().unwrap();
    server.load(&prefix, lines()).unwrap();
    Some((server, prefix))
}

fn patient(hosts: &str, prefix: &str) -> Patient {
    Patient::new().with("source.hosts", hosts).with("source.index_prefix", prefix)
}

fn examine(url: &str, prefix: &str) -> Findings {
    patient(url, prefix).examine()
}

#[test]
fn a_healthy_cluster() {
    let Some((server, prefix)) = cluster() else { return };
    let found = examine(server.url(), &prefix);
    let opensearch = found.expect("opensearch", Ok, server.url());
    assert!(opensearch.version.as_ref().unwrap().starts_with("2."), "{opensearch:?}");
    assert!(opensearch.millis.is_some());
    found.expect("clock of opensearch", Ok, "agrees with ours");
    for (kind, _) in KINDS {
        let detail = format!("{prefix}{kind}: 2 indices, 2 documents");
        found.expect(&format!("alias {kind}"), Ok, &detail);
    }
    found.expect("change feed", Ok, "by statistics: positions from _stats");
    found.expect("bookmarks", Ok, "stats-bookmarks-community: 1 document");
    found.expect("community events", Ok, "1 document");
    found.expect("records", Ok, "1 document");
    found.expect("communities", Ok, "1 document");
    assert!(!found.has("index prefix"));
}

#[test]
fn aliases_that_are_missing_or_leave_something_out() {
    let Some((server, prefix)) = cluster() else { return };
    let remove = |index: &str, alias: &str| {
        server.send("DELETE", &format!("/{prefix}{index}/_alias/{prefix}{alias}"), b"").unwrap();
    };
    remove("stats-community-usage-delta-2024", "stats-community-usage-delta");
    remove("stats-community-usage-snapshot-*", "stats-community-usage-snapshot");
    server
        .send("DELETE", &format!("/{prefix}stats-community-records-delta-added-2024"), b"")
        .unwrap();
    server
        .send("DELETE", &format!("/{prefix}stats-community-records-delta-added-2025"), b"")
        .unwrap();
    // What only looks like it does not count.
    let other = format!("/{prefix}stats-community-records-delta-added-old");
    server.send("PUT", &other, b"{\"aliases\":{}}").unwrap();
    server.send("DELETE", &format!("{other}/_alias/*"), b"").unwrap();

    let found = examine(server.url(), &prefix);
    let outside = found.expect("alias stats-community-usage-delta", Warning, "-2024 is not behind");
    assert!(outside.remedy.as_ref().unwrap().contains("usage-delta-2024"), "{outside:?}");
    let name = "alias stats-community-usage-snapshot";
    let alone = found.expect(name, Warning, "2 indices, 2 documents; the alias is missing");
    assert!(alone.remedy.as_ref().unwrap().starts_with("add the alias"), "{alone:?}");
    found.expect("alias stats-community-records-delta-added", Failed, "neither the alias nor");
    found.expect("alias stats-community-records-snapshot-added", Ok, "2 documents");
    found.expect("change feed", Ok, "positions from _stats");
    assert!(!found.has("index prefix"), "something has this prefix");
}

#[test]
fn mappings_that_were_guessed() {
    let Some(server) = OpenSearch::shared() else { return };
    // Without templates the cluster guesses.
    let prefix = format!("{}-", stats_testkit::services::unique_name());
    let index = "stats-community-usage-delta-2025";
    let source = r#"{"community_id":"global","period_start":"2025-03-09T00:00:00"}"#;
    let line = format!(r#"{{"_index":"{index}","_id":"1","_source":{source}}}"#);
    server.load(&prefix, [line]).unwrap();
    let found = examine(server.url(), &prefix);
    let said = format!("guessed type in {prefix}{index}");
    let alias = found.expect("alias stats-community-usage-delta", Warning, &said);
    assert!(alias.remedy.as_ref().unwrap().contains("templates"), "{alias:?}");
    // A text without a keyword beside it cannot be asked for one community.
    let useless = format!("/{prefix}stats-community-usage-snapshot-2025");
    let mapping = br#"{"mappings":{"properties":{"community_id":{"type":"text"}}}}"#;
    server.send("PUT", &useless, mapping).unwrap();
    let found = examine(server.url(), &prefix);
    found.expect("alias stats-community-usage-snapshot", Failed, "cannot be searched for");
    found.expect("bookmarks", Failed, "is not there");
    found.expect("community events", Warning, "is not there");
    found.expect("records", Warning, "is not there");
    found.expect("communities", Failed, "is not there");
}

#[test]
fn prefixes_that_match_nothing() {
    let Some((server, prefix)) = cluster() else { return };
    let wrong = prefix.trim_end_matches('-').to_owned() + "_";
    let found = examine(server.url(), &wrong);
    let check = found.expect("index prefix", Failed, &format!("nothing begins with \"{wrong}\""));
    let remedy = check.remedy.as_ref().unwrap();
    assert_eq!(remedy, &format!("set `source.index_prefix = \"{prefix}\"`"));
    for (kind, _) in KINDS {
        found.expect(&format!("alias {kind}"), Failed, "neither");
    }
    assert!(!found.has("change feed"));
}

#[test]
fn clusters_that_are_not_there() {
    let port = process::free_port().unwrap();
    let found = examine(&format!("http://me:s3cret@127.0.0.1:{port}"), "");
    let opensearch = found.expect("opensearch", Unreachable, "refused");
    assert!(opensearch.remedy.as_ref().unwrap().contains("source.hosts"));
    assert!(!found.has("change feed"));
    found.hide("s3cret");
    examine("http://nowhere.invalid:9200", "").expect("opensearch", Unreachable, "nowhere.invalid");
}

#[test]
fn one_node_of_several_may_be_away() {
    let Some((server, prefix)) = cluster() else { return };
    let port = process::free_port().unwrap();
    let hosts = format!("http://127.0.0.1:{port},{}", server.url());
    let found = examine(&hosts, &prefix);
    found.expect(&format!("opensearch http://127.0.0.1:{port}"), Warning, "refused");
    found.expect(&format!("opensearch {}", server.url()), Ok, "cluster");
    found.expect("change feed", Ok, "positions");
}

#[test]
fn something_else_that_listens() {
    let Some(server) = stats_testkit::services::Redis::shared() else { return };
    let found = examine(&format!("http://{}", server.address()), "");
    assert!(matches!(found.named("opensearch").state, Failed | Unreachable));
}

#[test]
fn logins() {
    let Some((server, prefix)) = cluster() else { return };
    let proxy = HttpProxy::in_front_of(server.address())
        .authorization("Basic bWU6aHVzaGh1c2g=")
        .start()
        .unwrap();
    let none = examine(proxy.url(), &prefix);
    let wants = none.expect("opensearch", Failed, "it wants a login");
    assert!(wants.remedy.as_ref().unwrap().contains("source.username"));
    let with = |password: &str| {
        patient(proxy.url(), &prefix)
            .with("source.username", "me")
            .with("source.password", password)
            .examine()
    };
    let wrong = with("s3cret");
    wrong.expect("opensearch", Failed, "the login is refused");
    wrong.hide("s3cret");
    let right = with("hushhush");
    right.expect("opensearch", Ok, "cluster");
    right.expect("change feed", Ok, "positions");
    right.hide("hushhush");

    let keyed =
        HttpProxy::in_front_of(server.address()).authorization("ApiKey k3y").start().unwrap();
    let found = patient(keyed.url(), &prefix).with("source.api_key", "k3y").examine();
    found.expect("opensearch", Ok, "cluster");
    found.hide("k3y");
}

#[test]
fn certificates() {
    let Some((server, prefix)) = cluster() else { return };
    let authority = Authority::new().unwrap();
    let proxy = HttpProxy::in_front_of(server.address()).tls(&authority).start().unwrap();
    let unknown = examine(proxy.url(), &prefix);
    let check = unknown.expect("opensearch", Failed, "certificate");
    assert!(check.remedy.as_ref().unwrap().contains("source.ca_certs"), "{check:?}");

    let trusting = patient(proxy.url(), &prefix);
    let file = trusting.folder.path().join("ca.crt");
    std::fs::write(&file, authority.certificate()).unwrap();
    let trusting = trusting.with("source.ca_certs", file.to_str().unwrap());
    trusting.examine().expect("opensearch", Ok, "cluster");
    std::fs::write(&file, "nothing").unwrap();
    trusting.examine().expect("opensearch", Failed, "ca.crt");
    let careless = patient(proxy.url(), &prefix).with("source.verify_certs", "false");
    careless.examine().expect("opensearch", Ok, "cluster");
}

fn behind(server: &OpenSearch, faults: impl IntoIterator<Item = Fault>) -> HttpProxy {
    let proxy = HttpProxy::in_front_of(server.address()).start().unwrap();
    for fault in faults {
        proxy.add(fault);
    }
    proxy
}

fn forbidden() -> Action {
    Action::Answer { status: 403, retry_after: None }
}

#[test]
fn banners_that_are_forbidden() {
    let Some((server, prefix)) = cluster() else { return };
    let proxy = behind(server, [Fault::on("", forbidden()).times(1)]);
    let found = examine(proxy.url(), &prefix);
    assert_eq!(found.expect("opensearch", Ok, "banner forbidden").version, None);
    found.expect("change feed", Ok, "positions");
}

#[test]
fn versions_that_are_not_tried() {
    let Some((server, prefix)) = cluster() else { return };
    for (from, to) in [("opensearch", "elastic"), ("2.19.1", "1.3.18")] {
        let rewrite = Action::Rewrite(Arc::new(move |body: Vec<u8>| {
            String::from_utf8(body).unwrap().replace(from, to).into_bytes()
        }));
        let proxy = behind(server, [Fault::on("", rewrite).times(1)]);
        let found = examine(proxy.url(), &prefix);
        let check = found.expect("opensearch", Warning, to);
        assert!(check.remedy.as_ref().unwrap().contains("2.3 to 3"), "{check:?}");
    }
}

#[test]
fn clusters_that_are_busy() {
    let Some((server, prefix)) = cluster() else { return };
    let busy = Action::Answer { status: 503, retry_after: None };
    let found = examine(behind(server, [Fault::on("", busy)]).url(), &prefix);
    found.expect("opensearch", Unreachable, "answers 503");
}

#[test]
fn the_ways_to_learn_of_changes() {
    let Some((server, prefix)) = cluster() else { return };
    let proxy = behind(server, [Fault::on("_stats/docs", forbidden())]);
    let found = examine(proxy.url(), &prefix);
    let feed = found.expect("change feed", Warning, "by searches: sequence numbers by search");
    assert!(feed.detail.contains("no right to _stats"), "{feed:?}");
    assert!(feed.remedy.as_ref().unwrap().contains("indices:monitor/stats"));
    let declined = || Action::Answer { status: 400, retry_after: None };
    let numbers = |request: &Request| String::from_utf8_lossy(&request.body).contains("_seq_no");
    proxy.add(Fault::when(numbers, declined()));
    let feed = examine(proxy.url(), &prefix);
    let feed = feed.expect("change feed", Failed, "this engine does not sum up sequence numbers");
    assert!(feed.detail.contains("no right to _stats"), "{feed:?}");
    let alone = behind(server, [Fault::when(numbers, declined())]);
    let feed = examine(alone.url(), &prefix);
    let feed = feed.expect("change feed", Failed, "this engine does not sum up sequence numbers");
    assert!(!feed.detail.contains("_stats"), "{feed:?}");
    assert!(feed.remedy.as_ref().unwrap().contains("OpenSearch 2.3"), "{feed:?}");
    proxy.add(Fault::on("_search", declined()));
    let found = examine(proxy.url(), &prefix);
    found.expect("change feed", Failed, "changes are not seen");
}

#[test]
fn rights_that_are_missing() {
    let Some((server, prefix)) = cluster() else { return };
    let proxy = behind(server, [Fault::on("usage-delta/_count", forbidden())]);
    let found = examine(proxy.url(), &prefix);
    let alias = found.expect("alias stats-community-usage-delta", Failed, "no right to look at");
    assert!(alias.remedy.as_ref().unwrap().contains("indices:data/read/*"), "{alias:?}");
    found.expect("alias stats-community-usage-snapshot", Ok, "2 documents");

    // Without the right to see how it is made, it is believed to be as the templates make it.
    for right in ["_alias", "_mapping"] {
        let proxy = behind(server, [Fault::on(right, forbidden())]);
        let found = examine(proxy.url(), &prefix);
        let alias = found.expect("alias stats-community-usage-delta", Warning, "2 documents");
        assert!(alias.remedy.as_ref().unwrap().contains("indices:admin/mappings/get"), "{alias:?}");
        found.expect("change feed", Ok, "positions");
        // And its absence says nothing about the prefix.
        let found = examine(proxy.url(), "nothing-");
        found.expect("alias stats-community-usage-delta", Failed, "is not there");
        assert!(!found.has("index prefix"));
    }
}

#[test]
fn shards_that_do_not_answer() {
    let Some((server, prefix)) = cluster() else { return };
    let partial = Action::Rewrite(Arc::new(|_| {
        br#"{"count":1,"_shards":{"total":2,"successful":1,"failed":1}}"#.to_vec()
    }));
    let proxy = behind(server, [Fault::on("usage-delta/_count", partial)]);
    let found = examine(proxy.url(), &prefix);
    found.expect("alias stats-community-usage-delta", Failed, "1 shard does not answer");
}
