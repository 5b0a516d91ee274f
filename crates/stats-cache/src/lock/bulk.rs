//! The lock of bulk runs as its users see it (cache-and-jobs specification, section 9), whoever keeps
//! it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::file::{FileLock, HeldFileLock};
use super::holder::{Liveness, LockHolder};
use crate::CacheError;
use crate::redis::{HeldLock, RedisLock};

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

impl BulkLock for RedisLock {
    fn acquire(&self, now: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError> {
        Ok(self.acquire(now)?.map(|held| Box::new(held) as Box<dyn Lease>))
    }

    fn holder(&self) -> Result<Option<String>, CacheError> {
        Ok(self.holder()?.map(|holder| told(self.key(), &holder)))
    }

    fn take_away(&self, force: bool) -> Result<Unlocked, CacheError> {
        let may = |holder: &LockHolder| force || holder.liveness() == Liveness::Dead;
        let found = self.take_away(may)?;
        Ok(unlocked(found.map(|holder| (told(self.key(), &holder), holder)), force))
    }
}

impl BulkLock for FileLock {
    fn acquire(&self, now: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError> {
        Ok(self.acquire(now)?.map(|held| Box::new(held) as Box<dyn Lease>))
    }

    fn holder(&self) -> Result<Option<String>, CacheError> {
        Ok(self.holder()?.map(|holder| told(self.path().display(), &holder)))
    }

    fn take_away(&self, force: bool) -> Result<Unlocked, CacheError> {
        let Some(holder) = self.holder()? else { return Ok(Unlocked::WasFree) };
        if force {
            self.take_away()?;
        }
        Ok(unlocked(Some((told(self.path().display(), &holder), holder)), force))
    }
}

fn told(lock: impl fmt::Display, holder: &LockHolder) -> String {
    format!("the lock {lock} is {holder}")
}

/// What came of it, from who was found to hold the lock.
fn unlocked(found: Option<(String, LockHolder)>, force: bool) -> Unlocked {
    match found.map(|(told, holder)| (told, holder.liveness())) {
        None => Unlocked::WasFree,
        Some((told, _)) if force => Unlocked::Taken(told),
        Some((told, Liveness::Dead)) => Unlocked::Taken(told),
        Some((told, Liveness::Alive)) => Unlocked::Lives(told),
        Some((told, Liveness::Unknown)) => Unlocked::MayLive(told),
    }
}

impl Lease for HeldLock {
    fn renew(&self) -> Result<bool, CacheError> {
        self.renew()
    }

    fn still_held(&self) -> Result<bool, CacheError> {
        self.still_held()
    }

    fn lease_left(&self) -> Duration {
        self.lease_left()
    }

    fn release(self: Box<Self>) -> Result<bool, CacheError> {
        (*self).release()
    }
}

/// The operating system keeps it as long as the process lives: there is nothing to renew.
impl Lease for HeldFileLock {
    fn renew(&self) -> Result<bool, CacheError> {
        self.still_held()
    }

    fn still_held(&self) -> Result<bool, CacheError> {
        self.still_held()
    }

    fn lease_left(&self) -> Duration {
        self.lease_left()
    }

    fn release(self: Box<Self>) -> Result<bool, CacheError> {
        (*self).release()
    }
}
