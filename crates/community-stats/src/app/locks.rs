//! The locks of bulk runs, as the service wants them.

use std::sync::Arc;
use std::time::Duration;

use stats_cache::{CacheError, FileLock, HeldFileLock, HeldLock, Liveness, LockHolder, RedisLock};
use stats_model::Clock;

use crate::service::{BulkLock, HeldBulkLock, Unlocked};

/// The lock that Python shares.
pub(super) struct SharedLock(pub(super) RedisLock, pub(super) Arc<dyn Clock>);

/// The lock of a store that is a file.
pub(super) struct FileBulkLock(pub(super) FileLock, pub(super) Arc<dyn Clock>);

impl SharedLock {
    fn told(&self, holder: &LockHolder) -> String {
        format!("the lock {} is {holder}", self.0.key())
    }
}

impl BulkLock for SharedLock {
    fn acquire(&self) -> Result<Option<Box<dyn HeldBulkLock>>, CacheError> {
        let held = self.0.acquire(self.1.now())?;
        Ok(held.map(|held| Box::new(held) as Box<dyn HeldBulkLock>))
    }

    fn holder(&self) -> Result<Option<String>, CacheError> {
        Ok(self.0.holder()?.map(|holder| self.told(&holder)))
    }

    fn take_away(&self, force: bool) -> Result<Unlocked, CacheError> {
        let may = |holder: &LockHolder| force || holder.liveness() == Liveness::Dead;
        let found = self.0.take_away(may)?;
        Ok(unlocked(found.map(|holder| (self.told(&holder), holder)), force))
    }
}

impl FileBulkLock {
    fn told(&self, holder: &LockHolder) -> String {
        format!("the lock {} is {holder}", self.0.path().display())
    }
}

impl BulkLock for FileBulkLock {
    fn acquire(&self) -> Result<Option<Box<dyn HeldBulkLock>>, CacheError> {
        let held = self.0.acquire(self.1.now())?;
        Ok(held.map(|held| Box::new(held) as Box<dyn HeldBulkLock>))
    }

    fn holder(&self) -> Result<Option<String>, CacheError> {
        Ok(self.0.holder()?.map(|holder| self.told(&holder)))
    }

    fn take_away(&self, force: bool) -> Result<Unlocked, CacheError> {
        let Some(holder) = self.0.holder()? else { return Ok(Unlocked::WasFree) };
        if force {
            self.0.take_away()?;
        }
        Ok(unlocked(Some((self.told(&holder), holder)), force))
    }
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

impl HeldBulkLock for HeldLock {
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
impl HeldBulkLock for HeldFileLock {
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
