//! What SQLite's errors mean to a caller.

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
            let kind = match explained.kind {
                FailureKind::Busy => CacheErrorKind::Busy,
                FailureKind::Full => CacheErrorKind::Full,
                FailureKind::Refused => CacheErrorKind::Refused,
                FailureKind::Damaged => CacheErrorKind::Damaged,
                FailureKind::Unreachable => CacheErrorKind::Unreachable,
            };
            CacheError::caused_by(kind, doing(), explained)
        })
    }
}

/// Why the place of a store cannot hold one.
pub(super) fn misplaced(error: PlaceError) -> CacheError {
    let kind = match error {
        PlaceError::NoFile(..) | PlaceError::NoAccess(_) => CacheErrorKind::Refused,
        PlaceError::Failed(..) => CacheErrorKind::Unreachable,
    };
    CacheError::caused_by(kind, "opening the response store", error)
}
