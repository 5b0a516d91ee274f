//! What stops work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stats_cache::{CacheError, CacheErrorKind, Lease, LockLost};

/// Tells work that it has to end: somebody asked for it, or what it needed to be let write is lost.
/// Copies tell the same, and live as long as they are needed.
#[derive(Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    /// Whether a store refused what was written under the lease.
    refused: Arc<AtomicBool>,
    lease: Option<Arc<dyn Lease>>,
}

impl Stop {
    /// One that is set once `asked` is.
    #[must_use]
    pub fn when(asked: Arc<AtomicBool>) -> Self {
        Self { asked, ..Self::default() }
    }

    /// One that is also set once this lease is lost.
    #[must_use]
    pub(crate) fn or_lost(&self, lease: Option<Arc<dyn Lease>>) -> Self {
        Self { asked: Arc::clone(&self.asked), refused: Arc::default(), lease }
    }

    /// Asks whoever has a copy of it to end.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether work has to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.asked.load(Ordering::Relaxed) || self.is_lost()
    }

    /// Whether it has to end without another word: somebody else may be at the same work.
    pub(crate) fn is_lost(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
            || self.lease.as_ref().is_some_and(|lease| lease.lease_left().is_zero())
    }

    /// Whether this is how a store says that the lease is lost; it is lost for good then.
    pub(crate) fn is_lost_by(&self, error: &CacheError) -> bool {
        let lost = error.kind() == CacheErrorKind::Own(LockLost);
        self.refused.fetch_or(lost, Ordering::Relaxed);
        lost
    }

    /// The token of the lease, if there is one.
    pub(crate) fn token(&self) -> Option<String> {
        self.lease.as_ref().map(|lease| lease.token().to_owned())
    }

    /// Whether several work by turns, so that a lease says whose turn it is.
    pub(crate) const fn is_alone(&self) -> bool {
        self.lease.is_some()
    }

    /// Finds out whether the lease was taken away, which nothing else tells; afterwards
    /// [`is_set`](Self::is_set) says so. Without an answer the lease runs on.
    pub(crate) fn look(&self) {
        if let Some(lease) = &self.lease {
            drop(lease.still_held());
        }
    }
}
