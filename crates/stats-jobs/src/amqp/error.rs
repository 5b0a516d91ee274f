//! What errors of AMQP mean to a caller.

use lapin::ErrorKind;

use crate::{QueueError, QueueErrorKind};

/// There is no such queue or exchange.
const NOT_FOUND: u16 = 404;

/// Adds to an error of AMQP what was being done.
pub(super) fn queue_error(doing: impl Into<String>, error: lapin::Error) -> QueueError {
    QueueError::caused_by(kind_of(&error), doing, error)
}

fn kind_of(error: &lapin::Error) -> QueueErrorKind {
    match code(error) {
        // No more connections, or the broker is about to stop.
        Some(320 | 506 | 541) | None => QueueErrorKind::Unreachable,
        // It was deleted meanwhile, and is declared again.
        Some(NOT_FOUND) => QueueErrorKind::Busy,
        // Refused rights, another kind of queue, an unknown virtual host.
        Some(_) => QueueErrorKind::Refused,
    }
}

/// Whether the broker says that there is no such queue.
pub(super) fn is_not_found(error: &lapin::Error) -> bool {
    code(error) == Some(NOT_FOUND)
}

fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
