//! The lock that keeps two bulk runs apart.

use std::time::Duration;

use super::section::section;

section! {
    /// The lock that keeps two bulk runs apart, Python's included. It concerns the Redis store.
    LockSettings = "lock" {
        /// Whether the lock is taken.
        enabled: bool = true, ["STATS_DASHBOARD_LOCK_CONFIG"];

        /// How long the lock outlives a run that died; a run that lives renews it.
        timeout: Duration = Duration::from_secs(3_600), ["STATS_DASHBOARD_LOCK_CONFIG"];

        /// The name of the lock.
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
