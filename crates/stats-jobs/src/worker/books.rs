//! What a worker has in hand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::revoked::Revoked;
use super::task_control::TaskControl;
use super::tasks::TaskKind;
use crate::{Serializer, Tag, TaskMessage};

/// So many tasks whose messages could not be settled are remembered.
const MOST_DONE: usize = 10_000;

/// Which try of which task.
pub(super) type Try = (String, u32);

/// A task that came with a message.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) task: Arc<TaskMessage>,
    pub(super) kind: TaskKind,
    /// How its message was written.
    pub(super) serializer: Serializer,
    /// Whether the broker says that somebody may have had it before.
    pub(super) redelivered: bool,
}

impl Received {
    pub(super) fn which_try(&self) -> Try {
        (self.task.id.clone(), self.task.retries)
    }
}

/// A task that is being performed.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) received: Received,
    /// By which its message is settled; none once it is.
    pub(super) tag: Option<Tag>,
    pub(super) begun: Timestamp,
    pub(super) control: TaskControl,
    /// Whether it is over, but for what is to be said about it.
    pub(super) is_ending: bool,
}

impl Job {
    /// The limit that is meant: the sender's, else that of its kind.
    pub(super) fn limit(&self, hard: bool) -> Option<Duration> {
        let (sent, own) = (self.received.task.time_limits, self.received.kind.time_limits);
        if hard { sent.hard.or(own.hard) } else { sent.soft.or(own.soft) }
    }

    pub(super) fn is_over(&self, hard: bool, now: Timestamp) -> bool {
        let limit = self.limit(hard).and_then(|limit| SignedDuration::try_from(limit).ok());
        limit.is_some_and(|limit| now.duration_since(self.begun) >= limit)
    }
}

/// A task whose time has not come.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) received: Received,
    pub(super) tag: Tag,
    pub(super) eta: Timestamp,
}

/// What has to be said to the broker about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settlement {
    Acknowledge,
    GiveBack,
    Reject,
}

/// How far the worker is with stopping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    #[default]
    Working,
    /// Nothing new is begun.
    Draining,
    /// Nothing is waited for.
    Ended,
}

/// Everything that a worker has in hand, and what it remembers.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) phase: Phase,
    /// By the number of its thread.
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) next_job: u64,
    /// Threads whose task is over for everybody but them.
    pub(super) abandoned: usize,
    pub(super) held: Vec<Held>,
    pub(super) revoked: Revoked,
    /// What could not be said yet.
    pub(super) unsettled: Vec<(Tag, Settlement, String)>,
    pub(super) done: Done,
    /// How many tasks of each name were begun.
    pub(super) begun: BTreeMap<String, u64>,
}

impl Books {
    /// Whether another task may begin.
    pub(super) fn has_room(&self, slots: usize) -> bool {
        self.jobs.len() < slots && !self.is_stuck(slots)
    }

    /// Whether so many threads do not end that no more are begun.
    pub(super) fn is_stuck(&self, slots: usize) -> bool {
        self.abandoned > slots
    }

    /// Every delivery in hand.
    pub(super) fn tags(&self) -> Vec<Tag> {
        let jobs = self.jobs.values().filter_map(|job| job.tag.clone());
        jobs.chain(self.held.iter().map(|held| held.tag.clone())).collect()
    }

    /// Takes the held task whose time came first, if it has come.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Held> {
        let (at, first) = self.held.iter().enumerate().min_by_key(|(_, held)| held.eta)?;
        (first.eta <= now).then(|| self.held.swap_remove(at))
    }

    /// The job of this try, if it is being performed.
    pub(super) fn job_of(&mut self, which: &Try) -> Option<&mut Job> {
        self.jobs
            .values_mut()
            .find(|job| job.received.task.id == which.0 && job.received.task.retries == which.1)
    }
}

/// Tries that are done while their messages may come again.
#[derive(Debug, Default)]
pub(super) struct Done {
    known: BTreeSet<Try>,
    order: VecDeque<Try>,
}

impl Done {
    pub(super) fn add(&mut self, which: Try) {
        if self.known.insert(which.clone()) {
            self.order.push_back(which);
        }
        while self.order.len() > MOST_DONE {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.known.remove(&oldest));
        }
    }

    pub(super) fn contains(&self, which: &Try) -> bool {
        self.known.contains(which)
    }
}
