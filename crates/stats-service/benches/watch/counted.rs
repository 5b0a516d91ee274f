//! A source that counts the documents that it hands over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stats_documents::{
    Changes, Document, Documents, Feed, OpenImport, Pulse, ShelfFilter, SourceError, Unsettled,
    Visit,
};
use stats_model::{Bookmark, DocumentKind, Fingerprint, ManifestEntry, Position, Shelf};

/// Passes everything on, and counts.
pub(crate) struct Counted {
    source: Arc<dyn Feed>,
    visited: AtomicU64,
}

impl Counted {
    pub(crate) fn new(source: Arc<dyn Feed>) -> Self {
        Self { source, visited: AtomicU64::new(0) }
    }

    /// How many documents were handed over.
    pub(crate) fn visited(&self) -> u64 {
        self.visited.load(Ordering::Relaxed)
    }
}

impl Documents for Counted {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        self.source.position(kind)
    }

    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.source.count(kind)
    }

    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.source.fingerprints(kind, filter)
    }

    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        self.source.manifest(shelf)
    }

    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let mut count = |document: Document<'_>| {
            self.visited.fetch_add(1, Ordering::Relaxed);
            visit(document)
        };
        self.source.documents(shelf, only, &mut count)
    }

    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        self.source.bookmarks(kind, communities)
    }

    fn open_imports(&self) -> Result<Vec<OpenImport>, SourceError> {
        self.source.open_imports()
    }

    fn unsettled(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<Shelf, OpenImport>, SourceError> {
        self.source.unsettled(kind, communities)
    }

    fn unsettled_reading(
        &self,
        shelf: &Shelf,
        read: &Fingerprint,
    ) -> Result<Option<Unsettled>, SourceError> {
        self.source.unsettled_reading(shelf, read)
    }
}

impl Feed for Counted {
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        self.source.changed_since(kind, since)
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        self.source.pulse()
    }
}
