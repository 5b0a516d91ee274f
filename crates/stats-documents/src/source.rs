//! The trait that every source of documents answers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use stats_model::{
    Bookmark, Community, Day, DocumentKind, Fingerprint, ManifestEntry, Position, Shelf,
};

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

/// What changed since a remembered position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// Exactly these communities have new, changed or removed documents; possibly none. It may
    /// name one too many, never one too few, unless the number of documents tells: see
    /// [`DocumentSource::changed_since`].
    Communities(BTreeSet<String>),
    /// The history is another one, or the remembered position explains too little: look at
    /// everything.
    Everything,
}

/// A place that holds daily documents, communities, bookmarks and community events.
///
/// The contract, which the suite in module `contract` checks for every implementation:
///
/// * *Sequence numbers.* Every document carries the number of its last change. A new or replaced
///   document gets a number above all earlier ones of its history; an unchanged one keeps its own;
///   a removal uses one up. An index of several shards has a history for each shard, and numbers
///   of different histories cannot be compared: there, and where a shelf lies in several indices,
///   a fingerprint stays the same if a document is removed from one history while one that gets
///   the very same number is added in another.
/// * *Absence.* A shelf, community or bookmark that does not exist is empty or `None`, never an
///   error. An error always means that the question could not be answered. A live source in which
///   a whole kind has no index at all cannot answer: it says
///   [`NotFound`](crate::SourceErrorKind::NotFound), so that nothing empty is taken for the truth.
/// * *Order.* Manifests and documents come in (day, `_id`) order, `_id` by its UTF-8 bytes.
/// * *Honesty.* A call that succeeds has seen everything: no partial answer is ever a success.
/// * *Consistency.* One call sees one state. Between two calls the source may change; comparing
///   the fingerprint of what was read with [`fingerprints`](Self::fingerprints) shows it.
/// * *Threads.* All methods may be called from several threads at once and may block.
pub trait DocumentSource: Send + Sync {
    /// How far the documents of `kind` have moved. One cheap question, independent of the number
    /// of communities. It counts what was written; [`Position::shows`] tells whether searches and
    /// the other questions show it already.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError>;

    /// Which communities have documents of `kind` that changed after `since`.
    ///
    /// A document that is written over for another community may leave the one that it belonged to
    /// unnamed, since nothing of it is left there. Whoever remembers the fingerprints of all
    /// shelves sees that: once those of the named communities are asked for anew, all counts
    /// together are [`count`](Self::count), or an unnamed shelf has lost something, and everything
    /// must be looked at. (An unnamed shelf can only have lost documents: so nothing cancels out.)
    ///
    /// # Errors
    /// When the source cannot answer.
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError>;

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

    /// All communities, deleted ones included, sorted by id. `global` is not among them.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn communities(&self) -> Result<Vec<Community>, SourceError>;

    /// The day of the oldest community event of each of these communities (of all, when empty);
    /// those without events are absent (cache-and-jobs specification, section 7).
    ///
    /// # Errors
    /// When the source cannot answer.
    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError>;

    /// The day the oldest record of the repository was created, if there is any.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn first_record(&self) -> Result<Option<Day>, SourceError>;

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
