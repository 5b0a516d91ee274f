//! An engine that cannot sum up sequence numbers: the times of documents take their place.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use stats_documents::contract::{GivenDocument, given};
use stats_documents::{
    Archive, ArchiveOptions, Changes, Documents, Mirror, MirrorOptions, ShelfFilter,
    SourceErrorKind,
};
use stats_model::{DocumentKind, Fingerprint};
use stats_testkit::proxy::{Action, Fault, Request};

use super::support::{Cluster, KIND, chain, pairs, read, shelf};

fn sums_up_numbers(request: &Request) -> bool {
    String::from_utf8_lossy(&request.body).contains("\"field\":\"_seq_no\"")
}

/// An engine that refuses.
fn refusing() -> Fault {
    Fault::when(sums_up_numbers, Action::Answer { status: 400, retry_after: None })
}

/// One that answers with nothing.
fn saying_nothing(nothing: &'static Value) -> Fault {
    let without = move |body: Vec<u8>| {
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        take_numbers(&mut answer["aggregations"], nothing);
        answer.to_string().into_bytes()
    };
    Fault::when(sums_up_numbers, Action::Rewrite(Arc::new(without)))
}

fn take_numbers(value: &mut Value, nothing: &Value) {
    match value {
        Value::Object(members) if members.contains_key("sum") => *value = nothing.clone(),
        Value::Object(members) => {
            members.values_mut().for_each(|member| take_numbers(member, nothing));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_numbers(item, nothing)),
        _ => {}
    }
}

fn engines() -> Vec<Fault> {
    let zero: &'static Value = Box::leak(Box::new(json!({"count": 0, "max": null, "sum": 0})));
    vec![refusing(), saying_nothing(&Value::Null), saying_nothing(zero)]
}

/// A document that was computed at this second of a night.
fn computed(day: u32, second: u32, value: u32) -> GivenDocument {
    let day = format!("2025-03-{day:02}");
    let document = given(KIND, &format!("a-{day}"), "a", &day, value);
    let time = format!("\"timestamp\":\"2025-06-01T00:00:{second:02}\",\"totals\"");
    GivenDocument { source: document.source.replace("\"totals\"", &time), ..document }
}

#[test]
fn the_bundled_corpus_comes_back_with_times_for_numbers() {
    let Some(cluster) = Cluster::bare() else { return };
    cluster.node.load(&cluster.prefix, super::indices::corpus()).unwrap();
    let usual = cluster.source();
    for engine in engines() {
        cluster.proxy.clear();
        cluster.proxy.add(engine);
        let source = cluster.source_with_pages(64 << 10);
        let mut count = 0;
        for kind in DocumentKind::ALL {
            let all = source.fingerprints(kind, &ShelfFilter::default()).unwrap();
            assert_eq!(all.values().map(|it| it.count).sum::<u64>(), source.count(kind).unwrap());
            for (shelf, fingerprint) in all {
                let manifest = source.manifest(&shelf).unwrap();
                let sequences = || manifest.iter().map(|entry| entry.sequence);
                assert_eq!(Fingerprint::of(sequences()), fingerprint, "{shelf}");
                // Milliseconds of a year after 2020.
                assert!(sequences().all(|time| time > 1_577_836_800_000), "{shelf}");
                let mut of_documents = Vec::new();
                source
                    .documents(&shelf, None, &mut |document| {
                        of_documents.push(document.sequence);
                        std::ops::ControlFlow::Continue(())
                    })
                    .unwrap();
                assert_eq!(sequences().collect::<Vec<_>>(), of_documents);
                count += of_documents.len();
            }
        }
        assert_eq!(count, 686);
        // It is found out once: one refused question, and one to be sure. (What is refused is asked
        // of any copy, too, but that is another matter.)
        let asked = cluster.proxy.requests().into_iter().filter(sums_up_numbers);
        assert_eq!(asked.filter(|asked| asked.target.contains("_primary")).count(), 2);
    }
    cluster.proxy.clear();
    for kind in DocumentKind::ALL {
        for shelf in usual.fingerprints(kind, &ShelfFilter::default()).unwrap().into_keys() {
            let expected = read(&usual, &shelf, None).unwrap();
            cluster.proxy.add(refusing());
            assert_eq!(read(&cluster.source(), &shelf, None).unwrap(), expected, "{shelf}");
            cluster.proxy.clear();
        }
    }
}

#[test]
fn only_what_was_computed_anew_is_fetched() {
    let Some(cluster) = Cluster::new() else { return };
    for statistics in [true, false] {
        cluster.proxy.clear();
        cluster.proxy.add(refusing());
        if !statistics {
            let declined = Action::Answer { status: 403, retry_after: None };
            cluster.proxy.add(Fault::on("/_stats", declined));
        }
        let mut documents: Vec<_> = (1..=20).map(|day| computed(day, day, day)).collect();
        cluster.put(&documents);
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let archive = Archive::open(folder.path().join("m.db"), ArchiveOptions::default());
            let options =
                MirrorOptions { believe: std::time::Duration::ZERO, ..Default::default() };
            Mirror::new(Arc::new(cluster.source()), archive.unwrap(), options)
        };
        assert_eq!(read(&open(), &shelf("a"), None).unwrap(), pairs(&documents));
        // A new process that has to find everything out.
        let mirror = open();
        let before = cluster.proxy.requests().len();
        assert_eq!(read(&mirror, &shelf("a"), None).unwrap(), pairs(&documents));
        let asked = cluster.proxy.requests();
        assert!(!asked[before..].iter().any(is_page), "nothing has changed");

        let position = mirror.position(KIND).unwrap();
        documents[6] = computed(7, 40, 700);
        cluster.put(&documents[6..7]);
        cluster.remove(KIND, &["a-2025-03-20"]);
        documents.pop();
        assert_ne!(mirror.position(KIND).unwrap(), position);
        let before = cluster.proxy.requests().len();
        let fresh = open();
        assert_eq!(read(&fresh, &shelf("a"), None).unwrap(), pairs(&documents));
        let asked = cluster.proxy.requests();
        let pages: Vec<_> = asked[before..].iter().filter(|request| is_page(request)).collect();
        assert_eq!(pages.len(), 1);
        assert!(String::from_utf8_lossy(&pages[0].body).contains("[\"a-2025-03-07\"]"));
        assert!(fresh.audit(&ShelfFilter::default()).unwrap().differences.is_empty());
        let changes = fresh.remote().unwrap().documents.changed_since(KIND, &position).unwrap();
        assert_eq!(changes, Changes::Everything);
        let now = fresh.position(KIND).unwrap();
        let none = Changes::Communities(BTreeSet::new());
        assert_eq!(fresh.remote().unwrap().documents.changed_since(KIND, &now).unwrap(), none);
    }
}

fn is_page(request: &Request) -> bool {
    let body = String::from_utf8_lossy(&request.body);
    body.contains("seq_no_primary_term") && !body.contains("\"_source\"")
}

#[test]
fn answers_that_do_not_add_up_are_errors() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put(&(1..=12).map(|day| computed(day, day, day)).collect::<Vec<_>>());
    let replace = |from: &'static str, to: &'static str| {
        Action::Rewrite(Arc::new(move |body: Vec<u8>| {
            String::from_utf8(body).unwrap().replacen(from, to, 1).into_bytes()
        }))
    };
    let faults = [
        ("another time", replace("2025-06-01T00:00:05\"", "2025-06-01T00:00:06\"")),
        ("no time", replace("2025-06-01T00:00:05\"", "soon\"")),
        ("another count", replace("\"count\":12", "\"count\":13")),
        ("no summary", replace("\"aggregations\"", "\"others\"")),
    ];
    for (name, action) in faults {
        cluster.proxy.clear();
        cluster.proxy.add(refusing());
        let source = cluster.source();
        source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
        cluster.proxy.add(Fault::when(|request| !sums_up_numbers(request), action));
        for error in [
            read(&source, &shelf("a"), None).unwrap_err(),
            source.manifest(&shelf("a")).unwrap_err(),
        ] {
            assert_eq!(error.kind(), SourceErrorKind::Inconsistent, "{name}: {}", chain(&error));
        }
    }
}

/// Documents were handed over before the engine said nothing: that reading must begin anew.
#[test]
fn an_engine_that_says_nothing_in_the_middle_of_a_shelf() {
    let Some(cluster) = Cluster::new() else { return };
    let documents: Vec<_> = (1..=12).map(|day| computed(day, day, day)).collect();
    cluster.put(&documents);
    cluster.proxy.add(saying_nothing(&Value::Null));
    let source = cluster.source();
    let error = read(&source, &shelf("a"), None).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Inconsistent, "{}", chain(&error));
    assert_eq!(read(&source, &shelf("a"), None).unwrap(), pairs(&documents));
    assert_eq!(read(&source, &shelf("b"), None).unwrap(), []);
}

/// What refuses every search has not shown that it lacks anything.
#[test]
fn an_engine_that_refuses_everything_is_not_taken_for_another_one() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put(&(1..=12).map(|day| computed(day, day, day)).collect::<Vec<_>>());
    let source = cluster.source();
    let usual = source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    let declined = Action::Answer { status: 400, retry_after: None };
    cluster.proxy.add(Fault::on("/_search?", declined));
    let error = source.fingerprints(KIND, &ShelfFilter::default()).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Refused, "{}", chain(&error));
    cluster.proxy.clear();
    assert_eq!(source.fingerprints(KIND, &ShelfFilter::default()).unwrap(), usual);
}
