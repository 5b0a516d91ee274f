//! Responses in the Redis database that the Python dashboard reads, and what goes with them there:
//! the registry of what is going on, and the lock of bulk runs.

mod client;
mod examine;
mod fence;
mod fenced;
#[cfg(test)]
mod fuzz;
mod index;
mod lock;
mod notebook;
mod options;
mod pieces;
mod put;
mod records;
mod registry;
mod relabel;
mod reply;
mod rights;
mod sentinel;
mod store;
mod watched;

pub use stats_redis::{Endpoint, RedisAddress, TlsSettings};

pub use self::client::RedisClient;
pub use self::examine::{DatabaseCounts, ServerReport};
pub use self::lock::RedisLock;
pub use self::options::RedisOptions;
pub use self::registry::{FirstRun, RedisRegistry, Registry, UpdateMark, UpdateMarks};
pub use self::rights::Needs;
pub use self::store::RedisStore;
