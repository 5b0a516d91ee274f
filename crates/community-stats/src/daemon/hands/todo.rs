//! The tasks of a run that nobody has begun yet.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stats_service::ShelfTask;

/// So often a thread that waits for a task looks whether it has to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A task, and to how many workers it was given in vain.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) task: ShelfTask,
    pub(super) tries: u32,
}

impl Taken {
    pub(super) const fn new(task: ShelfTask) -> Self {
        Self { task, tries: 0 }
    }
}

/// Tasks that wait, the first one first. Threads here wait with them, since a task may come back.
pub(super) struct Todo {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

struct Waiting {
    /// What only this process can make.
    here: VecDeque<ShelfTask>,
    anywhere: VecDeque<Taken>,
    closed: bool,
}

impl Todo {
    pub(super) fn new(tasks: impl Iterator<Item = Taken>) -> Self {
        let (here, anywhere) = (VecDeque::new(), tasks.collect());
        let waiting = Mutex::new(Waiting { here, anywhere, closed: false });
        Self { waiting, changed: Condvar::new() }
    }

    /// The next task for a thread of this process; waits for one. `None` when there will be none.
    pub(super) fn next_here(&self, should_stop: &dyn Fn() -> bool) -> Option<ShelfTask> {
        let mut waiting = self.waiting();
        loop {
            if waiting.closed || should_stop() {
                return None;
            }
            let first = waiting.here.pop_front();
            if let Some(task) = first.or_else(|| Some(waiting.anywhere.pop_front()?.task)) {
                return Some(task);
            }
            let waited = self.changed.wait_timeout(waiting, LOOK_EVERY);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next task for somebody elsewhere.
    pub(super) fn next_away(&self) -> Option<Taken> {
        self.waiting().anywhere.pop_front()
    }

    /// A task that was taken for somebody elsewhere waits again, before all others.
    pub(super) fn give_back(&self, task: Taken) {
        self.waiting().anywhere.push_front(task);
        self.changed.notify_one();
    }

    /// The same for one that is not given away again.
    pub(super) fn keep_here(&self, task: ShelfTask) {
        self.waiting().here.push_back(task);
        self.changed.notify_one();
    }

    /// Nothing is taken any more.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
