//! What SQLite's errors mean to a caller.

use std::io;
use std::path::Path;

use stats_sqlite::{FailureKind, PlaceError, explain};

use crate::{CacheError, CacheErrorKind};

/// Adds to an error of SQLite what was being done.
pub(super) trait ResultExt<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, CacheError>;
}

impl<T> ResultExt<T> for rusqlite::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, CacheError> {
        self.map_err(|error| {
            let explained = explain(&error);
            CacheError::caused_by(kind_of(explained.kind), doing(), explained)
        })
    }
}

/// Why the place of a store cannot hold one.
pub(super) fn misplaced(error: PlaceError) -> CacheError {
    CacheError::caused_by(kind_of(error.kind()), "opening the response store", error)
}

/// Why the file of a store cannot be made.
pub(super) fn not_made(error: io::Error, path: &Path) -> CacheError {
    let doing = format!("creating the response store {}", path.display());
    CacheError::caused_by(kind_of(FailureKind::of_file(&error)), doing, error)
}

const fn kind_of(kind: FailureKind) -> CacheErrorKind {
    match kind {
        FailureKind::Busy => CacheErrorKind::Busy,
        FailureKind::Full => CacheErrorKind::Full,
        FailureKind::Refused => CacheErrorKind::Refused,
        FailureKind::Damaged => CacheErrorKind::Damaged,
        FailureKind::Unreachable => CacheErrorKind::Unreachable,
    }
}
