//! Shelves: the unit in which documents are kept, compared and read.

use std::fmt;

use crate::{Day, DocumentKind};

/// One kind, one community, one year: the unit in which documents are kept, compared and read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shelf {
    /// The kind of its documents.
    pub kind: DocumentKind,
    /// A community UUID as stored in the documents, or `global`.
    pub community: String,
    /// The year of the days it holds, whatever the index is called.
    pub year: i16,
}

impl fmt::Display for Shelf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.community, self.year, self.kind)
    }
}

/// One document of a shelf, by name and number only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    /// The day the document describes.
    pub day: Day,
    /// Its `_id`.
    pub id: String,
    /// The sequence number of its last change.
    pub sequence: u64,
}
