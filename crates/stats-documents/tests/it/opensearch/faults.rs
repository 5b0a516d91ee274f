//! Whatever goes wrong on the way: either the truth arrives, or an error. Never a part of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stats_documents::contract::given;
use stats_documents::{
    Amiss, Documents, OpenSearch, OpenSearchSettings, ShelfFilter, SourceErrorKind,
};
use stats_model::{Clock, ManualClock};
use stats_testkit::proxy::{Action, Fault};
use stats_testkit::{services, wait};

use super::support::{Cluster, KIND, chain, pairs, read, shelf};

const PAGE: &str = "/_search?";

/// A source that waits by a clock which moves while it does, and takes no time.
fn timed(cluster: &Cluster) -> (OpenSearch, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    (cluster.source().with_clock(clock.clone()), clock)
}

fn answer(status: u16) -> Action {
    Action::Answer { status, retry_after: None }
}

#[test]
fn every_request_may_be_refused_for_a_while() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(60);
    let source = cluster.source_with_pages(1_500);
    read(&source, &shelf("a"), None).unwrap();
    let requests = cluster.proxy.count("");
    assert!(requests > 6);
    for k in 0..requests {
        for action in [answer(429), answer(502), answer(503), answer(504), Action::Close] {
            // A new source asks for everything again.
            let source = cluster.source_with_pages(1_500);
            cluster.proxy.clear();
            cluster.proxy.add(Fault::on("", action.clone()).after(k).times(2));
            let found = read(&source, &shelf("a"), None).unwrap();
            assert_eq!(found, pairs(&documents), "request {k}, {action:?}");
        }
    }
}

/// While a copy recovers it says nothing of itself; while a primary does, it is asked for again.
#[test]
fn a_position_needs_primaries_only() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(5);
    let source = cluster.source();
    let position = source.position(KIND).unwrap();
    let rewrite = |change: fn(&mut serde_json::Value)| {
        Action::Rewrite(Arc::new(move |body: Vec<u8>| {
            let mut stats = serde_json::from_slice(&body).unwrap();
            change(&mut stats);
            stats.to_string().into_bytes()
        }))
    };
    fn copies(stats: &mut serde_json::Value) -> &mut Vec<serde_json::Value> {
        let index = stats["indices"].as_object_mut().unwrap().values_mut().next().unwrap();
        index["shards"]["0"].as_array_mut().unwrap()
    }
    let recovering = rewrite(|stats| {
        stats["_shards"]["failed"] = 1.into();
        let index = stats["indices"].as_object().unwrap().keys().next().unwrap().clone();
        stats["_shards"]["failures"] = serde_json::json!([{"index": index, "shard": 0}]);
        copies(stats).insert(0, serde_json::json!({"routing": {"primary": false}}));
    });
    cluster.proxy.add(Fault::on("/_stats", recovering));
    assert_eq!(source.position(KIND).unwrap(), position);
    cluster.proxy.clear();

    let moving = rewrite(|stats| drop(copies(stats)[0].as_object_mut().unwrap().remove("commit")));
    cluster.proxy.add(Fault::on("/_stats", moving.clone()).times(2));
    assert_eq!(source.position(KIND).unwrap(), position);
    assert_eq!(cluster.proxy.count("/_stats"), 3);
    cluster.proxy.clear();
    cluster.proxy.add(Fault::on("/_stats", moving));
    let error = source.position(KIND).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Own(Amiss::Inconsistent));
    assert!(chain(&error).contains("lacks primary shard 0"), "{}", chain(&error));
}

#[test]
fn retry_after_is_respected() {
    let Some(cluster) = Cluster::new() else { return };
    let (source, clock) = timed(&cluster);
    source.manifest(&shelf("a")).unwrap();
    let busy = Action::Answer { status: 429, retry_after: Some(40) };
    cluster.proxy.add(Fault::on(PAGE, busy).times(1));
    let start = clock.monotonic();
    source.manifest(&shelf("a")).unwrap();
    assert_eq!(clock.monotonic() - start, Duration::from_secs(40));
}

#[test]
fn a_body_cut_anywhere_is_asked_for_again() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(40);
    let source = cluster.source();
    read(&source, &shelf("a"), None).unwrap();
    cluster.proxy.clear();
    read(&source, &shelf("a"), None).unwrap();
    let length = cluster.proxy.received(PAGE);
    for cut in (0..length).step_by(length / 40 + 1) {
        cluster.proxy.add(Fault::on(PAGE, Action::CutBody(cut)).times(1));
        let found = read(&source, &shelf("a"), None).unwrap();
        assert_eq!(found, pairs(&documents), "cut after {cut} of {length}");
        cluster.proxy.clear();
    }
    // Cuts that let no document pass at any attempt.
    for cut in [0, 50, 100, 200] {
        let source = cluster.source();
        source.manifest(&shelf("a")).unwrap();
        cluster.proxy.add(Fault::on(PAGE, Action::CutBody(cut)));
        let error = read(&source, &shelf("a"), None).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Unreachable, "{}", chain(&error));
        assert!(error.to_string().contains("documents of a/2025/usage_delta"), "{error}");
        cluster.proxy.clear();
    }
}

/// Bodies that arrive whole, but do not say the whole truth.
#[test]
fn partial_answers_are_errors() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(12);
    let replace = |from: &'static str, to: &'static str| {
        Action::Rewrite(Arc::new(move |body: Vec<u8>| {
            String::from_utf8(body).unwrap().replacen(from, to, 1).into_bytes()
        }))
    };
    let without_one_hit = Action::Rewrite(Arc::new(|body: Vec<u8>| {
        let text = String::from_utf8(body).unwrap();
        let Some(start) = text.match_indices("{\"_index\"").nth(3) else { return text.into() };
        let end = start.0 + text[start.0..].find("]},").unwrap() + 3;
        format!("{}{}", &text[..start.0], &text[end..]).into_bytes()
    }));
    let faults = [
        ("a shard failed", replace("\"failed\":0", "\"failed\":1")),
        ("a shard is missing", replace("\"successful\":1", "\"successful\":0")),
        ("timed out", replace("\"timed_out\":false", "\"timed_out\":true")),
        ("a hit is missing", without_one_hit),
        ("another number", replace("\"_seq_no\":5,", "\"_seq_no\":500,")),
        ("another order", replace("\"sort\":[17", "\"sort\":[19")),
        ("no summary", replace("\"aggregations\"", "\"others\"")),
        ("no JSON", replace("{", "[")),
        ("empty", Action::Rewrite(Arc::new(|_| Vec::new()))),
        ("nothing", Action::Rewrite(Arc::new(|_| b"{}".to_vec()))),
    ];
    for (name, action) in faults {
        let source = cluster.source();
        source.position(KIND).unwrap();
        cluster.proxy.add(Fault::on(PAGE, action));
        let error = read(&source, &shelf("a"), None).unwrap_err();
        let kinds = [SourceErrorKind::Own(Amiss::Inconsistent), SourceErrorKind::Unreachable];
        assert!(kinds.contains(&error.kind()), "{name}: {}", chain(&error));
        assert!(source.manifest(&shelf("a")).is_err(), "{name}");
        if !name.contains("hit") && !name.contains("number") && !name.contains("order") {
            let all = source.fingerprints(KIND, &ShelfFilter::default());
            assert!(all.is_err(), "{name}: {all:?}");
        }
        cluster.proxy.clear();
    }
}

#[test]
fn a_document_that_changes_between_pages_is_noticed() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(60);
    let (node, prefix, index) = (cluster.node, cluster.prefix.clone(), cluster.index(KIND));
    let change = move || {
        let source = given(KIND, "a-2025-02-01", "a", "2025-02-01", 99).source;
        let path = format!("/{index}/_doc/a-2025-02-01");
        node.send("PUT", &path, source.as_bytes()).unwrap();
        node.refresh(&prefix).unwrap();
    };
    let change = Action::Before(Arc::new(change));
    // Before the point in time is opened: the second page would be of another state.
    let source = cluster.source_with_pages(1_500);
    cluster.proxy.add(Fault::on("keep_alive", change.clone()).times(1));
    let error = read(&source, &shelf("a"), None).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Own(Amiss::Inconsistent), "{}", chain(&error));
    cluster.proxy.clear();
    // After it: all pages still are of the old state.
    let before = read(&source, &shelf("a"), None).unwrap();
    cluster.proxy.add(Fault::on(PAGE, change).after(2).times(1));
    assert_eq!(read(&source, &shelf("a"), None).unwrap(), before);
    cluster.proxy.clear();
    assert_eq!(before.len(), documents.len());
    // Without points in time it is noticed by comparing the pages.
    cluster.proxy.add(Fault::on("keep_alive", answer(403)));
    let (node, prefix, index) = (cluster.node, cluster.prefix.clone(), cluster.index(KIND));
    let remove = Action::Before(Arc::new(move || {
        node.send("DELETE", &format!("/{index}/_doc/a-2025-01-01"), b"").unwrap();
        node.refresh(&prefix).unwrap();
    }));
    cluster.proxy.add(Fault::on(PAGE, remove).after(2).times(1));
    let error = read(&source, &shelf("a"), None).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Own(Amiss::Inconsistent), "{}", chain(&error));
}

#[test]
fn an_index_deleted_between_pages_is_an_error() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(60);
    let source = cluster.source_with_pages(1_500);
    let (node, index) = (cluster.node, cluster.index(KIND));
    let delete = move || drop(node.send("DELETE", &format!("/{index}"), b""));
    cluster.proxy.add(Fault::on(PAGE, Action::Before(Arc::new(delete))).after(2).times(1));
    let error = read(&source, &shelf("a"), None).unwrap_err();
    let kinds = [
        SourceErrorKind::Own(Amiss::NotFound),
        SourceErrorKind::Unreachable,
        SourceErrorKind::Refused,
    ];
    assert!(kinds.contains(&error.kind()), "{}", chain(&error));
}

#[test]
fn slow_answers_end_at_their_limits() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(3);
    let settings = OpenSearchSettings {
        request_timeout: Duration::from_millis(100),
        call_timeout: Duration::from_millis(500),
        attempts: 100,
        ..cluster.settings()
    };
    let source = OpenSearch::new(settings).unwrap();
    source.position(KIND).unwrap();
    cluster.proxy.clear();
    cluster.proxy.add(Fault::on("", Action::Delay(Duration::from_millis(300))));
    let error = source.manifest(&shelf("a")).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Unreachable, "{}", chain(&error));
    // Each is given up after 100 ms, and none begins after 500 ms.
    let sent = cluster.proxy.count("");
    assert!((1..=5).contains(&sent), "{sent}");
}

#[test]
fn a_failing_cluster_sees_few_probes_and_recovers() {
    let Some(cluster) = Cluster::new() else { return };
    let (source, clock) = timed(&cluster);
    source.position(KIND).unwrap();
    cluster.proxy.clear();
    cluster.proxy.add(Fault::on("", answer(503)));
    let fails = || {
        let (asked, sent) = (clock.monotonic(), cluster.proxy.count(""));
        let error = source.position(KIND).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Unreachable);
        (clock.monotonic() - asked, cluster.proxy.count("") - sent)
    };
    fails();
    let (start, sent) = (clock.monotonic(), cluster.proxy.count(""));
    // At first a question waits for the next probe; after a while of that it fails at once.
    let waited = (0..100).take_while(|_| fails().0 > Duration::ZERO).count();
    assert!(waited < 100);
    assert!((0..20).all(|_| fails() == (Duration::ZERO, 0)));
    // One probe in 300 ms.
    let probes = cluster.proxy.count("") - sent;
    let most = (clock.monotonic() - start).as_millis() / 300 + 1;
    assert!(probes >= 2 && probes as u128 <= most, "{probes} of {most}");
    cluster.proxy.clear();
    clock.advance(SignedDuration::from_millis(300));
    assert_eq!(source.position(KIND).map_err(|error| chain(&error)).err(), None, "the next probe");
    source.position(KIND).unwrap();
}

#[test]
fn a_short_outage_fails_nobody() {
    let Some(cluster) = Cluster::new() else { return };
    let documents = cluster.put_year(20);
    let source = cluster.source();
    source.position(KIND).unwrap();
    let sent = cluster.proxy.count("");
    cluster.proxy.add(Fault::on("", answer(502)));
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| read(&source, &shelf("a"), None))).collect();
        wait::until("a probe after the first failure", || cluster.proxy.count("") >= sent + 2);
        cluster.proxy.clear();
        for reader in readers {
            assert_eq!(reader.join().unwrap().unwrap(), pairs(&documents));
        }
    });
}

#[test]
fn a_page_that_trickles_ends_at_the_limit_of_a_request() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put_year(30);
    let settings = OpenSearchSettings {
        request_timeout: Duration::from_millis(400),
        attempts: 1,
        ..cluster.settings()
    };
    let source = OpenSearch::new(settings).unwrap();
    source.position(KIND).unwrap();
    cluster.proxy.clear();
    cluster.proxy.add(Fault::on(PAGE, Action::Trickle(Duration::from_millis(100))));
    // Whoever waited for the rest would have it in the end.
    let error = read(&source, &shelf("a"), None).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Unreachable, "{}", chain(&error));
    assert_eq!(cluster.proxy.count(PAGE), 1);
}

#[test]
fn a_node_stopped_in_the_middle_is_an_error() {
    let Some(()) = services::require(services::Service::OpenSearch) else { return };
    let mut node = services::OpenSearch::start().unwrap();
    let prefix = node.prefix().unwrap();
    let documents = super::support::year(30);
    let lines = documents.iter().map(|it| {
        let index = format!("{}-2025", KIND.alias());
        format!(r#"{{"_index":"{index}","_id":"{}","_source":{}}}"#, it.id, it.source)
    });
    node.load(&prefix, lines).unwrap();
    let settings = OpenSearchSettings {
        first_wait: Duration::from_millis(1),
        attempts: 3,
        ..OpenSearchSettings::new([node.url()], &prefix)
    };
    let source = OpenSearch::new(settings).unwrap();
    assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
    node.stop();
    let error = read(&source, &shelf("a"), None).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Unreachable, "{}", chain(&error));
}
