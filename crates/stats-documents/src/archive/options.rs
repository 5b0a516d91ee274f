//! How an archive is opened.

use std::time::Duration;

/// How an archive is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// How long a writer waits for another process before it gives up with
    /// [`SourceErrorKind::Busy`](crate::SourceErrorKind::Busy).
    pub busy_timeout: Duration,
    /// A writer commits by itself when it holds this many bytes of plain documents.
    pub batch_bytes: u64,
    /// The file may not grow beyond this many bytes; writing more fails with
    /// [`SourceErrorKind::Full`](crate::SourceErrorKind::Full). `None`: as large as the disk.
    pub limit_bytes: Option<u64>,
    /// Whether reading a shelf is remembered, so that
    /// [`Archive::evict_to`](super::Archive::evict_to) takes the shelves first that were not read
    /// for longest. Only mirrors need it.
    pub track_use: bool,
}

impl Default for ArchiveOptions {
    /// 30 seconds, batches of 32 MiB, no limit, no tracking.
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(30),
            batch_bytes: 32 * 1024 * 1024,
            limit_bytes: None,
            track_use: false,
        }
    }
}
