//! An engine that cannot sum up sequence numbers is an error that says so.

use std::sync::Arc;

use serde_json::{Value, json};
use stats_documents::contract::{GivenDocument, given};
use stats_documents::{Amiss, Documents, Feed, ShelfFilter, SourceErrorKind};
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

fn documents() -> Vec<GivenDocument> {
    let day = |day| format!("2025-03-{day:02}");
    (1..=12).map(|n| given(KIND, &format!("a-{}", day(n)), "a", &day(n), n)).collect()
}

#[test]
fn what_it_lacks_is_said() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put(&documents());
    for engine in engines() {
        cluster.proxy.clear();
        let source = cluster.source();
        let position = source.position(KIND).unwrap();
        cluster.proxy.add(engine);
        let errors = [
            source.fingerprints(KIND, &ShelfFilter::default()).unwrap_err(),
            source.manifest(&shelf("a")).unwrap_err(),
            read(&source, &shelf("a"), None).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), SourceErrorKind::Refused, "{}", chain(&error));
            assert!(
                chain(&error).contains("does not sum up sequence numbers"),
                "{}",
                chain(&error)
            );
        }
        // What needs no sums is answered.
        assert_eq!(source.position(KIND).unwrap(), position);
        source.changed_since(KIND, &position).unwrap();
        assert_eq!(source.count(KIND).unwrap(), 12);

        let forbidden = Action::Answer { status: 403, retry_after: None };
        cluster.proxy.add(Fault::on("/_stats", forbidden));
        let error = source.position(KIND).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Refused, "{}", chain(&error));
        assert!(chain(&error).contains("does not sum up sequence numbers"), "{}", chain(&error));
    }
    cluster.proxy.clear();
    assert_eq!(read(&cluster.source(), &shelf("a"), None).unwrap(), pairs(&documents()));
}

#[test]
fn answers_that_do_not_add_up_are_errors() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put(&documents());
    let replace = |from: &'static str, to: &'static str| {
        Action::Rewrite(Arc::new(move |body: Vec<u8>| {
            String::from_utf8(body).unwrap().replacen(from, to, 1).into_bytes()
        }))
    };
    let faults = [
        ("another count", replace("\"count\":12", "\"count\":13")),
        ("no summary", replace("\"aggregations\"", "\"others\"")),
    ];
    for (name, action) in faults {
        cluster.proxy.clear();
        let source = cluster.source();
        source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
        cluster.proxy.add(Fault::when(sums_up_numbers, action));
        for error in [
            read(&source, &shelf("a"), None).unwrap_err(),
            source.manifest(&shelf("a")).unwrap_err(),
        ] {
            assert_eq!(
                error.kind(),
                SourceErrorKind::Own(Amiss::Inconsistent),
                "{name}: {}",
                chain(&error)
            );
        }
    }
}

/// What refuses every search has not shown that it lacks anything.
#[test]
fn an_engine_that_refuses_everything_is_not_taken_for_another_one() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.put(&documents());
    let source = cluster.source();
    let usual = source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    let declined = Action::Answer { status: 400, retry_after: None };
    cluster.proxy.add(Fault::on("/_search?", declined));
    let error = source.fingerprints(KIND, &ShelfFilter::default()).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Refused, "{}", chain(&error));
    assert!(!chain(&error).contains("does not sum up"), "{}", chain(&error));
    cluster.proxy.clear();
    assert_eq!(source.fingerprints(KIND, &ShelfFilter::default()).unwrap(), usual);
}
