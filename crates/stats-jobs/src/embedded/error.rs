//! What SQLite's errors mean to a caller.

use std::io;
use std::path::Path;

use stats_sqlite::{PlaceError, fault};

use crate::{QueueError, QueueErrorKind};

/// Adds to an error of SQLite what was being done.
pub(super) trait ResultExt<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, QueueError>;
}

impl<T> ResultExt<T> for rusqlite::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, QueueError> {
        self.map_err(|error| fault(&error, doing()))
    }
}

/// Why the place of the file cannot hold one.
pub(super) fn misplaced(error: PlaceError) -> QueueError {
    QueueError::caused_by(error.kind(), "opening the file of queues", error)
}

/// Why the file cannot be made.
pub(super) fn not_made(error: io::Error, path: &Path) -> QueueError {
    let doing = format!("creating the file of queues {}", path.display());
    QueueError::caused_by(QueueErrorKind::of_file(&error), doing, error)
}
