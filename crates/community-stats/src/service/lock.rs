//! The lock of bulk runs, and what stops one (cache-and-jobs specification, section 9).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stats_cache::CacheError;

/// A lock that keeps two bulk runs apart.
pub trait BulkLock: Send + Sync {
    /// Takes it, without waiting; `None` when somebody holds it. It is not taken where it could not
    /// be given back.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer, or refuses what giving it back takes.
    fn acquire(&self) -> Result<Option<Box<dyn HeldBulkLock>>, CacheError>;

    /// Who holds it, for people: "the lock x is held by y"; `None` when nobody does.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    fn holder(&self) -> Result<Option<String>, CacheError>;

    /// Takes it away from whoever holds it, who then stops before it stores more: only when that
    /// process is dead, or with `force`.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    fn take_away(&self, force: bool) -> Result<Unlocked, CacheError>;
}

/// What came of taking a lock away. The texts are for people: "the lock x is held by y".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlocked {
    /// Nobody held it.
    WasFree,
    /// It is free now; who had it.
    Taken(String),
    /// It was left alone: its holder lives.
    Lives(String),
    /// It was left alone: nothing here tells whether its holder lives.
    MayLive(String),
}

/// A [`BulkLock`] that was taken.
pub trait HeldBulkLock: Send + Sync {
    /// Makes it last its whole lifetime again; false when it is lost.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    fn renew(&self) -> Result<bool, CacheError>;

    /// Whether it is still ours, asked of whoever keeps it. When it is not,
    /// [`lease_left`](Self::lease_left) is zero from then on.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer; the lease then runs on.
    fn still_held(&self) -> Result<bool, CacheError>;

    /// How long it lasts at least, without asking anybody; zero when it is lost, and zero for good.
    fn lease_left(&self) -> Duration;

    /// Gives it back; false when it was lost.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    fn release(self: Box<Self>) -> Result<bool, CacheError>;
}

/// When a run has to stop: it was asked to, or it lost the lock and may not write any more.
#[derive(Clone, Copy)]
pub(super) struct Halt<'a> {
    pub(super) asked: &'a AtomicBool,
    pub(super) lock: Option<&'a dyn HeldBulkLock>,
}

impl Halt<'_> {
    pub(super) fn is_set(&self) -> bool {
        self.asked.load(Ordering::Relaxed) || self.lost()
    }

    pub(super) fn lost(&self) -> bool {
        self.lock.is_some_and(|lock| lock.lease_left().is_zero())
    }

    /// Asks whether the lock was taken away, which no lease tells; afterwards
    /// [`is_set`](Self::is_set) says so. Without an answer the lease runs on.
    pub(super) fn ask(&self) {
        if let Some(lock) = self.lock {
            drop(lock.still_held());
        }
    }
}
