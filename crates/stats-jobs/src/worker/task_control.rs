//! What a task is told while it is performed.

use std::sync::{Arc, Mutex};

use crate::locked;

/// Why a task should stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The worker is stopping. A task that takes long ends at the next good place with
    /// [`Interrupted`](super::TaskFailure::Interrupted); another may go on to its end.
    Shutdown,
    /// Its soft time limit has passed: it should come to an end in its own way.
    SoftTimeLimit,
    /// Its hard time limit has passed: it has failed already, whatever it does.
    HardTimeLimit,
    /// It was revoked: nobody wants its result.
    Revoked,
}

/// Tells a task what is wanted of it. A copy of it tells the same.
#[derive(Debug, Clone, Default)]
pub struct TaskControl {
    stop: Arc<Mutex<Option<StopReason>>>,
    comes_again: bool,
}

impl TaskControl {
    /// One that wants nothing, until it is [told](Self::ask_to_stop) to: also for tests of handlers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for a task that was given to somebody before.
    #[must_use]
    pub fn coming_again() -> Self {
        Self { comes_again: true, ..Self::default() }
    }

    /// Whether the task was given to somebody before, who may have been killed over it: what that one
    /// held is perhaps not free yet.
    #[must_use]
    pub const fn comes_again(&self) -> bool {
        self.comes_again
    }

    /// Why the task should stop, if it should.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        *locked(&self.stop)
    }

    /// Whether the task should stop.
    #[must_use]
    pub fn should_stop(&self) -> bool {
        self.stop_reason().is_some()
    }

    /// Asks the task to stop. A stronger reason takes the place of a weaker one.
    pub fn ask_to_stop(&self, reason: StopReason) {
        let mut known = locked(&self.stop);
        *known = (*known).max(Some(reason));
    }
}
