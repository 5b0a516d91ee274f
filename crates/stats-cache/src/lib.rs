//! Stored responses: their keys, the entries, and the stores that hold them.
#![forbid(unsafe_code)]

mod entry;
mod error;
mod store;

pub use entry::{Body, BodyEncoding, Entry, EntryDescription, EntryState, Origin, ShelfMark};
pub use error::{CacheError, CacheErrorKind};
pub use store::{CacheStore, EntryFilter, StoreSummary};
