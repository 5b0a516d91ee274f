//! What the threads of a worker share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use stats_model::Clock;

use super::books::{Books, Phase, Received, Settlement};
use super::notice::Notice;
use super::options::WorkerOptions;
use super::task_control::StopReason;
use super::tasks::Tasks;
use crate::events::Announcer;
use crate::pauses::Pauses;
use crate::{
    Broadcast, Gone, Queue, QueueError, QueueErrorKind, Results, Tag, TaskMessage, TaskResult,
    TaskState, locked,
};

pub(super) struct Shared {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) results: Option<Arc<dyn Results>>,
    pub(super) broadcast: Option<Arc<dyn Broadcast>>,
    pub(super) announcer: Announcer,
    pub(super) tasks: Tasks,
    pub(super) options: WorkerOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) started: Timestamp,
    pub(super) tell: Box<dyn Fn(&Notice) + Send + Sync>,
    books: Mutex<Books>,
    /// Told whenever something in the books changes that somebody may wait for.
    changed: Condvar,
}

impl Shared {
    pub(super) fn new(
        queue: Arc<dyn Queue>,
        results: Option<Arc<dyn Results>>,
        broadcast: Option<Arc<dyn Broadcast>>,
        tasks: Tasks,
        options: WorkerOptions,
        clock: Arc<dyn Clock>,
        tell: Box<dyn Fn(&Notice) + Send + Sync>,
    ) -> Self {
        let (name, tells_tasks) = (options.name.clone(), options.task_events);
        let announcer = Announcer::start(name, broadcast.clone(), clock.clone(), tells_tasks);
        Self {
            queue,
            results,
            broadcast,
            announcer,
            tasks,
            options,
            started: clock.now(),
            clock,
            tell,
            books: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        locked(&self.books)
    }

    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    pub(super) fn phase(&self) -> Phase {
        self.books().phase
    }

    /// Goes on to a later phase.
    pub(super) fn enter(&self, phase: Phase) {
        let mut books = self.books();
        books.phase = books.phase.max(phase);
        drop(books);
        self.notify();
    }

    /// Takes no more messages, and asks what is being performed to come to an end.
    pub(super) fn begin_to_stop(&self) {
        self.enter(Phase::Draining);
        for job in self.books().jobs.values() {
            job.control.ask_to_stop(StopReason::Shutdown);
        }
    }

    /// Waits until something changes, for `time` at most; the books as they then are.
    pub(super) fn wait<'a>(
        &'a self,
        books: MutexGuard<'a, Books>,
        time: Duration,
    ) -> MutexGuard<'a, Books> {
        self.changed.wait_timeout(books, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Lets `time` pass, unless the worker reaches `phase` before; whether it did not.
    pub(super) fn pause(&self, time: Duration, phase: Phase) -> bool {
        let end = Instant::now() + time;
        let mut books = self.books();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if books.phase >= phase {
                return false;
            }
            if left.is_zero() {
                return true;
            }
            books = self.wait(books, left);
        }
    }

    pub(super) fn pauses(&self) -> Pauses {
        Pauses::new(self.options.first_pause, self.options.longest_pause)
    }

    /// Says to the broker what is to be said about a delivery. When that cannot be said now, it is said
    /// later; when it never can, the task is remembered, so that its message is known when it comes
    /// again.
    pub(super) fn settle(&self, received: &Received, tag: Tag, how: Settlement) {
        let Err(error) = self.say(&tag, how) else { return };
        let mut books = self.books();
        if how != Settlement::GiveBack {
            books.done.add(received.which_try());
        }
        let id = received.task.id.clone();
        if error.kind().may_pass() {
            books.unsettled.push((tag, how, id));
        } else {
            drop(books);
            (self.tell)(&Notice::Unsettled { id, error });
        }
    }

    /// Says what could not be said before.
    ///
    /// # Errors
    /// When the broker still cannot be told.
    pub(super) fn settle_the_rest(&self) -> Result<(), QueueError> {
        loop {
            let Some((tag, how, id)) = self.books().unsettled.pop() else { return Ok(()) };
            match self.say(&tag, how) {
                Err(error) if error.kind().may_pass() => {
                    self.books().unsettled.push((tag, how, id));
                    return Err(error);
                }
                // It went with the connection, and the message comes again.
                Err(error) if error.kind() == QueueErrorKind::Own(Gone) => {}
                Err(error) => (self.tell)(&Notice::Unsettled { id, error }),
                Ok(()) => {}
            }
        }
    }

    pub(super) fn say(&self, tag: &Tag, how: Settlement) -> Result<(), QueueError> {
        match how {
            Settlement::Acknowledge => self.queue.acknowledge(tag),
            Settlement::GiveBack => self.queue.give_back(tag),
            Settlement::Reject => self.queue.reject(tag),
        }
    }

    /// Stores how far a task has come, if that can be done now: it waits for nothing.
    pub(super) fn try_to_store(&self, task: &TaskMessage, state: TaskState, result: Value) {
        if let Some(results) = &self.results {
            drop(results.store(&self.result(task, state, result, None)));
        }
    }

    fn result(
        &self,
        task: &TaskMessage,
        state: TaskState,
        result: Value,
        traceback: Option<String>,
    ) -> TaskResult {
        let done = state.is_final().then(|| self.clock.now());
        let (id, group, parent) = (task.id.clone(), task.group.clone(), task.parent_id.clone());
        TaskResult { id, state, result, traceback, done, group, parent }
    }

    /// Stores what became of a task. Tries for a while.
    pub(super) fn store(
        &self,
        task: &TaskMessage,
        state: TaskState,
        result: Value,
        traceback: Option<String>,
    ) {
        let Some(results) = &self.results else { return };
        let result = self.result(task, state, result, traceback);
        if let Err(error) = self.persist(|| results.store(&result)) {
            (self.tell)(&Notice::ResultLost { id: result.id, error });
        }
    }

    /// Does something until it succeeds or cannot succeed any more, with growing pauses, for a while.
    pub(super) fn persist(
        &self,
        mut attempt: impl FnMut() -> Result<(), QueueError>,
    ) -> Result<(), QueueError> {
        let (started, mut pauses) = (Instant::now(), self.pauses());
        loop {
            let Err(error) = attempt() else { return Ok(()) };
            let pause = pauses.next();
            let too_long = started.elapsed() + pause > self.options.patience;
            if !error.kind().may_pass() || too_long || !self.pause(pause, Phase::Ended) {
                return Err(error);
            }
        }
    }
}
