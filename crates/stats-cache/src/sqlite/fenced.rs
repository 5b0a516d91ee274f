//! The store of a run, which ends with its lock.

use std::sync::Arc;

use rusqlite::Transaction;

use super::SqliteStore;
use super::fence::Fence;
use crate::error::lock_lost;
use crate::{CacheError, Lease};

impl SqliteStore {
    /// [`CacheStore::fenced`](crate::CacheStore::fenced).
    pub(super) fn fenced_by(&self, lease: Arc<dyn Lease>) -> Result<Self, CacheError> {
        let (fence, doing) = (Fence(lease), "beginning a run");
        if !self.file.write(doing, |transaction| fence.raise(transaction))?? {
            return Err(lock_lost(&self.file.doing(doing)));
        }
        Ok(Self { fence: Some(fence), ..self.clone() })
    }

    /// Runs `work` as one transaction that no other writer can come between, unless this is the store
    /// of a run that has lost its lock.
    pub(super) fn write<T>(
        &self,
        doing: &str,
        work: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let Some(fence) = &self.fence else { return self.file.write(doing, work) };
        let done =
            self.file.write(doing, |transaction| match fence.lets_write(transaction)? {
                Ok(true) => work(transaction).map(|done| Ok(Some(done))),
                Ok(false) => Ok(Ok(None)),
                Err(error) => Ok(Err(error)),
            })??;
        done.ok_or_else(|| lock_lost(&self.file.doing(doing)))
    }
}
