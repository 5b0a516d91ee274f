//! The Redis databases that the Python dashboard reads.

use std::collections::BTreeMap;

use redis::{Commands, Connection};
use sha2::{Digest, Sha256};

use super::corpus::{CATEGORIES, COMMUNITIES, DERIVED, golden};

/// Where responses, registry and lock lie.
#[derive(Debug, Clone)]
pub(super) struct Store {
    /// The database of responses and registry.
    pub(super) responses: String,
    /// The database of the main cache, with the lock.
    pub(super) main: String,
    /// What the keys of responses begin with.
    pub(super) prefix: String,
}

/// A connection to the database of a URL.
pub(super) fn connection(url: &str) -> Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

impl Store {
    pub(super) fn connection(&self) -> Connection {
        connection(&self.responses)
    }

    /// The key of a response (cache-and-jobs specification, section 3).
    pub(super) fn key(&self, community: &str, year: i16, query: &str) -> String {
        let text = format!(
            "{{\"content_type\": \"application/json\", \"request_data\": {{\"params\": \
             {{\"community_id\": \"{community}\", \"date_basis\": \"added\", \
             \"end_date\": \"{year}-12-31\", \"start_date\": \"{year}-01-01\"}}, \
             \"stat\": \"{query}\"}}}}"
        );
        let digest = Sha256::digest(text.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}:{hex}", self.prefix)
    }

    /// The body of a response of 2025, if one stands.
    pub(super) fn body(&self, community: &str, query: &str) -> Option<Vec<u8>> {
        self.connection().get(self.key(community, 2025, query)).unwrap()
    }

    /// Everything below the prefix, as it stands.
    pub(super) fn bodies(&self) -> BTreeMap<String, Vec<u8>> {
        let mut connection = self.connection();
        let keys: Vec<String> = connection.keys(format!("{}:*", self.prefix)).unwrap();
        let bodies = keys.into_iter().map(|key| {
            let body: Vec<u8> = connection.get(&key).unwrap();
            (key.rsplit_once(':').unwrap().1.to_owned(), body)
        });
        bodies.collect()
    }

    /// Checks the sixteen responses of the package against what Python made.
    pub(super) fn assert_golden(&self, mode: &str) {
        for (category, query) in CATEGORIES {
            self.assert_golden_category(category, query, mode);
        }
    }

    /// Checks the four responses of one category.
    pub(super) fn assert_golden_category(&self, category: &str, query: &str, mode: &str) {
        for community in COMMUNITIES {
            let body = self.body(community, query).unwrap_or_default();
            let same = body == golden(category, community, mode);
            assert!(same, "{community} {query}: {}", String::from_utf8_lossy(&body));
        }
    }

    /// Checks one response.
    pub(super) fn assert_golden_community(&self, category: &str, community: &str) {
        let query = CATEGORIES.iter().find(|(name, _)| *name == category).unwrap().1;
        let body = self.body(community, query).unwrap_or_default();
        let same = body == golden(category, community, "optimized");
        assert!(same, "{community} {query}: {}", String::from_utf8_lossy(&body));
    }

    /// The keys of all thirty-two responses of 2025, sorted.
    pub(super) fn all_keys(&self) -> Vec<String> {
        let queries = CATEGORIES.iter().map(|(_, query)| *query).chain(DERIVED);
        let mut keys: Vec<String> = queries
            .flat_map(|query| COMMUNITIES.map(|community| self.key(community, 2025, query)))
            .collect();
        keys.sort();
        keys
    }

    /// All keys of the database, sorted, but those of ours that nobody else knows.
    pub(super) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.connection().keys("*").unwrap();
        keys.retain(|key| !key.starts_with("community-stats"));
        keys.sort();
        keys
    }

    /// The keys of the registry, sorted.
    pub(super) fn registry(&self) -> Vec<String> {
        let mut keys = self.keys();
        keys.retain(|key| !key.starts_with(&self.prefix));
        keys
    }

    /// What stands where the lock belongs.
    pub(super) fn lock(&self) -> Option<Vec<u8>> {
        connection(&self.main).get(LOCK).unwrap()
    }

    /// Runs `work` and tells which responses were written meanwhile, in that order.
    pub(super) fn writes_during(&self, work: impl FnOnce()) -> Vec<String> {
        let mut connection = self.connection();
        let _: () = redis::cmd("CONFIG")
            .arg(&["SET", "notify-keyspace-events", "KEA"])
            .query(&mut connection)
            .unwrap();
        let number = self.responses.rsplit_once('/').unwrap().1;
        let mut listener = self.connection();
        let mut listener = listener.as_pubsub();
        listener.subscribe(format!("__keyevent@{number}__:set")).unwrap();
        work();
        let end = "end of the work";
        let _: () = connection.set_ex(end, "", 1).unwrap();
        let mut written = Vec::new();
        loop {
            let key: String = listener.get_message().unwrap().get_payload().unwrap();
            if key == end {
                return written;
            }
            if key.starts_with(&self.prefix) {
                written.push(key);
            }
        }
    }
}

/// The key of the lock.
pub(super) const LOCK: &str = "cache::lock:community_stats_cache_generation";
