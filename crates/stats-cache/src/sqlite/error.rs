//! What SQLite's errors mean to a caller.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::{CacheError, CacheErrorKind};

/// Adds to an error of SQLite what was being done.
pub(super) trait ResultExt<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, CacheError>;
}

impl<T> ResultExt<T> for rusqlite::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, CacheError> {
        self.map_err(|error| CacheError::caused_by(kind_of(&error), doing(), error))
    }
}

pub(super) fn kind_of(error: &rusqlite::Error) -> CacheErrorKind {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        // A column of another type than we declared, a missing table: not as we left it.
        return CacheErrorKind::Damaged;
    };
    match failure.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => CacheErrorKind::Busy,
        ErrorCode::DiskFull => CacheErrorKind::Full,
        ErrorCode::SystemIoFailure => match failure.extended_code {
            // The only reason why these two fail in practice.
            ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_WRITE => CacheErrorKind::Full,
            ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_SHORT_READ => CacheErrorKind::Damaged,
            _ => CacheErrorKind::Unreachable,
        },
        ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::AuthorizationForStatementDenied
        | ErrorCode::TooBig => CacheErrorKind::Refused,
        ErrorCode::CannotOpen | ErrorCode::OutOfMemory => CacheErrorKind::Unreachable,
        _ => CacheErrorKind::Damaged,
    }
}
