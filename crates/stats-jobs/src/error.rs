//! What can go wrong with a queue, or with what else a broker does: a small kind to decide by, a
//! chain to read.

use std::error::Error as StdError;

/// What a caller can do about a [`QueueError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueErrorKind {
    /// The broker cannot be reached, or the file not opened; later may be better.
    Unreachable,
    /// It refuses: wrong credentials, read-only, missing right.
    Refused,
    /// No room left.
    Full,
    /// What it holds is damaged, or is something else.
    Damaged,
    /// It was written by a newer version of this program.
    NewerFormat,
    /// Another process holds what is needed.
    Busy,
    /// The delivery is in our hand no more: settled before, or given to somebody else after its time.
    Gone,
}

/// A failed call: what was being done, with what, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct QueueError {
    kind: QueueErrorKind,
    doing: String,
    #[source]
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl QueueError {
    /// An error without a deeper cause. `doing` says what was tried, with what, and what to do.
    #[must_use]
    pub fn new(kind: QueueErrorKind, doing: impl Into<String>) -> Self {
        Self { kind, doing: doing.into(), cause: None }
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn caused_by(
        kind: QueueErrorKind,
        doing: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, doing: doing.into(), cause: Some(cause.into()) }
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> QueueErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without anybody doing anything to it.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self.kind,
            QueueErrorKind::Unreachable | QueueErrorKind::Busy | QueueErrorKind::Full
        )
    }
}
