//! What errors of SQLite mean, and what to do about them.

use std::convert::Infallible;
use std::fmt;

use rusqlite::{Error, ErrorCode, ffi};
use stats_model::{Fault, FaultKind};

/// An error of SQLite in words.
#[derive(Debug)]
pub struct Explained(String);

impl fmt::Display for Explained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Explained {}

/// Adds to an error of SQLite what was being done.
#[must_use]
pub fn fault<Own: Copy>(error: &Error, doing: impl Into<String>) -> Fault<Own> {
    Fault::caused_by(kind_of(error), doing, explain(error))
}

/// What an error means.
#[must_use]
pub fn explain(error: &Error) -> Explained {
    let kind = kind_of::<Infallible>(error);
    let text = match (kind, error.sqlite_error_code()) {
        (FaultKind::Busy, _) => "another process is writing to it; try again later".to_owned(),
        (FaultKind::Full, _) => {
            "no room is left on the disk, or the size limit is reached; make room".to_owned()
        }
        (FaultKind::Refused, Some(ErrorCode::ReadOnly)) => {
            "it may not be written: the file or its folder belongs to another user, or the file \
             system is read-only; run as the user it belongs to, or name another place"
                .to_owned()
        }
        (FaultKind::Refused, _) => {
            "this user may not open it; run as the user it belongs to, or give it the right"
                .to_owned()
        }
        (FaultKind::Unreachable, Some(ErrorCode::CannotOpen)) => {
            "it, or the -wal and -shm files beside it, cannot be opened: its folder is missing, or \
             this user may not write there while changes wait in the -wal file; run once as the \
             user it belongs to"
                .to_owned()
        }
        _ => in_words(error),
    };
    Explained(text)
}

/// The message without the number.
fn in_words(error: &Error) -> String {
    match error {
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

/// What somebody can do about an error.
#[must_use]
pub fn kind_of<Own>(error: &Error) -> FaultKind<Own> {
    let Error::SqliteFailure(failure, _) = error else {
        // A column of another type than declared, a missing table: not as it was left.
        return FaultKind::Damaged;
    };
    match failure.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => FaultKind::Busy,
        ErrorCode::DiskFull => FaultKind::Full,
        ErrorCode::SystemIoFailure => match failure.extended_code {
            // The only reason why these fail in practice: the first two make and map the `-shm`
            // file, also to read.
            ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMMAP | ffi::SQLITE_IOERR_WRITE => {
                FaultKind::Full
            }
            ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_SHORT_READ => FaultKind::Damaged,
            _ => FaultKind::Unreachable,
        },
        ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::AuthorizationForStatementDenied
        | ErrorCode::TooBig => FaultKind::Refused,
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::ConstraintViolation
        | ErrorCode::TypeMismatch
        // A table or column is missing.
        | ErrorCode::Unknown => FaultKind::Damaged,
        _ => FaultKind::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn kind(extended_code: i32) -> FaultKind<Infallible> {
        kind_of(&Error::SqliteFailure(ffi::Error::new(extended_code), None))
    }

    #[test]
    fn codes_tell_what_can_be_done() {
        for (code, expected) in [
            (ffi::SQLITE_BUSY_SNAPSHOT, FaultKind::Busy),
            (ffi::SQLITE_PROTOCOL, FaultKind::Busy),
            (ffi::SQLITE_FULL, FaultKind::Full),
            (ffi::SQLITE_IOERR_SHMSIZE, FaultKind::Full),
            (ffi::SQLITE_IOERR_WRITE, FaultKind::Full),
            (ffi::SQLITE_READONLY_DIRECTORY, FaultKind::Refused),
            (ffi::SQLITE_PERM, FaultKind::Refused),
            (ffi::SQLITE_IOERR_READ, FaultKind::Unreachable),
            (ffi::SQLITE_CANTOPEN, FaultKind::Unreachable),
            (ffi::SQLITE_INTERRUPT, FaultKind::Unreachable),
            (ffi::SQLITE_IOERR_SHORT_READ, FaultKind::Damaged),
            (ffi::SQLITE_CORRUPT_INDEX, FaultKind::Damaged),
            (ffi::SQLITE_NOTADB, FaultKind::Damaged),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, FaultKind::Damaged),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn what_is_not_as_it_was_left_is_damaged() {
        let connection = Connection::open_in_memory().unwrap();
        let asked = |statement: &str| {
            connection.query_row(statement, [], |row| row.get::<_, i64>(0)).unwrap_err()
        };
        for statement in ["SELECT a FROM t", "SELECT 'a'", "SELECT 1 WHERE 0"] {
            assert_eq!(kind_of::<Infallible>(&asked(statement)), FaultKind::Damaged, "{statement}");
        }
    }
}
