//! Why bookmarks do not come into the mirror.

use crate::{SourceError, Unsearchable};

/// Why the bookmarks of a kind stay as they were.
#[derive(Debug, thiserror::Error)]
pub enum Withheld {
    /// Some documents that were written before them cannot be read yet.
    #[error("documents that were written before them are not searchable yet")]
    NotSearchable,
    /// They could not be read, or nobody knows which documents were written before them.
    #[error("nobody knows what was written before them")]
    Unknown(#[source] SourceError),
    /// Shelves of that kind could not be brought up to date.
    #[error("shelves of that kind are not up to date")]
    Shelves,
    /// The sync ended early.
    #[error("the sync was interrupted")]
    Interrupted,
    /// What the mirror remembers of the source is not what this sync learnt: it could not be
    /// written, or others changed it.
    #[error("the mirror remembers something else than this sync learnt")]
    Outdated,
}

impl From<Unsearchable> for Withheld {
    fn from(why: Unsearchable) -> Self {
        match why {
            Unsearchable::NotYet => Self::NotSearchable,
            Unsearchable::Unknown(error) => Self::Unknown(error),
        }
    }
}
