//! The lock of bulk runs as its users see it (cache-and-jobs specification, section 9), whoever keeps
//! it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::holder::{Liveness, LockHolder};
use crate::CacheError;

/// A lock that keeps two bulk runs apart.
pub trait BulkLock: Send + Sync {
    /// Takes it, without waiting; `None` when somebody holds it. It is not taken where it could not
    /// be given back. `now` is told to others.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer, or refuses what giving it back takes.
    fn acquire(&self, now: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError>;

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
pub trait Lease: Send + Sync {
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

/// Who holds a lock, for people.
pub(crate) fn told(lock: impl fmt::Display, holder: &LockHolder) -> String {
    format!("the lock {lock} is {holder}")
}

/// What came of it, from who was found to hold the lock.
pub(crate) fn unlocked(found: Option<(String, LockHolder)>, force: bool) -> Unlocked {
    match found.map(|(told, holder)| (told, holder.liveness())) {
        None => Unlocked::WasFree,
        Some((told, _)) if force => Unlocked::Taken(told),
        Some((told, Liveness::Dead)) => Unlocked::Taken(told),
        Some((told, Liveness::Alive)) => Unlocked::Lives(told),
        Some((told, Liveness::Unknown)) => Unlocked::MayLive(told),
    }
}
