//! What `doctor` wants to know of a Redis server and of one of its databases.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::client::RedisClient;
use super::index::index_name;
use super::reply::{bytes, command, integer, milliseconds, scanned};
use super::store::escaped;
use crate::{CacheError, CacheErrorKind};

/// How many pages of a thousand keys are looked at in search of responses.
const MOST_SCANS: usize = 200;

/// What a Redis server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReport {
    /// Its version, that of Valkey where it is one, `7.0.15`.
    pub version: String,
    /// Its clock, to the millisecond.
    pub clock: Timestamp,
    /// Whether it is a replica that takes no writes.
    pub read_only_replica: bool,
    /// Bytes in use.
    pub used_memory: u64,
    /// The most bytes it may use; 0 means no limit.
    pub max_memory: u64,
    /// What it does when it reaches that: `noeviction`, `allkeys-lru`, `volatile-ttl`, …; empty
    /// when it does not say.
    pub eviction_policy: String,
    /// Keys it dropped since its start because memory was short.
    pub evicted_keys: u64,
    /// Whether it failed to save its data to disk lately; by default it then takes no writes.
    pub saving_fails: bool,
}

impl ServerReport {
    /// Whether entries are dropped when memory is short: there is a limit, and the policy drops
    /// keys in place of refusing writes.
    #[must_use]
    pub fn may_evict(&self) -> bool {
        self.max_memory > 0
            && !self.eviction_policy.is_empty()
            && self.eviction_policy != "noeviction"
    }
}

/// How much lies in one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseCounts {
    /// Keys of the whole database, whoever wrote them.
    pub keys: u64,
    /// Entries that we remember to have written; some may be gone since.
    pub recorded: u64,
}

impl RedisClient {
    /// What the server says about itself: two commands that cost it nothing.
    ///
    /// # Errors
    /// When the server cannot answer, or refuses.
    pub fn examine(&self) -> Result<ServerReport, CacheError> {
        let doing = "examining the server";
        let answers = self.pipeline(&[command(&["INFO"]), command(&["TIME"])], doing)?;
        let unexpected = || {
            let doing = format!("{doing} at {}: an answer that is not Redis'", self.address());
            CacheError::new(CacheErrorKind::Damaged, doing)
        };
        let [info, time] = answers.as_slice() else { return Err(unexpected()) };
        for answer in [info, time] {
            self.refusal(answer, doing)?;
        }
        let info = text(info).ok_or_else(unexpected)?;
        let info = fields(&info);
        let word = |name: &str| info.get(name).copied().unwrap_or_default();
        let number = |name: &str| word(name).parse().unwrap_or(0);
        let clock = milliseconds(time).and_then(|time| Timestamp::from_millisecond(time).ok());
        let valkey = word("valkey_version");
        Ok(ServerReport {
            version: if valkey.is_empty() { word("redis_version") } else { valkey }.to_owned(),
            clock: clock.ok_or_else(unexpected)?,
            read_only_replica: word("role") == "slave" && word("slave_read_only") != "0",
            used_memory: number("used_memory"),
            max_memory: number("maxmemory"),
            eviction_policy: word("maxmemory_policy").to_owned(),
            evicted_keys: number("evicted_keys"),
            saving_fails: word("rdb_last_bgsave_status") == "err"
                || word("aof_last_write_status") == "err",
        })
    }

    /// How many keys the database holds, and how many entries of `prefix` we remember. Neither
    /// looks at keys one by one.
    ///
    /// # Errors
    /// When the server cannot answer, or refuses.
    pub fn counts(&self, prefix: &str) -> Result<DatabaseCounts, CacheError> {
        let doing = "counting keys";
        let asked = [command(&["DBSIZE"]), command(&["HLEN", &index_name(prefix)])];
        let answers = self.pipeline(&asked, doing)?;
        for answer in &answers {
            self.refusal(answer, doing)?;
        }
        let count = |at: usize| {
            let number = answers.get(at).and_then(integer).unwrap_or(0);
            u64::try_from(number).unwrap_or(0)
        };
        Ok(DatabaseCounts { keys: count(0), recorded: count(1) })
    }

    /// The numbers of all databases of the server that hold anything.
    ///
    /// # Errors
    /// When the server cannot answer, or refuses.
    pub fn databases_in_use(&self) -> Result<Vec<u16>, CacheError> {
        let doing = "listing databases";
        let answers = self.pipeline(&[command(&["INFO", "keyspace"])], doing)?;
        let Some(answer) = answers.first() else { return Ok(Vec::new()) };
        self.refusal(answer, doing)?;
        let info = text(answer).unwrap_or_default();
        let names = fields(&info).into_keys();
        Ok(names.filter_map(|name| name.strip_prefix("db")?.parse().ok()).collect())
    }

    /// Whether the database holds responses below `prefix`, whoever wrote them. Of a large database
    /// only a part is looked at.
    ///
    /// # Errors
    /// When the server cannot answer, or refuses.
    pub fn holds_responses(&self, prefix: &str) -> Result<bool, CacheError> {
        let doing = "looking for responses";
        let pattern = format!("{}:*", escaped(prefix));
        let mut cursor = "0".to_owned();
        for _ in 0..MOST_SCANS {
            let scan = ["SCAN", &cursor, "MATCH", &pattern, "COUNT", "1000"];
            let answers = self.pipeline(&[command(&scan)], doing)?;
            let Some(answer) = answers.into_iter().next() else { break };
            self.refusal(&answer, doing)?;
            let Some((next, found)) = scanned(answer) else { break };
            let is_response = |key: &redis::Value| {
                let digits = bytes(key).and_then(|key| key.get(prefix.len() + 1..));
                digits.is_some_and(|it| it.len() == 64 && it.iter().all(u8::is_ascii_hexdigit))
            };
            if found.iter().any(is_response) {
                return Ok(true);
            }
            cursor = String::from_utf8_lossy(&next).into_owned();
            if cursor == "0" {
                break;
            }
        }
        Ok(false)
    }

    /// An error of the server as an error of the question.
    fn refusal(&self, answer: &redis::Value, doing: &str) -> Result<(), CacheError> {
        let doing = || format!("{doing} at {}", self.address());
        let failed = |error| stats_redis::fault(doing(), error);
        answer.clone().extract_error().map(drop).map_err(failed)
    }
}

fn text(value: &redis::Value) -> Option<String> {
    match value {
        redis::Value::VerbatimString { text, .. } => Some(text.clone()),
        other => bytes(other).map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// The lines `name:value` of `INFO`.
fn fields(info: &str) -> BTreeMap<&str, &str> {
    info.lines().filter_map(|line| line.trim_end().split_once(':')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_info() {
        let info = "# Server\r\nredis_version:7.0.15\r\nrole:slave\r\nos:a:b\r\n\r\n";
        let fields = fields(info);
        assert_eq!(fields["redis_version"], "7.0.15");
        assert_eq!((fields["role"], fields["os"]), ("slave", "a:b"));
        assert_eq!(fields.len(), 3);
    }
}
