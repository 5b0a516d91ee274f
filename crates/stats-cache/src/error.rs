//! What can go wrong with a store: a small kind to decide by, a chain to read.

use std::error::Error as StdError;

/// What a caller can do about a [`CacheError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheErrorKind {
    /// The store cannot be reached or opened at all; later may be better.
    Unreachable,
    /// The store refuses: wrong credentials, read-only, missing right.
    Refused,
    /// No room left.
    Full,
    /// The store itself (not one entry) is damaged, or is something else.
    Damaged,
    /// The store was written by a newer version of this program.
    NewerFormat,
    /// Another process holds what is needed.
    Busy,
    /// The lock of bulk runs, on which the write depended, is lost: nothing was written, and nothing
    /// will be under the same lease.
    LockLost,
}

/// A failed call to a store: what was being done, to which key, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct CacheError {
    kind: CacheErrorKind,
    doing: String,
    #[source]
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl CacheError {
    /// An error without a deeper cause. `doing` says what was tried, with what, and what to do.
    #[must_use]
    pub fn new(kind: CacheErrorKind, doing: impl Into<String>) -> Self {
        Self { kind, doing: doing.into(), cause: None }
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn caused_by(
        kind: CacheErrorKind,
        doing: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, doing: doing.into(), cause: Some(cause.into()) }
    }

    /// A write that is refused because the lock of bulk runs is lost.
    pub(crate) fn lock_lost(doing: &str) -> Self {
        let doing = format!("{doing}: the lock of bulk runs was lost, so nothing was written");
        Self::new(CacheErrorKind::LockLost, doing)
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> CacheErrorKind {
        self.kind
    }
}
