//! What SQLite's errors mean to a caller.

use std::io;
use std::path::Path;

use stats_sqlite::{FailureKind, PlaceError, explain};

use crate::{QueueError, QueueErrorKind};

/// Adds to an error of SQLite what was being done.
pub(super) trait ResultExt<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, QueueError>;
}

impl<T> ResultExt<T> for rusqlite::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, QueueError> {
        self.map_err(|error| {
            let explained = explain(&error);
            QueueError::caused_by(kind_of(explained.kind), doing(), explained)
        })
    }
}

/// Why the place of the file cannot hold one.
pub(super) fn misplaced(error: PlaceError) -> QueueError {
    QueueError::caused_by(kind_of(error.kind()), "opening the file of queues", error)
}

/// Why the file cannot be made.
pub(super) fn not_made(error: io::Error, path: &Path) -> QueueError {
    let doing = format!("creating the file of queues {}", path.display());
    QueueError::caused_by(kind_of(FailureKind::of_file(&error)), doing, error)
}

const fn kind_of(kind: FailureKind) -> QueueErrorKind {
    match kind {
        FailureKind::Busy => QueueErrorKind::Busy,
        FailureKind::Full => QueueErrorKind::Full,
        FailureKind::Refused => QueueErrorKind::Refused,
        FailureKind::Damaged => QueueErrorKind::Damaged,
        FailureKind::Unreachable => QueueErrorKind::Unreachable,
    }
}
