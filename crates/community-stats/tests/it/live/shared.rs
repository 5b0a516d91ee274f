//! The Redis databases that the Python dashboard reads.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

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

    /// Runs `work` and tells what changed anything meanwhile in the databases of responses and of
    /// the main cache: each command with its arguments, in that order. Scripts show as what they
    /// do. A command that is not known to change nothing is taken for one that does.
    pub(super) fn writes_during(&self, work: impl FnOnce()) -> Vec<Vec<String>> {
        let (server, number) = self.responses.rsplit_once('/').unwrap();
        let databases = [number, self.main.rsplit_once('/').unwrap().1];
        let mut stream = TcpStream::connect(server.trim_start_matches("redis://")).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        assert_eq!(lines.next().unwrap(), "+OK");
        work();
        let end = "end of the work";
        let _: bool = self.connection().exists(end).unwrap();
        let mut writes = Vec::new();
        for line in lines {
            let (database, words) = parse_monitor(&line);
            if words.last().is_some_and(|word| word == end) {
                return writes;
            }
            if databases.contains(&database.as_str()) && !READS.contains(&words[0].as_str()) {
                writes.push(words);
            }
        }
        panic!("the monitor ended");
    }
}

/// Commands that change nothing, or whose parts are shown by themselves.
const READS: [&str; 27] = [
    "client",
    "echo",
    "eval",
    "evalsha",
    "exec",
    "exists",
    "get",
    "getrange",
    "hello",
    "hget",
    "hgetall",
    "hkeys",
    "hmget",
    "hscan",
    "info",
    "mget",
    "multi",
    "pexpiretime",
    "ping",
    "pttl",
    "scan",
    "select",
    "strlen",
    "ttl",
    "type",
    "unwatch",
    "watch",
];

/// The database and the words of a line such as `+1.2 [7 127.0.0.1:3] "SET" "key" "a \"value\""`;
/// the command in small letters.
fn parse_monitor(line: &str) -> (String, Vec<String>) {
    let (head, rest) = line.split_once("] ").unwrap();
    let database = head.split_once('[').unwrap().1.split(' ').next().unwrap().to_owned();
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted => {
                words.push(std::mem::take(&mut word));
                quoted = false;
            }
            '"' => quoted = true,
            '\\' => word.extend(characters.next()),
            other if quoted => word.push(other),
            _ => {}
        }
    }
    words[0] = words[0].to_lowercase();
    (database, words)
}

/// The key of the lock.
pub(super) const LOCK: &str = "cache::lock:community_stats_cache_generation";
