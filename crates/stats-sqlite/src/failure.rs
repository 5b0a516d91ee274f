//! What errors of SQLite mean, and what to do about them.

use std::{fmt, io};

use rusqlite::{Error, ErrorCode, ffi};

/// What somebody can do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Another process holds what is needed.
    Busy,
    /// No room left.
    Full,
    /// Nothing may be written there, or read.
    Refused,
    /// The file is not as it was written, or is something else.
    Damaged,
    /// It cannot be opened or read.
    Unreachable,
}

impl FailureKind {
    /// What can be done about an error of the file system.
    #[must_use]
    pub fn of_file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Refused,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Unreachable,
        }
    }
}

/// An error of SQLite in words.
#[derive(Debug)]
pub struct Explained {
    /// What can be done about it.
    pub kind: FailureKind,
    text: String,
}

impl fmt::Display for Explained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl std::error::Error for Explained {}

/// What an error means.
#[must_use]
pub fn explain(error: &Error) -> Explained {
    let kind = kind_of(error);
    let text = match (kind, error.sqlite_error_code()) {
        (FailureKind::Busy, _) => "another process is writing to it; try again later".to_owned(),
        (FailureKind::Full, _) => {
            "no room is left on the disk, or the size limit is reached; make room".to_owned()
        }
        (FailureKind::Refused, Some(ErrorCode::ReadOnly)) => {
            "it may not be written: the file or its folder belongs to another user, or the file \
             system is read-only; run as the user it belongs to, or name another place"
                .to_owned()
        }
        (FailureKind::Refused, _) => {
            "this user may not open it; run as the user it belongs to, or give it the right"
                .to_owned()
        }
        (FailureKind::Unreachable, Some(ErrorCode::CannotOpen)) => {
            "it, or the -wal and -shm files beside it, cannot be opened: its folder is missing, or \
             this user may not write there while changes wait in the -wal file; run once as the \
             user it belongs to"
                .to_owned()
        }
        (FailureKind::Unreachable | FailureKind::Damaged, _) => in_words(error),
    };
    Explained { kind, text }
}

/// The message without the number.
fn in_words(error: &Error) -> String {
    match error {
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

fn kind_of(error: &Error) -> FailureKind {
    let Error::SqliteFailure(failure, _) = error else {
        // A column of another type than declared, a missing table: not as it was left.
        return FailureKind::Damaged;
    };
    match failure.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => FailureKind::Busy,
        ErrorCode::DiskFull => FailureKind::Full,
        ErrorCode::SystemIoFailure => match failure.extended_code {
            // The only reason why these fail in practice: the first two make and map the `-shm`
            // file, also to read.
            ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMMAP | ffi::SQLITE_IOERR_WRITE => {
                FailureKind::Full
            }
            ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_SHORT_READ => FailureKind::Damaged,
            _ => FailureKind::Unreachable,
        },
        ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::AuthorizationForStatementDenied
        | ErrorCode::TooBig => FailureKind::Refused,
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::ConstraintViolation
        | ErrorCode::TypeMismatch
        // A table or column is missing.
        | ErrorCode::Unknown => FailureKind::Damaged,
        _ => FailureKind::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn kind(extended_code: i32) -> FailureKind {
        explain(&Error::SqliteFailure(ffi::Error::new(extended_code), None)).kind
    }

    #[test]
    fn codes_tell_what_can_be_done() {
        for (code, expected) in [
            (ffi::SQLITE_BUSY_SNAPSHOT, FailureKind::Busy),
            (ffi::SQLITE_PROTOCOL, FailureKind::Busy),
            (ffi::SQLITE_FULL, FailureKind::Full),
            (ffi::SQLITE_IOERR_SHMSIZE, FailureKind::Full),
            (ffi::SQLITE_IOERR_WRITE, FailureKind::Full),
            (ffi::SQLITE_READONLY_DIRECTORY, FailureKind::Refused),
            (ffi::SQLITE_PERM, FailureKind::Refused),
            (ffi::SQLITE_IOERR_READ, FailureKind::Unreachable),
            (ffi::SQLITE_CANTOPEN, FailureKind::Unreachable),
            (ffi::SQLITE_INTERRUPT, FailureKind::Unreachable),
            (ffi::SQLITE_IOERR_SHORT_READ, FailureKind::Damaged),
            (ffi::SQLITE_CORRUPT_INDEX, FailureKind::Damaged),
            (ffi::SQLITE_NOTADB, FailureKind::Damaged),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, FailureKind::Damaged),
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
            assert_eq!(explain(&asked(statement)).kind, FailureKind::Damaged, "{statement}");
        }
    }
}
