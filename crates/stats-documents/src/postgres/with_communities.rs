//! Documents from one source, communities from the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use stats_model::{
    Bookmark, Community, Day, DocumentKind, Fingerprint, ManifestEntry, Position, Shelf,
};

use super::PostgresCommunities;
use crate::{Changes, DocumentSource, OpenImport, ShelfFilter, SourceError, Unsettled, Visit};

/// A source whose communities are those of the database; everything else comes from `documents`.
pub struct WithCommunities {
    /// Answers every question but those about communities.
    pub documents: Arc<dyn DocumentSource>,
    /// Answers the questions about communities.
    pub communities: PostgresCommunities,
}

impl std::fmt::Debug for WithCommunities {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("WithCommunities");
        debug.field("communities", &self.communities).finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
impl DocumentSource for WithCommunities {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        self.documents.position(kind)
    }

    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        self.documents.changed_since(kind, since)
    }

    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.documents.count(kind)
    }

    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.documents.fingerprints(kind, filter)
    }

    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        self.documents.manifest(shelf)
    }

    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        self.documents.documents(shelf, only, visit)
    }

    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        self.documents.bookmarks(kind, communities)
    }

    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        self.communities.communities()
    }

    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        self.documents.first_events(communities)
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        self.documents.first_record()
    }

    fn open_imports(&self) -> Result<Vec<OpenImport>, SourceError> {
        self.documents.open_imports()
    }

    fn unsettled(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<Shelf, OpenImport>, SourceError> {
        self.documents.unsettled(kind, communities)
    }

    fn unsettled_reading(
        &self,
        shelf: &Shelf,
        read: &Fingerprint,
    ) -> Result<Option<Unsettled>, SourceError> {
        self.documents.unsettled_reading(shelf, read)
    }
}
