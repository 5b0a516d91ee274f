//! What can go wrong with a source.

use stats_model::{Fault, FaultKind};

/// What only a source can say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amiss {
    /// It answered with less than it announced, or changed while it was read.
    Inconsistent,
    /// Something named in the call does not exist.
    NotFound,
}

/// What a caller can do about a [`SourceError`].
pub type SourceErrorKind = FaultKind<Amiss>;

/// A failed question to a source, or a failed write to the archive: what was being done, to what,
/// and the cause.
pub type SourceError = Fault<Amiss>;
