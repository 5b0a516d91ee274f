//! What is told to Celery's tools, and what they ask, without them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stats_jobs::{RedisBroker, RedisBrokerOptions, Serializer, Worker, WorkerOptions, WorkerParts};
use stats_model::SystemClock;
use stats_testkit::services::Redis;

use crate::support::bench::{Bench, options};

/// The bodies of what is published on the channels of events, one after another.
struct Events<'a> {
    channels: redis::PubSub<'a>,
    waiting: VecDeque<Value>,
}

impl Events<'_> {
    fn next(&mut self, kind: &str) -> Value {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                if event["type"] == kind {
                    return event;
                }
                continue;
            }
            let heard = self.channels.get_message().unwrap();
            let text: String = heard.get_payload().unwrap();
            let envelope: Value = serde_json::from_str(&text).unwrap();
            let body = redis_body(&envelope);
            let key = body["type"].as_str().unwrap().replace('-', ".");
            assert!(heard.get_channel_name().ends_with(&format!(".celeryev/{key}")));
            assert_eq!(envelope["headers"]["hostname"], "ours@here");
            self.waiting.push_back(body);
        }
    }
}

fn redis_body(envelope: &Value) -> Value {
    use base64::Engine as _;

    let body = envelope["body"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// A worker that tells everything, on a queue in a file.
fn worker(bench: &Bench, url: &str) -> Worker {
    let clock = Arc::new(SystemClock);
    let broker = RedisBroker::open(url, RedisBrokerOptions::default(), clock).unwrap();
    let parts = WorkerParts {
        broadcast: Some(Arc::new(broker)),
        notices: bench.said.listener(),
        ..WorkerParts::new(bench.queue.clone(), bench.doings.tasks(""))
    };
    let name = "ours@here".to_owned();
    let heartbeat = Duration::from_millis(20);
    Worker::start(parts, WorkerOptions { name, heartbeat, ..options(1) })
}

#[test]
fn a_worker_tells_what_becomes_of_it_and_its_tasks() {
    let Some(server) = Redis::shared() else { return };
    let url = server.database();
    let mut raw = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let mut channels = raw.as_pubsub();
    let database = url.rsplit('/').next().unwrap();
    channels.psubscribe(format!("/{database}.celeryev/*")).unwrap();
    channels.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut events = Events { channels, waiting: VecDeque::new() };
    let bench = Bench::new();
    let worker = worker(&bench, &url);
    let online = events.next("worker-online");
    assert_eq!((&online["freq"], &online["active"]), (&json!(0.02), &json!(0)));
    assert_eq!((&online["pid"], &online["utcoffset"]), (&json!(std::process::id()), &json!(0)));
    events.next("worker-heartbeat");

    what_is_told_of_a_success(&bench, &mut events);
    bench.send("fail", json!(["bad 3"]));
    assert_eq!(events.next("task-failed")["exception"], "ValueError('bad 3')");
    bench.send("retry", json!([]));
    assert_eq!(events.next("task-retried")["exception"], "ValueError('try 0')");
    bench.send("else", json!([]));
    assert_eq!(events.next("task-unknown")["name"], "else");
    let revoked = bench.task("add", json!([]));
    worker.revoke(std::slice::from_ref(&revoked.id), false);
    bench.producer.send(&revoked).unwrap();
    let event = events.next("task-revoked");
    assert_eq!((&event["terminated"], &event["expired"]), (&json!(false), &json!(false)));
    let _ = worker.stop(Duration::from_secs(20));
    assert_eq!(events.next("worker-offline")["processed"], 3);
}

fn what_is_told_of_a_success(bench: &Bench, events: &mut Events<'_>) {
    let mut task = bench.task("add", json!([2, 40]));
    task.retries = 1;
    bench.send_raw(&task.write(Serializer::Msgpack));
    let received = events.next("task-received");
    assert_eq!((&received["uuid"], &received["name"]), (&json!(task.id), &json!("add")));
    assert_eq!((&received["args"], &received["retries"]), (&json!("[2, 40]"), &json!(1)));
    let started = events.next("task-started");
    assert_eq!(started["uuid"], task.id.as_str());
    let succeeded = events.next("task-succeeded");
    assert_eq!((&succeeded["uuid"], &succeeded["result"]), (&json!(task.id), &json!("42")));
    assert!(started["clock"].as_u64().unwrap() < succeeded["clock"].as_u64().unwrap());
}
