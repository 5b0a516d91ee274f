//! What shelves hold.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use stats_model::{Bookmark, Day, DocumentKind, Fingerprint, ManifestEntry, Position, Shelf};

use crate::{OpenImport, SourceError, Unsettled};

/// A document as a source hands it over; the bytes live until the next one is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Its `_id`.
    pub id: &'a str,
    /// The day it describes.
    pub day: Day,
    /// The sequence number of its last change.
    pub sequence: u64,
    /// The stored JSON, byte for byte.
    pub source: &'a [u8],
}

/// Receives documents one by one; [`ControlFlow::Break`] ends the reading early, without error.
pub type Visit<'a> = dyn FnMut(Document<'_>) -> ControlFlow<()> + 'a;

/// Which shelves a question is about. Empty lists mean all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShelfFilter {
    /// Community ids.
    pub communities: Vec<String>,
    /// Years.
    pub years: Vec<i16>,
}

impl ShelfFilter {
    /// Whether `shelf` is meant.
    #[must_use]
    pub fn matches(&self, shelf: &Shelf) -> bool {
        (self.communities.is_empty() || self.communities.contains(&shelf.community))
            && (self.years.is_empty() || self.years.contains(&shelf.year))
    }
}

/// A place that holds daily documents and their bookmarks.
///
/// The contract of the [module](super) holds for every method.
pub trait Documents: Send + Sync {
    /// How far the documents of `kind` have moved. One cheap question, independent of the number
    /// of communities. It counts what was written; [`Position::shows`] tells whether searches and
    /// the other questions show it already.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError>;

    /// How many documents of `kind` there are on all shelves together. One cheap question.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError>;

    /// The fingerprints of all non-empty shelves of `kind` that `filter` lets through, in one
    /// question.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError>;

    /// Every document of a shelf by day, `_id` and number, without its content.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError>;

    /// Hands the documents of a shelf to `visit`, in (day, `_id`) order, one at a time. With
    /// `only`, just the documents with these ids (which must be sorted and unique).
    ///
    /// # Errors
    /// When the source cannot answer, or delivered less than it holds. What was visited before
    /// an error must be thrown away.
    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError>;

    /// The bookmarks of `kind`, by community id. With an empty list, those of all communities.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError>;

    /// The imports that write to the source now, were broken off, or ended with loss. Only what is
    /// filled by imports has any.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn open_imports(&self) -> Result<Vec<OpenImport>, SourceError> {
        Ok(Vec::new())
    }

    /// The shelves of `kind` and of these communities (of all, when empty) that an open import
    /// changed: whatever bookmarks say, they may be half of what they should be.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn unsettled(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<Shelf, OpenImport>, SourceError> {
        let _ = (kind, communities);
        Ok(BTreeMap::new())
    }

    /// Why a shelf that was read with the fingerprint `read` may not be taken for whole now. A
    /// source that others fill knows nothing of that: there bookmarks tell.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn unsettled_reading(
        &self,
        shelf: &Shelf,
        read: &Fingerprint,
    ) -> Result<Option<Unsettled>, SourceError> {
        let _ = (shelf, read);
        Ok(None)
    }
}
