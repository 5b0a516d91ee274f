//! From errors of SQLite to kinds that a caller can decide by.

use std::path::Path;

use rusqlite::ErrorCode;
use stats_sqlite::{FailureKind, explain};

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

fn is_full(error: &rusqlite::Error) -> bool {
    explain(error).kind == FailureKind::Full
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

/// An error for something that is stored in a way that it cannot be.
pub(crate) fn damaged(path: &Path, what: impl std::fmt::Display) -> SourceError {
    let path = path.display();
    SourceError::new(SourceErrorKind::Damaged, format!("the archive {path} is damaged: {what}"))
}

/// What the caller of a failed statement can do.
fn kind_of(error: &rusqlite::Error) -> SourceErrorKind {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => SourceErrorKind::Busy,
            ErrorCode::DiskFull | ErrorCode::TooBig => SourceErrorKind::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => SourceErrorKind::Damaged,
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => SourceErrorKind::Refused,
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch => SourceErrorKind::Damaged,
            // A table or column that is missing in a file that carries our mark.
            ErrorCode::Unknown => SourceErrorKind::Damaged,
            // Reading wants room for the `-shm` file, too.
            ErrorCode::SystemIoFailure if is_full(error) => SourceErrorKind::Full,
            _ => SourceErrorKind::Unreachable,
        },
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::QueryReturnedNoRows => SourceErrorKind::Damaged,
        _ => SourceErrorKind::Unreachable,
    }
}
