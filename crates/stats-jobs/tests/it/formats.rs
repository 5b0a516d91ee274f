//! Files of queues in every format that was ever released are still read.
//!
//! A new format gets a folder of its own, written once by the ignored test; the old ones stay.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use stats_jobs::contract::message;
use stats_jobs::{
    EmbeddedBroker, EmbeddedOptions, Queue, Results, Serializer, TaskMessage, TaskResult, TaskState,
};
use stats_model::ManualClock;

/// The present version.
const VERSION: u32 = 1;

fn file(version: u32) -> PathBuf {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/formats");
    formats.join(format!("v{version}/jobs.db"))
}

fn written() -> Timestamp {
    "2025-06-15T12:34:56.789Z".parse().unwrap()
}

fn open(path: &Path, now: Timestamp) -> EmbeddedBroker {
    let clock = Arc::new(ManualClock::new(now));
    EmbeddedBroker::open(path, EmbeddedOptions::default(), clock).unwrap()
}

fn later() -> stats_jobs::Message {
    let mut task = TaskMessage::new("id-3", "some.module.task");
    task.eta = Some(written() + SignedDuration::from_hours(1));
    task.priority = 6;
    task.write(Serializer::Msgpack)
}

fn result() -> TaskResult {
    TaskResult {
        id: "id-0".to_owned(),
        state: TaskState::Success,
        result: json!({"größe": [1, 2.5, null]}),
        traceback: None,
        done: Some(written()),
        group: Some("g".to_owned()),
        parent: None,
    }
}

#[test]
#[ignore = "writes the fixture of a new format"]
fn writes_the_present_format() {
    let path = file(VERSION);
    drop(std::fs::remove_file(&path));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let broker = open(&path, written());
    let queue = broker.queue("stats-cache");
    queue.send(&message(1)).unwrap();
    queue.receive(Duration::ZERO).unwrap().unwrap();
    queue.send(&message(2)).unwrap();
    queue.send(&later()).unwrap();
    broker.results(Duration::from_secs(4_000_000_000)).store(&result()).unwrap();
}

#[test]
fn files_of_every_format_are_read() {
    for version in 1..=VERSION {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        std::fs::copy(file(version), &path).unwrap();
        let queue = open(&path, written()).queue("stats-cache");
        let waiting = queue.receive(Duration::ZERO).unwrap().unwrap();
        assert_eq!((waiting.content, waiting.redelivered), (Ok(message(2)), false));
        assert_eq!(queue.receive(Duration::ZERO).unwrap(), None);

        let broker = open(&path, written() + SignedDuration::from_hours(1));
        let queue = broker.queue("stats-cache");
        let in_hand = queue.receive(Duration::ZERO).unwrap().unwrap();
        assert_eq!((in_hand.content, in_hand.redelivered), (Ok(message(1)), true));
        let contents: Vec<_> = (0..2)
            .map(|_| queue.receive(Duration::ZERO).unwrap().unwrap().content.unwrap())
            .collect();
        assert_eq!(contents, [message(2), later()]);
        let results = broker.results(Duration::ZERO);
        assert_eq!(results.read("id-0").unwrap(), Some(result()));
    }
}
