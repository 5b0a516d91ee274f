//! What a sync did, and what an audit found.

use stats_model::{DocumentKind, Fingerprint, Shelf};

use super::withheld::Withheld;
use crate::SourceError;

/// A shelf whose documents in the mirror are not those of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShelfDifference {
    /// The shelf.
    pub shelf: Shelf,
    /// What the source has.
    pub source: Fingerprint,
    /// What the mirror has, by the numbers of the source; `None` when it holds nothing of it.
    pub mirror: Option<Fingerprint>,
}

/// What an audit found.
#[derive(Debug, Default)]
pub struct AuditReport {
    /// Shelves that were compared.
    pub shelves: u64,
    /// Those that differ.
    pub differences: Vec<ShelfDifference>,
    /// Kinds about which the source could not answer, and why.
    pub missing: Vec<(DocumentKind, SourceError)>,
}

/// What a sync did.
#[derive(Debug, Default)]
pub struct SyncReport {
    /// Shelves that the source has, as far as they were asked for.
    pub shelves: u64,
    /// Shelves that differed.
    pub changed: u64,
    /// Shelves left out, since they did not change after they had to make room.
    pub evicted: u64,
    /// Documents fetched.
    pub documents: u64,
    /// Their bytes, as they came.
    pub bytes: u64,
    /// Documents that the source has no longer.
    pub dropped: u64,
    /// Shelves that could not be brought up to date, and why.
    pub failures: Vec<(Shelf, SourceError)>,
    /// Kinds about which the source could not answer, and why: it has nothing for them, not even an
    /// empty index, or an index that is closed, blocked or wrongly mapped. What the archive holds
    /// of them stays.
    pub missing: Vec<(DocumentKind, SourceError)>,
    /// Kinds whose bookmarks stay as they were, and why: the mirror cannot be shown to have what was
    /// written before newer ones. Nothing else is held back for that.
    pub withheld: Vec<(DocumentKind, Withheld)>,
    /// Whether it ended before all was done, because it was told to.
    pub interrupted: bool,
}
