//! From errors of SQLite to kinds that a caller can decide by.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;
use stats_sqlite::{PlaceError, explain};

use crate::{SourceError, SourceErrorKind};

/// Result of everything the archive does.
pub(crate) type Result<T, E = SourceError> = std::result::Result<T, E>;

/// Says what was being done when SQLite failed, and to which file.
pub(crate) trait DoingWithFile<T> {
    /// Turns the error into a [`SourceError`]: `doing` continues with the path of the archive.
    fn doing(self, doing: &str, path: &Path) -> Result<T>;
}

impl<T> DoingWithFile<T> for rusqlite::Result<T> {
    fn doing(self, doing: &str, path: &Path) -> Result<T> {
        self.map_err(|cause| failed(cause, doing, path))
    }
}

/// The [`SourceError`] for `cause`.
pub(crate) fn failed(cause: rusqlite::Error, doing: &str, path: &Path) -> SourceError {
    let kind = kind_of(&cause);
    let path = path.display();
    let hint = match kind {
        SourceErrorKind::Full => ": no room left, or its size limit is reached",
        SourceErrorKind::Busy => ": another process is writing to it",
        SourceErrorKind::Damaged => ": the file is damaged or is no archive",
        SourceErrorKind::Refused => ": it may not be written",
        _ => "",
    };
    let doing = format!("{doing} the archive {path}{hint}");
    match cause.sqlite_error_code() {
        // SQLite has no words for it, only a number.
        Some(ErrorCode::SystemIoFailure) if kind == SourceErrorKind::Full => {
            SourceError::caused_by(kind, doing, explain(&cause))
        }
        _ => SourceError::caused_by(kind, doing, cause),
    }
}

/// Why the place of an archive cannot hold one.
pub(super) fn misplaced(error: PlaceError) -> SourceError {
    SourceError::caused_by(error.kind(), "open the archive", error)
}

/// Why the file of an archive cannot be made.
pub(super) fn not_made(error: io::Error, path: &Path) -> SourceError {
    let doing = format!("create the archive {}", path.display());
    SourceError::caused_by(SourceErrorKind::of_file(&error), doing, error)
}

/// An error for something that is stored in a way that it cannot be.
pub(crate) fn damaged(path: &Path, what: impl std::fmt::Display) -> SourceError {
    let path = path.display();
    SourceError::new(SourceErrorKind::Damaged, format!("the archive {path} is damaged: {what}"))
}

/// What the caller of a failed statement can do.
fn kind_of(error: &rusqlite::Error) -> SourceErrorKind {
    match error.sqlite_error_code() {
        // A document that is larger than SQLite takes.
        Some(ErrorCode::TooBig) => SourceErrorKind::Full,
        _ => stats_sqlite::kind_of(error),
    }
}
