//! Where responses are kept.

use std::path::PathBuf;

use stats_cache::Endpoint;

use super::data::DataSettings;
use super::redis_url::RedisUrl;
use super::section::section;
use super::types::{Lifetime, choice};

choice! {
    /// Which store holds the responses.
    StoreKind: "\"sqlite\" or \"redis\"" {
        /// An SQLite file.
        Sqlite = "sqlite",
        /// The Redis database that the Python dashboard reads.
        Redis = "redis",
    }
}

choice! {
    /// What becomes of responses that another writer left.
    Foreign: "\"adopt\" or \"keep\"" {
        /// They are made once; equal ones become ours, others are replaced.
        Adopt = "adopt",
        /// They are kept, but for the current year and years that an aggregation marked.
        Keep = "keep",
    }
}

section! {
    /// Where finished responses are kept, and for how long.
    CacheSettings = "cache" {
        /// `sqlite` or `redis`. Unless set it is `redis` when `cache.redis_url` or
        /// `cache.main_redis_url` was given anywhere, else `sqlite`.
        store: StoreKind = StoreKind::Sqlite, [];

        /// The SQLite file; a relative path begins at the data folder.
        file: String = "cache.db".to_owned(), [];

        /// The complete address of the Redis database of the responses. It is used unchanged, also
        /// for the registry; the database numbers below then do not count.
        redis_url: Option<RedisUrl> = None, ["STATS_CACHE_REDIS_URL"];

        /// The address of InvenioRDM's main cache: it holds the locks, and responses and registry
        /// are on the same server when `cache.redis_url` is not set. Where neither is set it is
        /// InvenioRDM's default, `redis://localhost:6379/0`, and whoever takes the lock there is
        /// warned.
        main_redis_url: Option<RedisUrl> = None, ["CACHE_REDIS_URL"];

        /// The number of the Redis database of the responses.
        redis_db: u16 = 7, ["STATS_CACHE_REDIS_DB"];

        /// The number of the Redis database of the registry, by which the dashboard follows the
        /// work. 0 means the one of the responses.
        registry_redis_db: u16 = 8, ["STATS_AGG_REGISTRY_REDIS_DB"];

        /// What the keys of responses begin with, before a colon.
        prefix: String = "stats_dashboard".to_owned(), ["STATS_CACHE_PREFIX"];

        /// How many days a response lives; 0 means for ever. When Python writes too, give it the
        /// same number (`STATS_CACHE_DEFAULT_TTL`).
        ttl_days: Lifetime = Lifetime::Days(30), ["STATS_CACHE_DEFAULT_TTL"];

        /// What becomes of responses that Python left: `adopt` makes each once, takes over those that
        /// are the same to the byte and replaces the others, so that changes of their documents are
        /// noticed from then on; `keep` keeps those of past years until an aggregation marks them.
        foreign: Foreign = Foreign::Adopt, [];
    }
}

/// The three Redis databases that the Python side and we share (`cache-and-jobs.md` section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisTargets {
    /// Of the responses.
    pub responses: RedisUrl,
    /// Of the registry.
    pub registry: RedisUrl,
    /// Of the locks: InvenioRDM's main cache.
    pub locks: RedisUrl,
}

impl CacheSettings {
    /// The path of the SQLite store.
    #[must_use]
    pub fn file_path(&self, data: &DataSettings) -> PathBuf {
        data.dir.join(&self.file)
    }

    /// The Redis databases in use. Without `main_redis_url` the main cache, and with it the locks,
    /// is where InvenioRDM looks for it: in database 0 of `redis://localhost:6379`.
    #[must_use]
    pub fn redis_targets(&self) -> RedisTargets {
        let main = self.main_redis_url.clone().unwrap_or_else(local_redis);
        let registry_db =
            if self.registry_redis_db == 0 { self.redis_db } else { self.registry_redis_db };
        let (responses, registry) = match &self.redis_url {
            Some(url) => (url.clone(), url.clone()),
            None => (main.with_database(self.redis_db), main.with_database(registry_db)),
        };
        RedisTargets { responses, registry, locks: main }
    }
}

fn local_redis() -> RedisUrl {
    RedisUrl {
        endpoint: Endpoint::Tcp { host: "localhost".to_owned(), port: 6379 },
        username: None,
        password: None,
        database: Some(0),
        options: Vec::new(),
    }
}
