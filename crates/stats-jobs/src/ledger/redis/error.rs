//! What Redis' errors mean to a caller.

use redis::RedisError;

use crate::ledger::error::{LedgerError, LedgerErrorKind};

/// Adds to an error of Redis what was being done.
pub(super) fn ledger_error(doing: &str, error: RedisError) -> LedgerError {
    stats_redis::fault(format!("{doing} in the ledger in Redis"), error)
}

/// An answer that no server gives.
pub(super) fn unexpected(doing: &str) -> LedgerError {
    let doing = format!("{doing} in the ledger in Redis: the answer is another than expected");
    LedgerError::new(LedgerErrorKind::Damaged, doing)
}
