//! A source and a store that hold nothing: what stands in for a file that is not there yet, so
//! that a question about it has an answer and leaves no trace.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use stats_cache::{
    Body, BodyEncoding, CacheError, CacheErrorKind, CacheStore, Entry, EntryDescription,
    EntryFilter, EntryState, Lease, Seen, StoreSummary,
};
use stats_documents::{
    Changes, Directory, Documents, Feed, Pulse, ShelfFilter, SourceError, Visit,
};
use stats_model::{
    Bookmark, Community, Day, DocumentKind, Fingerprint, ManifestEntry, Position, Shelf,
};

/// Holds nothing and takes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Documents for Nothing {
    fn position(&self, _: DocumentKind) -> Result<Position, SourceError> {
        Ok(Position::default())
    }

    fn count(&self, _: DocumentKind) -> Result<u64, SourceError> {
        Ok(0)
    }

    fn fingerprints(
        &self,
        _: DocumentKind,
        _: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        Ok(BTreeMap::new())
    }

    fn manifest(&self, _: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        Ok(Vec::new())
    }

    fn documents(
        &self,
        _: &Shelf,
        _: Option<&[String]>,
        _: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        Ok(())
    }

    fn bookmarks(
        &self,
        _: DocumentKind,
        _: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        Ok(BTreeMap::new())
    }
}

impl Feed for Nothing {
    fn changed_since(&self, _: DocumentKind, _: &Position) -> Result<Changes, SourceError> {
        Ok(Changes::Everything)
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        Ok(Pulse::default())
    }
}

impl Directory for Nothing {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        Ok(Vec::new())
    }

    fn first_events(&self, _: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        Ok(BTreeMap::new())
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        Ok(None)
    }
}

impl CacheStore for Nothing {
    fn fenced(&self, _: Arc<dyn Lease>) -> Result<Arc<dyn CacheStore>, CacheError> {
        Ok(Arc::new(*self))
    }

    fn encoding(&self) -> BodyEncoding {
        BodyEncoding::Plain
    }

    fn put(&self, description: &EntryDescription, _: &Body) -> Result<(), CacheError> {
        let doing = format!("storing {}: there is no store", description.key);
        Err(CacheError::new(CacheErrorKind::Refused, doing))
    }

    fn put_over(
        &self,
        _: Seen,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<bool, CacheError> {
        self.put(description, body).map(|()| true)
    }

    fn prolong(&self, _: &str, _: Option<Timestamp>) -> Result<bool, CacheError> {
        Ok(false)
    }

    fn adopt(&self, _: &EntryDescription) -> Result<bool, CacheError> {
        Ok(false)
    }

    fn get(&self, _: &str) -> Result<Option<Entry>, CacheError> {
        Ok(None)
    }

    fn describe(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError> {
        Ok(vec![EntryState::Absent; keys.len()])
    }

    fn delete(&self, _: &[String]) -> Result<u64, CacheError> {
        Ok(0)
    }

    fn list(&self, _: &EntryFilter) -> Result<Vec<EntryState>, CacheError> {
        Ok(Vec::new())
    }

    fn clear(&self) -> Result<u64, CacheError> {
        Ok(0)
    }

    fn summary(&self) -> Result<StoreSummary, CacheError> {
        Ok(StoreSummary { store: "none yet".to_owned(), ..StoreSummary::default() })
    }
}
