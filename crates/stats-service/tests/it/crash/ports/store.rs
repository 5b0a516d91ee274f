//! The store of responses, and the notes beside them.

use std::sync::Arc;

use jiff::Timestamp;
use stats_cache::{
    Body, BodyEncoding, CacheError, CacheStore, Entry, EntryDescription, EntryFilter, EntryState,
    Lease, Memory, MemoryChanges, Notebook, Seen, StoreSummary,
};

use super::Pointed;

impl CacheStore for Pointed<dyn CacheStore> {
    fn fenced(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn CacheStore>, CacheError> {
        let fenced = self.points.around("fence.store", || self.port.fenced(lease))?;
        Ok(Self::new(fenced, &self.points))
    }

    fn encoding(&self) -> BodyEncoding {
        self.port.encoding()
    }

    fn put(&self, description: &EntryDescription, body: &Body) -> Result<(), CacheError> {
        self.points.around("store.put", || self.port.put(description, body))
    }

    fn put_over(
        &self,
        seen: Seen,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<bool, CacheError> {
        self.points.around("store.put", || self.port.put_over(seen, description, body))
    }

    fn prolong(&self, key: &str, expires: Option<Timestamp>) -> Result<bool, CacheError> {
        self.points.around("store.prolong", || self.port.prolong(key, expires))
    }

    fn adopt(&self, description: &EntryDescription) -> Result<bool, CacheError> {
        self.points.around("store.adopt", || self.port.adopt(description))
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, CacheError> {
        self.port.get(key)
    }

    fn describe(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError> {
        self.points.around("plan.describe", || self.port.describe(keys))
    }

    fn absent(&self, keys: &[String]) -> Result<Vec<String>, CacheError> {
        self.points.around("look_back", || self.port.absent(keys))
    }

    fn unreadable(&self, keys: &[String]) -> Result<Vec<String>, CacheError> {
        self.port.unreadable(keys)
    }

    fn delete(&self, keys: &[String]) -> Result<u64, CacheError> {
        self.port.delete(keys)
    }

    fn list(&self, filter: &EntryFilter) -> Result<Vec<EntryState>, CacheError> {
        self.port.list(filter)
    }

    fn clear(&self) -> Result<u64, CacheError> {
        self.port.clear()
    }

    fn summary(&self) -> Result<StoreSummary, CacheError> {
        self.port.summary()
    }
}

impl Notebook for Pointed<dyn Notebook> {
    fn fenced_notes(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn Notebook>, CacheError> {
        let fenced = self.points.around("fence.notes", || self.port.fenced_notes(lease))?;
        Ok(Self::new(fenced, &self.points))
    }

    fn recall(&self) -> Result<Memory, CacheError> {
        self.points.around("plan.recall", || self.port.recall())
    }

    fn remember(&self, changes: &MemoryChanges) -> Result<(), CacheError> {
        self.points.around("note.write", || self.port.remember(changes))
    }

    fn forget_all(&self) -> Result<(), CacheError> {
        self.port.forget_all()
    }
}
