//! The tasks of a run that were sent to workers, and what comes of them.

use std::time::Duration;

use serde_json::{Value, json};
use stats_jobs::ledger::Worker;
use stats_jobs::{Failure, QueueError, TaskMessage, TaskResult, TaskState, host_name};
use stats_service::{Errand, ShelfReport, ShelfTask, chain};

use super::ports::Ports;
use super::todo::{Taken, Todo};
use crate::daemon::tasks::{RUN_OVER, SHELF};

/// So often somebody looks what came of tasks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// So often somebody looks who is alive.
const LOOK_AFTER_HANDS: Duration = Duration::from_secs(2);
/// After a broker did not answer it is left alone for so long.
const PAUSE: Duration = Duration::from_secs(2);
/// What nobody has begun after so long, while nothing else moved either, is sent again.
const QUIET: Duration = Duration::from_secs(60);
/// The same where it can be made here: whoever should have it has other things to do.
const QUIET_HERE: Duration = Duration::from_secs(5);

/// What came of a task that was sent.
pub(super) enum Came {
    /// It was made, as far as it could be.
    Made(ShelfReport),
    /// Whoever had it takes the run for over.
    Over(Taken),
    /// Whoever had it is not there any more.
    Lost(Taken),
    /// Nobody has begun it for too long.
    Waits(Taken),
    /// Whoever had it does not make it, and says why.
    Refused(Taken, String),
}

struct Sent {
    id: String,
    task: Taken,
    /// Which process has begun it: its number, and the name under which Celery knows it.
    begun: Option<(u64, String)>,
}

/// What is on its way.
pub(super) struct Away<'a> {
    ports: &'a Ports,
    /// Who sends, for people.
    me: &'a str,
    /// How long nothing may move before what was not begun is taken back.
    quiet: Duration,
    /// In the order in which they were sent.
    sent: Vec<Sent>,
    alive: Vec<Worker>,
    looked: Duration,
    looked_after: Option<Duration>,
    /// When something was sent, or came back, last.
    moved: Duration,
    /// The broker is left alone until then.
    rests: Duration,
    /// What went wrong with the broker; told once.
    trouble: Option<String>,
}

impl<'a> Away<'a> {
    pub(super) fn new(ports: &'a Ports, me: &'a str, here: bool) -> Self {
        let (moved, quiet) = (ports.clock.monotonic(), if here { QUIET_HERE } else { QUIET });
        let looked = moved;
        let (sent, alive) = (Vec::new(), Vec::new());
        let (looked_after, rests, trouble) = (None, Duration::ZERO, None);
        Self { ports, me, quiet, sent, alive, looked, looked_after, moved, rests, trouble }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// What came back since the last time.
    pub(super) fn look(&mut self) -> Vec<Came> {
        let mut came = Vec::new();
        if self.rests() || self.now().saturating_sub(self.looked) < LOOK_EVERY {
            return came;
        }
        self.looked = self.now();
        let ids: Vec<String> = self.sent.iter().map(|sent| sent.id.clone()).collect();
        for id in ids {
            match self.ports.results.read(&id) {
                Ok(Some(result)) => came.extend(self.take(&id, &result)),
                Ok(None) => {}
                Err(error) => {
                    self.rest(&error);
                    break;
                }
            }
        }
        if !came.is_empty() {
            self.moved = self.now();
        }
        came
    }

    fn take(&mut self, id: &str, result: &TaskResult) -> Option<Came> {
        if result.state == TaskState::Started {
            let pid = result.result["pid"].as_u64().unwrap_or_default();
            let name = result.result["hostname"].as_str().unwrap_or_default();
            if let Some(sent) = self.sent.iter_mut().find(|sent| sent.id == id) {
                sent.begun = Some((pid, name.to_owned()));
            }
        }
        if !result.state.is_final() {
            return None;
        }
        let Sent { task, .. } = self.sent.remove(self.sent.iter().position(|it| it.id == id)?);
        Some(came_of(task, result))
    }

    /// Looks now and then who is alive, and takes back what lies with somebody who is not, or what nobody
    /// seems to have got.
    pub(super) fn look_after(&mut self, alive: &dyn Fn() -> Vec<Worker>) -> Vec<Came> {
        let now = self.now();
        if self.looked_after.is_some_and(|then| now.saturating_sub(then) < LOOK_AFTER_HANDS) {
            return Vec::new();
        }
        self.looked_after = Some(now);
        self.alive = alive();
        let quiet = self.alive.is_empty() || now.saturating_sub(self.moved) >= self.quiet;
        let all = std::mem::take(&mut self.sent);
        let is_lost = |sent: &Sent| match &sent.begun {
            Some((pid, name)) => !is_here(*pid, name) && !self.is_alive(*pid, name),
            None => quiet,
        };
        let (lost, sent): (Vec<Sent>, Vec<Sent>) = all.into_iter().partition(is_lost);
        self.sent = sent;
        let again = |Sent { task, begun, .. }| match begun {
            Some(_) => Came::Lost(Taken { tries: task.tries + 1, ..task }),
            None => Came::Waits(task),
        };
        lost.into_iter().map(again).collect()
    }

    /// How many workers are alive.
    pub(super) fn alive(&self) -> usize {
        self.alive.len()
    }

    fn is_alive(&self, pid: u64, name: &str) -> bool {
        let is = |it: &Worker| u64::from(it.pid) == pid && is_on(name, &it.host);
        self.alive.iter().any(is)
    }

    /// Sends tasks until so many are on their way.
    pub(super) fn send(&mut self, todo: &Todo, most: usize, errand: &dyn Fn(&ShelfTask) -> Errand) {
        while self.sent.len() < most && !self.rests() {
            let Some(task) = todo.next_away() else { return };
            let message = self.message(&errand(&task.task));
            if let Err(error) = self.ports.producer.send(&message) {
                // It may be there all the same; then it is made twice, and found the second time.
                todo.give_back(task);
                self.rest(&error);
                return;
            }
            self.sent.push(Sent { id: message.id, task, begun: None });
            self.moved = self.now();
        }
    }

    fn message(&self, errand: &Errand) -> TaskMessage {
        let keywords = match json!(errand) {
            Value::Object(members) => members,
            _ => serde_json::Map::new(),
        };
        let root_id = Some(self.me.to_owned());
        TaskMessage { keywords, root_id, ..self.ports.producer.task(SHELF) }
    }

    /// What somebody should know at the end.
    pub(super) fn end(self) -> Option<String> {
        self.trouble
    }

    fn rest(&mut self, error: &QueueError) {
        self.rests = self.now() + PAUSE;
        self.trouble.get_or_insert_with(|| format!("sharing the work: {}", chain(error)));
    }

    fn rests(&self) -> bool {
        self.now() < self.rests
    }

    fn now(&self) -> Duration {
        self.ports.clock.monotonic()
    }
}

/// What the result of a task says.
fn came_of(task: Taken, result: &TaskResult) -> Came {
    if result.state == TaskState::Success {
        return match serde_json::from_value::<ShelfReport>(result.result.clone()) {
            Ok(report) if task.task.is_told_by(&report) => Came::Made(report),
            _ => Came::Refused(task, "a worker gave an answer that cannot be read".to_owned()),
        };
    }
    let failure = Failure::from_value(&result.result, None);
    match failure {
        Some(failure) if failure.exception == RUN_OVER => {
            Came::Over(Taken { tries: task.tries + 1, ..task })
        }
        Some(failure) => Came::Refused(task, format!("a worker says: {}", failure.message)),
        None => Came::Refused(task, format!("it ended as {}", result.state.as_str())),
    }
}

/// Whether Celery's name of a worker is of this machine.
fn is_on(name: &str, host: &str) -> bool {
    name.rsplit_once('@').is_some_and(|(_, of)| of == host)
}

/// Whether it is this process: it performs tasks of the queue, too.
fn is_here(pid: u64, name: &str) -> bool {
    u64::from(std::process::id()) == pid && is_on(name, &host_name())
}
