//! What Redis' errors mean to a caller.

use redis::{ErrorKind, RedisError};

use crate::ledger::error::{LedgerError, LedgerErrorKind};

/// Adds to an error of Redis what was being done.
pub(super) fn ledger_error(doing: &str, error: RedisError) -> LedgerError {
    LedgerError::caused_by(kind_of(&error), format!("{doing} in the ledger in Redis"), error)
}

/// An answer that no server gives.
pub(super) fn unexpected(doing: &str) -> LedgerError {
    let doing = format!("{doing} in the ledger in Redis: the answer is another than expected");
    LedgerError::new(LedgerErrorKind::Damaged, doing)
}

fn kind_of(error: &RedisError) -> LedgerErrorKind {
    match error.kind() {
        ErrorKind::Io => return LedgerErrorKind::Unreachable,
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => {
            return LedgerErrorKind::Refused;
        }
        _ => {}
    }
    match error.code() {
        Some("OOM") => LedgerErrorKind::Full,
        Some("LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN") => {
            LedgerErrorKind::Busy
        }
        // A key of ours holds another type.
        Some("WRONGTYPE") | None => LedgerErrorKind::Damaged,
        Some(_) => LedgerErrorKind::Refused,
    }
}

/// Whether the connection should not be used again: it broke, or it leads to a server that is not
/// the primary any more.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse)
        || matches!(error.code(), Some("READONLY" | "NOAUTH"))
}
