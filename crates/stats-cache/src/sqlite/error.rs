//! What SQLite's errors mean to a caller.

use stats_sqlite::fault;

use crate::CacheError;

/// Adds to an error of SQLite what was being done.
pub(super) trait ResultExt<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, CacheError>;
}

impl<T> ResultExt<T> for rusqlite::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, CacheError> {
        self.map_err(|error| fault(&error, doing()))
    }
}
