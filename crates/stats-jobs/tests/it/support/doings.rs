//! Tasks that do what tests need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stats_jobs::{Failure, StopReason, TaskControl, TaskFailure, TaskKind, TaskMessage, Tasks};
use stats_testkit::wait;

/// What is performed, and how far that is.
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

    /// By these names behind `prefix`: `add` adds its two arguments; `fail` fails with its argument;
    /// `panic` panics; `retry` wants to be tried again in a minute; `wait` waits for the gate; `obey`
    /// waits until it is asked to stop and tells what for; `stop_late` does, and gives up, and
    /// `give_up_late` gives up at once. What ends in `_late` is acknowledged late.
    pub(crate) fn tasks(&self, prefix: &str) -> Tasks {
        let gate = self.gate.clone();
        let wait = move |_: &TaskMessage, _: &TaskControl| {
            wait::until("the gate opens", || gate.load(Ordering::SeqCst));
            Ok(json!("through"))
        };
        let give_up = |_: &TaskMessage, _: &TaskControl| Err(TaskFailure::Interrupted);
        let kinds = [
            ("add", self.kind(add)),
            ("add_late", self.kind(add).acknowledged_late()),
            ("fail", self.kind(fail)),
            ("panic", self.kind(|_, _| panic!("arranged"))),
            ("retry", self.kind(retry).with_retries(2)),
            ("wait", self.kind(wait.clone())),
            ("wait_late", self.kind(wait).acknowledged_late().with_start_told()),
            ("obey", self.kind(obey)),
            ("obey_late", self.kind(obey).acknowledged_late()),
            ("stop_late", self.kind(stop).acknowledged_late()),
            ("give_up_late", self.kind(give_up).acknowledged_late()),
        ];
        let add = |all: Tasks, (name, kind)| all.with(format!("{prefix}{name}"), kind);
        kinds.into_iter().fold(Tasks::new(), add)
    }
}

fn add(task: &TaskMessage, _: &TaskControl) -> Result<Value, TaskFailure> {
    let number = |at: usize| task.arguments.get(at).and_then(Value::as_i64).unwrap_or(0);
    Ok(json!(number(0) + number(1)))
}

fn fail(task: &TaskMessage, _: &TaskControl) -> Result<Value, TaskFailure> {
    Err(Failure::new("ValueError", task.arguments[0].as_str().unwrap()).into())
}

fn retry(task: &TaskMessage, _: &TaskControl) -> Result<Value, TaskFailure> {
    let failure = Failure::new("ValueError", format!("try {}", task.retries));
    Err(TaskFailure::Retry { after: Duration::from_secs(60), failure })
}

fn obey(_: &TaskMessage, control: &TaskControl) -> Result<Value, TaskFailure> {
    wait::until("it is asked to stop", || control.should_stop());
    match control.stop_reason() {
        Some(StopReason::Shutdown) => Err(TaskFailure::Interrupted),
        Some(reason) => Ok(json!(format!("{reason:?}"))),
        None => Ok(Value::Null),
    }
}

fn stop(_: &TaskMessage, control: &TaskControl) -> Result<Value, TaskFailure> {
    wait::until("it is asked to stop", || control.should_stop());
    Err(TaskFailure::Interrupted)
}
