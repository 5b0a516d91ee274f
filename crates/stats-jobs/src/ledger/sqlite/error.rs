//! What SQLite's errors mean to a caller.

use stats_sqlite::{FailureKind, explain};

use crate::ledger::error::{LedgerError, LedgerErrorKind};

/// Adds to an error of SQLite what was being done.
pub(super) trait ResultExt<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, LedgerError>;
}

impl<T> ResultExt<T> for rusqlite::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, LedgerError> {
        self.map_err(|error| {
            let explained = explain(&error);
            LedgerError::caused_by(kind_of(explained.kind), doing(), explained)
        })
    }
}

pub(super) const fn kind_of(kind: FailureKind) -> LedgerErrorKind {
    match kind {
        FailureKind::Busy => LedgerErrorKind::Busy,
        FailureKind::Full => LedgerErrorKind::Full,
        FailureKind::Refused => LedgerErrorKind::Refused,
        FailureKind::Damaged => LedgerErrorKind::Damaged,
        FailureKind::Unreachable => LedgerErrorKind::Unreachable,
    }
}
