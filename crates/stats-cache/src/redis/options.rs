//! How a client of Redis behaves.

use std::path::PathBuf;
use std::time::Duration;

/// How long to wait for a Redis server, and how many connections to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// For a connection, TLS and authentication included.
    pub connect_timeout: Duration,
    /// For each piece of an answer, and for each piece of a request to be taken.
    pub response_timeout: Duration,
    /// Connections kept open while nobody needs them.
    pub idle_connections: usize,
    /// Certificates to trust (PEM) instead of the system's, when the URL names none.
    pub ca_file: Option<PathBuf>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(30),
            idle_connections: 4,
            ca_file: None,
        }
    }
}
