//! What Redis' errors mean to a caller.

use redis::{ErrorKind, RedisError};

use crate::{QueueError, QueueErrorKind};

/// Adds to an error of Redis what was being done.
pub(super) fn queue_error(doing: impl Into<String>, error: RedisError) -> QueueError {
    QueueError::caused_by(kind_of(&error), doing, error)
}

fn kind_of(error: &RedisError) -> QueueErrorKind {
    match error.kind() {
        ErrorKind::Io => return QueueErrorKind::Unreachable,
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => {
            return QueueErrorKind::Refused;
        }
        _ => {}
    }
    match error.code() {
        Some("OOM") => QueueErrorKind::Full,
        // A primary that became a replica, or the other way round: the address may lead elsewhere
        // when it is asked again.
        Some("READONLY" | "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN") => {
            QueueErrorKind::Busy
        }
        // A key of ours holds another type, or the server answers what Redis does not answer.
        Some("WRONGTYPE") | None => QueueErrorKind::Damaged,
        Some(_) => QueueErrorKind::Refused,
    }
}

/// Whether the connection should not be used again: it broke, or leads to a server that is not the
/// primary any more.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse)
        || matches!(error.code(), Some("READONLY" | "NOAUTH"))
}
