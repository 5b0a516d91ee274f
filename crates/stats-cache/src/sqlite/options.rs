//! How the store in a file behaves.

use std::time::Duration;

/// How a [`SqliteStore`](super::SqliteStore) behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How long a call waits for another process that writes, before it is an error of kind
    /// [`Busy`](crate::CacheErrorKind::Busy).
    pub busy_timeout: Duration,
    /// How many connections for reading are kept open. More are opened when more threads read.
    pub idle_readers: usize,
    /// The size in bytes that the file may reach; beyond, storing is an error of kind
    /// [`Full`](crate::CacheErrorKind::Full). `None`: as much as the disk holds.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(10), idle_readers: 4, max_bytes: None }
    }
}
