//! Whether anything happened at all.

use stats_model::Position;

/// How far everything was that a source knows of, told by one cheap question.
///
/// Only equality means something, and only between pulses of one source in one process: whatever the
/// other questions of a source tell is the same at two equal pulses. Two that differ may mean nothing:
/// something may only have become visible to searches, or been written again as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Documents of all kinds.
    pub documents: Position,
    /// Bookmarks.
    pub bookmarks: Position,
    /// Communities and their first days. A source that has communities from elsewhere tells of its
    /// own copy of them, which follows.
    pub directory: Position,
}

impl Pulse {
    /// Whether shelves and their bookmarks are as they were at the pulse `before`.
    #[must_use]
    pub fn has_same_shelves(&self, before: &Self) -> bool {
        (&self.documents, &self.bookmarks) == (&before.documents, &before.bookmarks)
    }
}
