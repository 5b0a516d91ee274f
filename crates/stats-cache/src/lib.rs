//! Stored responses: their keys, the entries, and the stores that hold them.
#![forbid(unsafe_code)]

mod body;
pub mod contract;
mod entry;
mod error;
mod key;
mod lock;
mod notebook;
mod redis;
mod response;
mod sqlite;
mod store;

pub use body::BodyWriter;
pub use entry::{
    Body, BodyEncoding, DamagedEntry, Entry, EntryDescription, EntryState, Origin, Seen, ShelfMark,
};
pub use error::{CacheError, CacheErrorKind, LockLost};
pub use key::{CacheKey, KeyError, cache_key, key_string, response_key};
pub use lock::{BulkLock, Ends, FileLock, Lease, Liveness, LockEntry, LockHolder, Unlocked, Who};
pub use notebook::{Memory, MemoryChanges, Note, Notebook, Trouble};
pub use redis::{
    DatabaseCounts, Endpoint, FirstRun, Needs, RedisAddress, RedisClient, RedisLock, RedisOptions,
    RedisRegistry, RedisStore, Registry, ServerReport, TlsSettings, UpdateMark, UpdateMarks,
};
pub use response::{CacheType, CachedResponse, InvalidData};
pub use sqlite::{SqliteOptions, SqliteStore};
pub use store::{CacheStore, EntryFilter, StoreSummary};

/// Locks `mutex`, also after a thread panicked while it held it: what our mutexes guard is never
/// left half-changed.
fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
