//! Messages that Celery wrote are understood, and ours are like them.

use serde_json::{Value, json};
use stats_jobs::{Message, Refusal, Serializer, TaskMessage};

use crate::support::{captured, captured_message};

const CAPTURED: [(&str, Serializer); 2] =
    [("amqp-json", Serializer::Json), ("amqp-msgpack", Serializer::Msgpack)];

#[test]
fn a_message_of_celery_says_what_it_says() {
    for (name, _) in CAPTURED {
        let task = TaskMessage::read(&captured_message(name)).unwrap();
        assert_eq!(task.id, "6f1d3f6e-6f0c-4a0e-9f58-2a6f4f3b7c11");
        assert!(task.task.ends_with("cache_tasks.generate_cached_responses_task"), "{}", task.task);
        assert_eq!(task.arguments, [Value::Null; 0]);
        assert_eq!(Value::Object(task.keywords), captured(name)["body_decoded"][1]);
        assert_eq!((task.eta, task.expires, task.retries), (None, None, 0));
        assert_eq!(task.origin.as_deref(), Some("gen4242@web-1"));
    }
}

#[test]
fn what_is_written_is_what_celery_wrote() {
    for (name, serializer) in CAPTURED {
        let theirs = captured_message(name);
        let ours = TaskMessage::read(&theirs).unwrap().write(serializer);
        assert_eq!(ours.headers, theirs.headers, "{name}");
        assert_eq!(ours.properties, theirs.properties, "{name}");
        let read = |message: &Message| serializer.read(&message.body).unwrap();
        assert_eq!(read(&ours), read(&theirs), "{name}");
        if serializer == Serializer::Msgpack {
            assert_eq!(ours.body, theirs.body);
        }
    }
}

/// A message with only the headers `task` and `id`.
#[test]
fn a_bare_message_is_enough() {
    let captured = captured("minimal-producer");
    let mut message = minimal();
    message.body = captured["amqp"]["body_text"].as_str().unwrap().as_bytes().to_vec();
    let task = TaskMessage::read(&message).unwrap();
    assert_eq!(task.arguments, [json!("all")]);
    assert_eq!(task.keywords["years"], 2025);
    assert!(!task.ignore_result);
}

#[test]
fn times_are_read_in_either_form() {
    let mut message = minimal();
    message.headers.insert("eta".to_owned(), json!("2025-06-15T14:35:56.123456+02:00"));
    message.headers.insert("expires".to_owned(), json!("2025-06-15T12:35:56.123456"));
    message.headers.insert("timelimit".to_owned(), json!([30, 10.5]));
    let task = TaskMessage::read(&message).unwrap();
    assert_eq!(task.eta, Some("2025-06-15T12:35:56.123456Z".parse().unwrap()));
    assert_eq!(task.eta, task.expires);
    assert_eq!(task.time_limits.hard.unwrap().as_secs_f64(), 30.0);
    assert_eq!(task.time_limits.soft.unwrap().as_secs_f64(), 10.5);
    let written = task.write(Serializer::Json);
    assert_eq!(written.headers["eta"], "2025-06-15T12:35:56.123456+00:00");
    assert_eq!(written.headers["timelimit"], json!([30, 10.5]));
}

#[test]
fn each_kind_of_broken_message_is_refused_by_name() {
    let with = |name: &str, value: Value| {
        let mut message = minimal();
        message.headers.insert(name.to_owned(), value);
        TaskMessage::read(&message).unwrap_err()
    };
    let header = |name, fault| Refusal::Header { name, fault };
    assert_eq!(with("id", json!("")), header("id", "is empty"));
    assert_eq!(with("id", json!("x".repeat(256))), header("id", "is too long"));
    assert_eq!(with("task", json!(["a"])), header("task", "is no text"));
    assert_eq!(with("eta", json!("tomorrow")), header("eta", "is no time"));
    assert_eq!(with("expires", json!(5)), header("expires", "is no time"));
    assert_eq!(with("retries", json!(-1)), header("retries", "is no count"));
    assert_eq!(with("timelimit", json!([1e99, null])), header("timelimit", "holds no time"));
    let ignored = header("ignore_result", "is neither true nor false");
    assert_eq!(with("ignore_result", json!("yes")), ignored);
    let gzip = "application/x-gzip";
    assert_eq!(with("compression", json!(gzip)), Refusal::Compressed(gzip.to_owned()));
    assert_eq!(TaskMessage::read(&Message::default()).unwrap_err(), Refusal::Protocol);
}

#[test]
fn a_body_that_is_no_task_is_refused() {
    for body in
        ["", "null", "[]", "[[],{}]", "[{},{},{}]", "[[],[],{}]", "[[],{},3]", "[[],{},{}]x"]
    {
        let message = Message { body: body.as_bytes().to_vec(), ..minimal() };
        let refusal = TaskMessage::read(&message).unwrap_err();
        assert!(matches!(refusal, Refusal::Body(_)), "{body}: {refusal}");
    }
}

#[test]
fn a_task_that_others_wait_for_in_a_chain_is_refused() {
    for (name, value) in [("callbacks", json!([{}])), ("chord", json!({"task": "a"}))] {
        let body = json!([[], {}, {name: value}]).to_string().into_bytes();
        let refusal = TaskMessage::read(&Message { body, ..minimal() }).unwrap_err();
        assert!(matches!(refusal, Refusal::Followed(_)), "{refusal}");
    }
}

fn minimal() -> Message {
    TaskMessage {
        origin: None,
        ..TaskMessage::new("00000000-0000-4000-8000-000000000001", "some.module.task")
    }
    .write(Serializer::Json)
}
