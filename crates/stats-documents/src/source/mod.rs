//! The traits that sources answer, each as narrow as those who ask: [`Documents`] for what shelves
//! hold, [`Feed`] for what changed on them, [`Directory`] for communities.
//!
//! The contract, which the suite in module `contract` checks for every implementation:
//!
//! * *Sequence numbers.* Every document carries the number of its last change. A new or replaced
//!   document gets a number above all earlier ones of its history; an unchanged one keeps its own;
//!   a removal uses one up. An index of several shards has a history for each shard, and numbers
//!   of different histories cannot be compared: there, and where a shelf lies in several indices,
//!   a fingerprint stays the same if a document is removed from one history while one that gets
//!   the very same number is added in another.
//! * *Absence.* A shelf, community or bookmark that does not exist is empty or `None`, never an
//!   error. An error always means that the question could not be answered. A live source in which
//!   a whole kind has no index at all cannot answer: it says
//!   [`NotFound`](crate::Amiss::NotFound), so that nothing empty is taken for the truth.
//! * *Order.* Manifests and documents come in (day, `_id`) order, `_id` by its UTF-8 bytes.
//! * *Honesty.* A call that succeeds has seen everything: no partial answer is ever a success.
//! * *Consistency.* One call sees one state. Between two calls the source may change; comparing
//!   the fingerprint of what was read with [`Documents::fingerprints`] shows it.
//! * *Threads.* All methods may be called from several threads at once and may block.

mod directory;
mod documents;
mod feed;
mod pulse;
mod whole;

pub use self::directory::Directory;
pub use self::documents::{Document, Documents, ShelfFilter, Visit};
pub use self::feed::{Changes, Feed};
pub use self::pulse::Pulse;
pub use self::whole::Source;
