//! The lock that keeps two bulk runs apart.

use std::time::Duration;

use super::section::section;

/// Longer than this nobody is blocked by a run that died: a longer time counts as this one.
pub const LONGEST_LOCK: Duration = Duration::from_secs(60);

section! {
    /// The lock that keeps two bulk runs apart, with the Redis store Python's included.
    LockSettings = "lock" {
        /// Whether the lock is taken.
        enabled: bool = true, ["STATS_DASHBOARD_LOCK_CONFIG"];

        /// How long the lock in Redis outlives a run that died, a minute at most; a run that lives
        /// renews it.
        timeout: Duration = LONGEST_LOCK, ["STATS_DASHBOARD_LOCK_CONFIG"];

        /// The name of the lock in Redis.
        name: String = "community_stats_cache_generation".to_owned(), ["STATS_DASHBOARD_LOCK_CONFIG"];

        /// What the keys of InvenioRDM's main cache begin with, those of locks included.
        key_prefix: String = "cache::".to_owned(), ["CACHE_KEY_PREFIX"];
    }
}

impl LockSettings {
    /// The key under which the lock stands: `cache::lock:community_stats_cache_generation`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}lock:{}", self.key_prefix, self.name)
    }
}
