//! What stops a run.

use std::sync::atomic::{AtomicBool, Ordering};

use stats_cache::Lease;

/// When a run has to stop: it was asked to, or it lost the lock and may not write any more.
#[derive(Clone, Copy)]
pub(crate) struct Halt<'a> {
    pub(crate) asked: &'a AtomicBool,
    pub(crate) lock: Option<&'a dyn Lease>,
}

impl Halt<'_> {
    pub(crate) fn is_set(&self) -> bool {
        self.asked.load(Ordering::Relaxed) || self.lost()
    }

    pub(crate) fn lost(&self) -> bool {
        self.lock.is_some_and(|lock| lock.lease_left().is_zero())
    }

    /// Asks whether the lock was taken away, which no lease tells; afterwards
    /// [`is_set`](Self::is_set) says so. Without an answer the lease runs on.
    pub(crate) fn ask(&self) {
        if let Some(lock) = self.lock {
            drop(lock.still_held());
        }
    }
}
