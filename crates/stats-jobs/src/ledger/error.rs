//! What can go wrong with a ledger: a small kind to decide by, a chain to read.

use std::error::Error as StdError;

/// What a caller can do about a [`LedgerError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerErrorKind {
    /// The ledger cannot be reached or opened at all; later may be better.
    Unreachable,
    /// It refuses: wrong credentials, read-only, missing right, something that cannot be written down.
    Refused,
    /// No room left.
    Full,
    /// The ledger itself (not one record) is damaged, or is something else.
    Damaged,
    /// It was written by a newer version of this program.
    NewerFormat,
    /// Another process holds what is needed.
    Busy,
    /// There is a run with this id already.
    Exists,
    /// There is no such run, or none any more.
    Forgotten,
}

/// A failed call to a ledger: what was being done, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct LedgerError {
    kind: LedgerErrorKind,
    doing: String,
    #[source]
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl LedgerError {
    /// An error without a deeper cause. `doing` says what was tried, with what, and what to do.
    #[must_use]
    pub fn new(kind: LedgerErrorKind, doing: impl Into<String>) -> Self {
        Self { kind, doing: doing.into(), cause: None }
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn caused_by(
        kind: LedgerErrorKind,
        doing: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, doing: doing.into(), cause: Some(cause.into()) }
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> LedgerErrorKind {
        self.kind
    }
}
