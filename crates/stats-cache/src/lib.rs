//! Stored responses: their keys, the entries, and the stores that hold them.
#![forbid(unsafe_code)]

mod entry;
mod error;
mod key;
mod store;

pub use entry::{Body, BodyEncoding, Entry, EntryDescription, EntryState, Origin, ShelfMark};
pub use error::{CacheError, CacheErrorKind};
pub use key::{
    CacheKey, DEFAULT_PREFIX, KeyError, RESPONSE_CONTENT_TYPE, cache_key, canonical_json,
    key_string, response_key,
};
pub use store::{CacheStore, EntryFilter, StoreSummary};
