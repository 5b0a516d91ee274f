//! A worker on a bench: on a queue of its own, with everything it says kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;
use stats_jobs::{
    EmbeddedBroker, EmbeddedOptions, Message, Notice, Producer, Queue, Results, Serializer,
    TaskMessage, TaskResult, Worker, WorkerOptions, WorkerParts,
};
use stats_model::ManualClock;
use stats_testkit::wait;
use tempfile::TempDir;

use super::doings::Doings;

/// What a worker says.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn wait_for(&self, part: &str) {
        let said = || self.all().iter().any(|line| line.contains(part));
        wait::until(&format!("the worker says '{part}', not only {:?}", self.all()), said);
    }

    pub(crate) fn listener(&self) -> Box<dyn Fn(&Notice) + Send + Sync> {
        let said = self.clone();
        Box::new(move |notice| said.0.lock().unwrap().push(notice.to_string()))
    }
}

pub(crate) fn options(slots: usize) -> WorkerOptions {
    WorkerOptions {
        slots,
        wait: Duration::from_millis(200),
        tick: Duration::from_millis(5),
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(200),
        task_events: true,
        ..WorkerOptions::default()
    }
}

/// A worker on a queue in a file.
pub(crate) struct Bench {
    _folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) results: Arc<dyn Results>,
    pub(crate) doings: Doings,
    pub(crate) said: Said,
    pub(crate) producer: Producer,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new("2025-06-15T12:34:56Z".parse().unwrap()));
        let options =
            EmbeddedOptions { look: Duration::from_millis(5), ..EmbeddedOptions::default() };
        let broker =
            EmbeddedBroker::open(folder.path().join("jobs.db"), options, clock.clone()).unwrap();
        let queue: Arc<dyn Queue> = Arc::new(broker.queue("stats-cache"));
        let results = Arc::new(broker.results(Duration::from_secs(86_400)));
        let producer = Producer::new(queue.clone(), Serializer::Json);
        let (doings, said) = (Doings::default(), Said::default());
        Self { _folder: folder, clock, queue, results, doings, said, producer }
    }

    pub(crate) fn worker(&self, slots: usize) -> Worker {
        self.worker_on(self.queue.clone(), slots)
    }

    /// A worker on another queue, with the results of this one.
    pub(crate) fn worker_on(&self, queue: Arc<dyn Queue>, slots: usize) -> Worker {
        let parts = WorkerParts {
            results: Some(self.results.clone()),
            clock: self.clock.clone(),
            notices: self.said.listener(),
            ..WorkerParts::new(queue, self.doings.tasks(""))
        };
        Worker::start(parts, options(slots))
    }

    pub(crate) fn task(&self, name: &str, arguments: Value) -> TaskMessage {
        let mut task = self.producer.task(name);
        task.arguments = arguments.as_array().unwrap().clone();
        task
    }

    pub(crate) fn send(&self, name: &str, arguments: Value) -> String {
        let task = self.task(name, arguments);
        self.producer.send(&task).unwrap();
        task.id
    }

    pub(crate) fn send_raw(&self, message: &Message) {
        self.queue.send(message).unwrap();
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// The result, once it stays as it is.
    pub(crate) fn result(&self, id: &str) -> TaskResult {
        let mut found = None;
        wait::until(&format!("the result of {id}; {:?}", self.said.all()), || {
            found = self.results.read(id).unwrap();
            found.as_ref().is_some_and(|found| found.state.is_final())
        });
        found.unwrap()
    }

    /// Waits until no message waits.
    pub(crate) fn wait_until_empty(&self) {
        wait::until("nothing waits", || self.queue.length().unwrap() == 0);
    }
}
