//! What can go wrong with a queue, or with what else a broker does.

use stats_model::{Fault, FaultKind};

/// What only a queue can say: the delivery is in our hand no more. It was settled before, or given to
/// somebody else after its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// What a caller can do about a [`QueueError`].
pub type QueueErrorKind = FaultKind<Gone>;

/// A failed call: what was being done, with what, and the cause.
pub type QueueError = Fault<Gone>;
