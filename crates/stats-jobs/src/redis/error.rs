//! What Redis' errors mean to a caller.

use redis::RedisError;

use crate::{QueueError, QueueErrorKind};

/// Adds to an error of Redis what was being done.
pub(super) fn queue_error(doing: impl Into<String>, error: RedisError) -> QueueError {
    match error.code() {
        // A primary that became a replica: the address may lead elsewhere when it is asked again.
        Some("READONLY") => QueueError::caused_by(QueueErrorKind::Busy, doing, error),
        _ => stats_redis::fault(doing, error),
    }
}
