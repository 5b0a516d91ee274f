//! What is remembered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stats_model::{Fingerprint, Position, Shelf};

/// How far the source was, as it stands in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::mirror) struct Progress {
    /// Nothing at or before this position is hidden from searches any more.
    pub(in crate::mirror) settled: Option<Position>,
    /// The last position that the source gave.
    pub(in crate::mirror) latest: Position,
    /// When it gave it for the first time, in seconds since 1970.
    pub(in crate::mirror) since: u64,
    /// When everything was compared last, likewise.
    pub(in crate::mirror) compared: u64,
    /// Rises whenever what is remembered of the kind is written, whoever does it.
    #[serde(default)]
    pub(in crate::mirror) revision: u64,
}

/// Which archive, and which state of what it remembers of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::mirror) struct Standing {
    /// Which archive: another file in the same place has another history.
    pub(in crate::mirror) history: String,
    pub(in crate::mirror) revision: u64,
}

impl Standing {
    pub(super) fn new(history: String, progress: Option<&Progress>) -> Self {
        Self { history, revision: progress.map_or(0, |progress| progress.revision) }
    }
}

/// Everything that is remembered of one kind.
#[derive(Debug, Default)]
pub(in crate::mirror) struct Known {
    pub(in crate::mirror) standing: Standing,
    pub(in crate::mirror) progress: Option<Progress>,
    /// What the shelves are in the source, as far as they hold anything there.
    pub(in crate::mirror) fingerprints: BTreeMap<Shelf, Fingerprint>,
}

/// When the bookmarks of a kind were copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mirror) struct Copied {
    /// What was known of the kind then.
    pub(in crate::mirror) revision: u64,
    /// Seconds since 1970.
    pub(in crate::mirror) at: u64,
}
