//! What SQLite's errors mean to a caller.

use std::io;
use std::path::Path;

use stats_sqlite::{PlaceError, fault};

use crate::{CacheError, CacheErrorKind};

/// Adds to an error of SQLite what was being done.
pub(super) trait ResultExt<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, CacheError>;
}

impl<T> ResultExt<T> for rusqlite::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, CacheError> {
        self.map_err(|error| fault(&error, doing()))
    }
}

/// Why the place of a store cannot hold one.
pub(super) fn misplaced(error: PlaceError) -> CacheError {
    CacheError::caused_by(error.kind(), "opening the response store", error)
}

/// Why the file of a store cannot be made.
pub(super) fn not_made(error: io::Error, path: &Path) -> CacheError {
    let doing = format!("creating the response store {}", path.display());
    CacheError::caused_by(CacheErrorKind::of_file(&error), doing, error)
}
