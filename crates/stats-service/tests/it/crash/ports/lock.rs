//! The lock of bulk runs.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use stats_cache::{BulkLock, CacheError, Lease, LockEntry, LockHolder};

use super::Pointed;
use crate::crash::points::Points;

impl BulkLock for Pointed<dyn BulkLock> {
    fn name(&self) -> String {
        self.port.name()
    }

    fn acquire(&self, now: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError> {
        let taken = self.points.around("lock.take", || self.port.acquire(now))?;
        let points = || self.points.clone();
        let pointed = taken.map(|lease| PointedLease { lease: lease.into(), points: points() });
        Ok(pointed.map(|lease| Box::new(lease) as _))
    }

    fn join(&self, token: &str) -> Result<Option<Box<dyn Lease>>, CacheError> {
        self.port.join(token)
    }

    fn holder(&self) -> Result<Option<LockHolder>, CacheError> {
        self.port.holder()
    }

    fn take_away(
        &self,
        may: &dyn Fn(&LockHolder) -> bool,
    ) -> Result<Option<LockHolder>, CacheError> {
        self.port.take_away(may)
    }
}

struct PointedLease {
    lease: Arc<dyn Lease>,
    points: Points,
}

impl Lease for PointedLease {
    fn token(&self) -> &str {
        self.lease.token()
    }

    fn entry(&self) -> Option<LockEntry> {
        self.lease.entry()
    }

    fn renew(&self) -> Result<bool, CacheError> {
        self.points.around("lock.renew", || self.lease.renew())
    }

    fn still_held(&self) -> Result<bool, CacheError> {
        self.points.pass_inside_a_write();
        self.lease.still_held()
    }

    fn lease_left(&self) -> Duration {
        self.points.pass_inside_a_write();
        self.lease.lease_left()
    }

    fn release(&self) -> Result<bool, CacheError> {
        self.points.around("lock.release", || self.lease.release())
    }
}
