//! What can go wrong with a store.

use stats_model::{Fault, FaultKind};

/// What only a store can say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockLost;

/// What a caller can do about a [`CacheError`]. `Own` ([`LockLost`]): the lock of bulk runs, on which
/// the write depended, is lost; nothing was written, and nothing will be under the same lease.
pub type CacheErrorKind = FaultKind<LockLost>;

/// A failed call to a store: what was being done, to which key, and the cause.
pub type CacheError = Fault<LockLost>;

/// A write that is refused because the lock of bulk runs is lost.
pub(crate) fn lock_lost(doing: &str) -> CacheError {
    let doing = format!("{doing}: the lock of bulk runs was lost, so nothing was written");
    CacheError::new(CacheErrorKind::Own(LockLost), doing)
}
