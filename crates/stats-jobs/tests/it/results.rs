//! Results as Celery has them, in every place.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use stats_jobs::{
    EmbeddedBroker, EmbeddedOptions, Failure, QueueErrorKind, RedisBroker, RedisBrokerOptions,
    RedisResults, Results, Serializer, TaskResult, TaskState,
};
use stats_model::{Clock, ManualClock};
use stats_testkit::services::Redis;

use crate::support::{captured, from_hex};

fn result(state: TaskState, result: Value) -> TaskResult {
    TaskResult {
        id: "some-id".to_owned(),
        state,
        result,
        traceback: None,
        done: Some("2025-06-15T12:50:07.123456Z".parse().unwrap()),
        group: None,
        parent: None,
    }
}

fn redis(serializer: Serializer) -> Option<(RedisResults, redis::Connection)> {
    let url = Redis::shared()?.database();
    let clock = Arc::new(ManualClock::new("2025-06-15T12:34:56Z".parse().unwrap()));
    let database = RedisBroker::open(&url, RedisBrokerOptions::default(), clock).unwrap();
    let raw = redis::Client::open(url).unwrap().get_connection().unwrap();
    Some((RedisResults::new(database, serializer, RedisResults::LIFETIME), raw))
}

/// What every place does.
fn keeps_what_celery_keeps(results: &dyn Results) {
    assert_eq!(results.read("some-id").unwrap(), None);
    let started = TaskResult {
        done: None,
        group: Some("g".to_owned()),
        parent: Some("p".to_owned()),
        ..result(TaskState::Started, json!({"pid": 1}))
    };
    results.store(&started).unwrap();
    assert_eq!(results.read("some-id").unwrap(), Some(started));
    let failure = Failure::new("ValueError", "bad 3");
    let failed = TaskResult {
        traceback: Some("somewhere".to_owned()),
        ..result(TaskState::Failure, failure.to_value())
    };
    results.store(&failed).unwrap();
    assert_eq!(results.read("some-id").unwrap(), Some(failed));
    let success = result(TaskState::Success, json!([1, "größe", null]));
    results.store(&success).unwrap();
    results.store(&result(TaskState::Failure, failure.to_value())).unwrap();
    assert_eq!(results.read("some-id").unwrap(), Some(success));
    assert_eq!(results.read("another").unwrap(), None);
}

#[test]
fn results_are_kept_in_redis() {
    for serializer in [Serializer::Json, Serializer::Msgpack] {
        let Some((results, _)) = redis(serializer) else { return };
        keeps_what_celery_keeps(&results);
    }
}

#[test]
fn results_are_kept_in_a_file_until_their_time_is_over() {
    let folder = tempfile::TempDir::new().unwrap();
    let clock = Arc::new(ManualClock::new("2025-06-15T12:34:56Z".parse().unwrap()));
    let path = folder.path().join("jobs.db");
    let broker = EmbeddedBroker::open(path, EmbeddedOptions::default(), clock.clone()).unwrap();
    let results = broker.results(Duration::from_secs(60));
    keeps_what_celery_keeps(&results);
    clock.advance(SignedDuration::from_secs(60));
    assert_eq!(results.read("some-id").unwrap(), None);
    assert_eq!(clock.now().to_string(), "2025-06-15T12:35:56Z");
    results.store(&result(TaskState::Revoked, Value::Null)).unwrap();
    assert_eq!(results.read("some-id").unwrap().unwrap().state, TaskState::Revoked);
}

#[test]
fn what_celery_stored_is_read_and_written_as_it_was() {
    for case in captured("results").as_array().unwrap() {
        let serializer = match case["result_serializer"].as_str().unwrap() {
            "json" => Serializer::Json,
            _ => Serializer::Msgpack,
        };
        let stored = match (case["value_hex"].as_str(), case["value_text"].as_str()) {
            (Some(hex), _) => from_hex(hex),
            (None, Some(text)) => text.as_bytes().to_vec(),
            (None, None) => serializer.write(&case["value_decoded"]),
        };
        let read = TaskResult::read(&stored, serializer).unwrap();
        assert_eq!(read.state.as_str(), case["value_decoded"]["status"]);
        assert!(read.done.is_some());
        let mut again = serializer.read(&read.write(serializer)).unwrap();
        // Celery 5.3 wrote no offset, and left out a fraction that is zero.
        let done = again["date_done"].take();
        let mut theirs = case["value_decoded"].clone();
        assert!(done.as_str().unwrap().starts_with(theirs["date_done"].take().as_str().unwrap()));
        assert_eq!(again, theirs);
    }
}

#[test]
fn a_result_lies_where_celery_looks_and_is_announced() {
    let Some((results, mut raw)) = redis(Serializer::Json) else { return };
    let mut listener = raw.as_pubsub();
    listener.subscribe("celery-task-meta-some-id").unwrap();
    results.store(&result(TaskState::Success, json!(7))).unwrap();
    let heard: Vec<u8> = listener.get_message().unwrap().get_payload().unwrap();
    drop(listener);
    let key = "celery-task-meta-some-id";
    let stored: Vec<u8> = redis::cmd("GET").arg(key).query(&mut raw).unwrap();
    assert_eq!(heard, stored);
    let text = String::from_utf8(stored).unwrap();
    let expected = r#"{"status":"SUCCESS","result":7,"traceback":null,"children":[],"date_done":"2025-06-15T12:50:07.123456+00:00","task_id":"some-id"}"#;
    assert_eq!(text, expected);
    let seconds: i64 = redis::cmd("TTL").arg(key).query(&mut raw).unwrap();
    assert!((86_300..=86_400).contains(&seconds), "{seconds}");
}

#[test]
fn a_result_of_another_serializer_is_damaged() {
    let Some((results, mut raw)) = redis(Serializer::Json) else { return };
    let packed = result(TaskState::Success, json!(7)).write(Serializer::Msgpack);
    redis::cmd("SET").arg("celery-task-meta-some-id").arg(packed).exec(&mut raw).unwrap();
    let error = results.read("some-id").unwrap_err();
    assert_eq!(error.kind(), QueueErrorKind::Damaged);
    assert!(error.to_string().contains("some-id"), "{error}");
}
