//! What can go wrong with a source: a small kind to decide by, a chain to read.

use std::error::Error as StdError;

/// What a caller can do about a [`SourceError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceErrorKind {
    /// The source cannot be reached or opened at all; later may be better.
    Unreachable,
    /// The source refuses: missing right, wrong credentials, read-only, a document that can stand
    /// on no shelf.
    Refused,
    /// No room left, or a configured limit is reached.
    Full,
    /// What is stored is damaged, or is no archive at all.
    Damaged,
    /// What is stored was written by a newer version of this program.
    NewerFormat,
    /// Another process holds what is needed.
    Busy,
    /// The source answered with less than it announced, or changed while it was read.
    Inconsistent,
    /// Something named in the call does not exist.
    NotFound,
}

/// A failed question to a source, or a failed write to the archive: what was being done, to what,
/// and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct SourceError {
    kind: SourceErrorKind,
    doing: String,
    #[source]
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl SourceError {
    /// An error without a deeper cause. `doing` says what was tried, with what, and what to do.
    #[must_use]
    pub fn new(kind: SourceErrorKind, doing: impl Into<String>) -> Self {
        Self { kind, doing: doing.into(), cause: None }
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn caused_by(
        kind: SourceErrorKind,
        doing: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, doing: doing.into(), cause: Some(cause.into()) }
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> SourceErrorKind {
        self.kind
    }
}
