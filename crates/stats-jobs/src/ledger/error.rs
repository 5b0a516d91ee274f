//! What can go wrong with a ledger.

use stats_model::{Fault, FaultKind};

/// What only a ledger can say, of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfRun {
    /// There is one with this id already.
    Exists,
    /// There is no such run, or none any more.
    Forgotten,
}

/// What a caller can do about a [`LedgerError`].
pub type LedgerErrorKind = FaultKind<OfRun>;

/// A failed call to a ledger: what was being done, and the cause.
pub type LedgerError = Fault<OfRun>;
