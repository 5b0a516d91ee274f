//! How a mirror behaves.

use std::time::Duration;

use crate::Patience;

/// How a mirror behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MirrorOptions {
    /// The archive uses at most so many bytes, rows and indices included; the shelves that were
    /// not used for longest go first. `None`: no bound.
    pub max_bytes: Option<u64>,
    /// So many bytes of one shelf, packed, wait in memory before they are written. A shelf of more
    /// is written in batches, and counts as held only with the last one.
    pub batch_bytes: u64,
    /// What the source said about its position is believed for so long without asking again.
    pub believe: Duration,
    /// A write is counted at once and seen by searches a little later. A position that stayed the
    /// same for so long has nothing hidden behind it any more.
    pub settle: Duration,
    /// After so long everything is compared once, whatever the change feed says, so that an error
    /// of the feed cannot live longer.
    pub compare_all: Duration,
    /// So long a sync waits until it can read what was written before the bookmarks.
    pub patience: Patience,
}

impl Default for MirrorOptions {
    /// No bound, 8 MiB, one second, one minute, one hour, and the usual patience.
    fn default() -> Self {
        Self {
            max_bytes: None,
            batch_bytes: 8 << 20,
            believe: Duration::from_secs(1),
            settle: Duration::from_secs(60),
            compare_all: Duration::from_secs(3600),
            patience: Patience::default(),
        }
    }
}
