//! A worker on a bench: on a queue of its own, with everything it says kept.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use stats_jobs::{
    EmbeddedBroker, EmbeddedOptions, Failure, Message, Producer, Queue, Results, Serializer,
    StopReason, TaskControl, TaskFailure, TaskKind, TaskMessage, TaskResult, Tasks, Worker,
    WorkerOptions, WorkerParts,
};
use stats_model::ManualClock;
use stats_testkit::wait;
use tempfile::TempDir;

/// Tasks that do what tests need.
#[derive(Clone, Default)]
pub(crate) struct Doings {
    /// How often each kind was begun.
    begun: Arc<AtomicUsize>,
    /// How many are being performed, and the most there were.
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    /// Lets those that wait go on.
    gate: Arc<AtomicBool>,
}

impl Doings {
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    pub(crate) fn wait_until_none_is_performed(&self) {
        wait::until("tasks end", || self.now.load(Ordering::SeqCst) == 0);
    }

    pub(crate) fn open_gate(&self) {
        self.gate.store(true, Ordering::SeqCst);
    }

    pub(crate) fn wait_until_begun(&self, count: usize) {
        wait::until("tasks begin", || self.begun() == count);
    }

    fn perform(
        &self,
        doing: impl Fn(&TaskMessage, &TaskControl) -> Result<Value, TaskFailure>,
        task: &TaskMessage,
        control: &TaskControl,
    ) -> Result<Value, TaskFailure> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        let result = doing(task, control);
        self.now.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn kind(
        &self,
        doing: impl Fn(&TaskMessage, &TaskControl) -> Result<Value, TaskFailure>
        + Send
        + Sync
        + Clone
        + 'static,
    ) -> TaskKind {
        let all = self.clone();
        TaskKind::new(move |task: &TaskMessage, control: &TaskControl| {
            all.perform(doing.clone(), task, control)
        })
    }

    /// By these names behind `prefix`: `add` adds its two arguments; `fail` fails with its argument; `panic` panics; `retry` wants to be
    /// tried again in a minute; `wait` waits for the gate, `wait_late` too and is acknowledged late;
    /// `obey` and `obey_late` wait until they are asked to stop and give what for, `stop_late` does and
    /// gives up, and `give_up_late` gives up at once.
    pub(crate) fn tasks(&self, prefix: &str) -> Tasks {
        let name = |name: &str| format!("{prefix}{name}");
        let gate = self.gate.clone();
        let wait = move |_: &TaskMessage, _: &TaskControl| {
            wait::until("the gate opens", || gate.load(Ordering::SeqCst));
            Ok(json!("through"))
        };
        let obey = |_: &TaskMessage, control: &TaskControl| {
            wait::until("it is asked to stop", || control.should_stop());
            match control.stop_reason() {
                Some(StopReason::Shutdown) => Err(TaskFailure::Interrupted),
                Some(reason) => Ok(json!(format!("{reason:?}"))),
                None => Ok(Value::Null),
            }
        };
        let stop = |_: &TaskMessage, control: &TaskControl| {
            wait::until("it is asked to stop", || control.should_stop());
            Err(TaskFailure::Interrupted)
        };
        Tasks::new()
            .with(name("stop_late"), self.kind(stop).acknowledged_late())
            .with(name("give_up_late"), {
                self.kind(|_, _| Err(TaskFailure::Interrupted)).acknowledged_late()
            })
            .with(
                name("add"),
                self.kind(|task, _| {
                    let number =
                        |at: usize| task.arguments.get(at).and_then(Value::as_i64).unwrap_or(0);
                    Ok(json!(number(0) + number(1)))
                }),
            )
            .with(
                name("fail"),
                self.kind(|task, _| {
                    let text = task.arguments[0].as_str().unwrap();
                    Err(Failure::new("ValueError", text).into())
                }),
            )
            .with(name("panic"), self.kind(|_, _| panic!("arranged")))
            .with(
                name("retry"),
                self.kind(|task, _| {
                    let failure = Failure::new("ValueError", format!("try {}", task.retries));
                    Err(TaskFailure::Retry { after: Duration::from_secs(60), failure })
                })
                .with_retries(2),
            )
            .with(name("wait"), self.kind(wait.clone()))
            .with(name("wait_late"), self.kind(wait).acknowledged_late().with_start_told())
            .with(name("obey"), self.kind(obey))
            .with(name("obey_late"), self.kind(obey).acknowledged_late())
    }
}

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

    pub(crate) fn listener(&self) -> Box<dyn Fn(&stats_jobs::Notice) + Send + Sync> {
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
