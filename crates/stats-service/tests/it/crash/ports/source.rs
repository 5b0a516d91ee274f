//! Where documents come from.

use std::collections::BTreeMap;

use stats_documents::{
    Changes, Document, Documents, Feed, OpenImport, Pulse, ShelfFilter, SourceError, Unsettled,
    Visit,
};
use stats_model::{Bookmark, DocumentKind, Fingerprint, ManifestEntry, Position, Shelf};

use super::Pointed;

impl Documents for Pointed<dyn Feed> {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        self.port.position(kind)
    }

    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.port.count(kind)
    }

    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.points.around("plan.fingerprints", || self.port.fingerprints(kind, filter))
    }

    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        self.port.manifest(shelf)
    }

    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let mut pass = |document: Document<'_>| {
            self.points.pass("inside", "shelf.read");
            visit(document)
        };
        self.points.around("shelf.read", || self.port.documents(shelf, only, &mut pass))
    }

    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        self.points.around("plan.bookmarks", || self.port.bookmarks(kind, communities))
    }

    fn open_imports(&self) -> Result<Vec<OpenImport>, SourceError> {
        self.port.open_imports()
    }

    fn unsettled(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<Shelf, OpenImport>, SourceError> {
        self.port.unsettled(kind, communities)
    }

    fn unsettled_reading(
        &self,
        shelf: &Shelf,
        read: &Fingerprint,
    ) -> Result<Option<Unsettled>, SourceError> {
        self.port.unsettled_reading(shelf, read)
    }
}

impl Feed for Pointed<dyn Feed> {
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        self.port.changed_since(kind, since)
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        self.points.around("look.pulse", || self.port.pulse())
    }
}
