//! The lock of bulk runs as its users see it (cache-and-jobs specification, section 9), whoever keeps
//! it.

use std::time::Duration;

use jiff::Timestamp;

use super::holder::{Liveness, LockHolder};
use crate::CacheError;

/// A lock that keeps two bulk runs apart.
pub trait BulkLock: Send + Sync {
    /// What people know it by: the key under which it stands, or the path at which it lies.
    fn name(&self) -> String;

    /// Takes it, without waiting; `None` when somebody holds it. It is not taken where it could not
    /// be given back. `now` is told to others.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer, or refuses what giving it back takes.
    fn acquire(&self, now: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError>;

    /// The lease of a run that holds it with this [token](Lease::token), for a process that works for
    /// that run; `None` when it holds it no more. What is returned ends with the run and is never given
    /// back; to renew it is to look whether the run still holds the lock, and it is lost when nobody
    /// looked for its whole lifetime.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    fn join(&self, token: &str) -> Result<Option<Box<dyn Lease>>, CacheError>;

    /// Who holds it; `None` when nobody does.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    fn holder(&self) -> Result<Option<LockHolder>, CacheError>;

    /// Takes it away from whoever holds it, who then stops before it stores more, if `may` says so
    /// of that holder; who that is, or `None` when nobody holds it.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    fn take_away(
        &self,
        may: &dyn Fn(&LockHolder) -> bool,
    ) -> Result<Option<LockHolder>, CacheError>;
}

impl dyn BulkLock {
    /// Who holds it, for people: "the lock x is held by y"; `None` when nobody does.
    ///
    /// # Errors
    /// As [`holder`](BulkLock::holder).
    pub fn told_holder(&self) -> Result<Option<String>, CacheError> {
        Ok(self.holder()?.map(|holder| self.told(&holder)))
    }

    /// Takes it away when the process that holds it is dead, or with `force`.
    ///
    /// # Errors
    /// As [`take_away`](BulkLock::take_away).
    pub fn unlock(&self, force: bool) -> Result<Unlocked, CacheError> {
        let may = |holder: &LockHolder| force || holder.liveness() == Liveness::Dead;
        let Some(holder) = self.take_away(&may)? else { return Ok(Unlocked::WasFree) };
        let told = self.told(&holder);
        Ok(match holder.liveness() {
            _ if force => Unlocked::Taken(told),
            Liveness::Dead => Unlocked::Taken(told),
            Liveness::Alive => Unlocked::Lives(told),
            Liveness::Unknown => Unlocked::MayLive(told),
        })
    }

    fn told(&self, holder: &LockHolder) -> String {
        format!("the lock {} is {holder}", self.name())
    }
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

/// A lock that stands as an entry of a server as long as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockEntry {
    /// The server, in the form in which servers are compared.
    pub server: String,
    /// The database there.
    pub database: i64,
    /// The key.
    pub key: String,
    /// What stands there as long as the lock is held by this holder.
    pub value: Vec<u8>,
}

/// A [`BulkLock`] that was taken. It is given back when it is dropped, without telling whether that
/// worked: better call [`release`](Self::release).
pub trait Lease: Send + Sync {
    /// What tells it from every other one that there ever was or will be: no two have the same.
    fn token(&self) -> &str;

    /// Where the lock stands, when that is an entry of a server: a store that is on the same server
    /// can look at it in the transaction in which it writes.
    fn entry(&self) -> Option<LockEntry>;

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

    /// Gives it back; false when it was lost. It is lost from then on.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    fn release(&self) -> Result<bool, CacheError>;
}
