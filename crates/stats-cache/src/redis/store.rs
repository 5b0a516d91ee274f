//! The store of responses in Redis.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use redis::{Cmd, Value, cmd};
use sha2::{Digest, Sha256};

use super::client::RedisClient;
use super::error::cache_error;
use super::index::{self, Deadline, index_name};
use super::reply::{bytes, command, integer, milliseconds, scanned};
use crate::body::verify;
use crate::response::is_json;
use crate::{
    Body, BodyEncoding, CacheError, CacheErrorKind, CacheStore, Entry, EntryDescription,
    EntryFilter, EntryState, StoreSummary,
};

/// How many keys are asked about in one transaction: enough to make the way there cheap, few enough
/// not to keep others waiting.
const BATCH: usize = 500;

/// Removes records whose entries are gone, but not those of entries that came meanwhile.
const PRUNE: &str = "
local removed = 0
for i, field in ipairs(ARGV) do
    if redis.call('EXISTS', KEYS[1 + i]) == 0 then
        removed = removed + redis.call('HDEL', KEYS[1], field)
    end
end
return removed";

/// Removes a record that turned out to be of other bytes than those that are there, but not a newer
/// one.
const FORGET: &str = "
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    return redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0";

/// Says of a record that its body was found damaged, unless it is a newer one.
const DOUBT: &str = "
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    return redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 0";

/// The store of an installation beside a live InvenioRDM: plain JSON under the package's own keys
/// (cache-and-jobs specification, sections 2 to 4). Descriptions lie in a hash of ours outside
/// `<prefix>:*`.
///
/// Redis drops what has expired by itself; such entries are absent.
pub struct RedisStore {
    client: Arc<RedisClient>,
    prefix: String,
    index: String,
    /// Whether the server tells expiries as times (Redis 7), not only as what remains.
    tells_expiry: bool,
    damaged_reads: AtomicU64,
}

impl RedisStore {
    /// The responses under `<prefix>:…` in the client's database.
    ///
    /// # Errors
    /// When the server cannot answer, or something else than our records is where they belong.
    pub fn open(client: Arc<RedisClient>, prefix: impl Into<String>) -> Result<Self, CacheError> {
        let prefix = prefix.into();
        let index = index_name(&prefix);
        let asked = [command(&["TYPE", &index]), command(&["PEXPIRETIME", &index])];
        let answers = client.pipeline(&asked, "opening the response store")?;
        let tells_expiry = matches!(answers.get(1), Some(Value::Int(_)));
        match answers.into_iter().next().map(Value::extract_error).transpose() {
            Err(error) => return Err(cache_error("opening the response store", error)),
            Ok(Some(Value::SimpleString(kind))) if kind != "none" && kind != "hash" => {
                let doing = format!(
                    "the key {index} at {} is a {kind} of somebody else, not our index",
                    client.address()
                );
                return Err(CacheError::new(CacheErrorKind::Damaged, doing));
            }
            Ok(_) => {}
        }
        Ok(Self { client, prefix, index, tells_expiry, damaged_reads: AtomicU64::new(0) })
    }

    /// The prefix of the keys.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn client(&self) -> &RedisClient {
        &self.client
    }

    /// The name of the hash with our records.
    pub(super) fn index(&self) -> &str {
        &self.index
    }

    /// The part of `key` after the prefix, by which its record is found. Other keys are not touched.
    pub(super) fn field<'key>(&self, key: &'key str) -> Result<&'key str, CacheError> {
        key.strip_prefix(&self.prefix).and_then(|rest| rest.strip_prefix(':')).ok_or_else(|| {
            let doing = format!("the key {key} does not begin with {}:", self.prefix);
            CacheError::new(CacheErrorKind::Refused, doing)
        })
    }

    /// The commands that tell when `key` ends.
    pub(super) fn ask_deadline(&self, commands: &mut Vec<Cmd>, key: &str) {
        if self.tells_expiry {
            commands.push(command(&["PEXPIRETIME", key]));
        } else {
            commands.extend([cmd("TIME"), command(&["PTTL", key]), cmd("TIME")]);
        }
    }

    /// Takes the answers to [`ask_deadline`](Self::ask_deadline).
    pub(super) fn deadline(&self, answers: &mut impl Iterator<Item = Value>) -> Option<Deadline> {
        if self.tells_expiry {
            return Some(Deadline::from_expiry(integer(&answers.next()?)?));
        }
        let before = milliseconds(&answers.next()?)?;
        let remaining = integer(&answers.next()?)?;
        let after = milliseconds(&answers.next()?)?;
        Some(Deadline::from_remaining(before, remaining, after))
    }

    fn describe_batch(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError> {
        let mut hints = command(&["HMGET", &self.index]);
        let mut commands = Vec::with_capacity(keys.len() * 2 + 1);
        for key in keys {
            hints.arg(self.field(key)?);
            commands.push(command(&["STRLEN", key]));
            self.ask_deadline(&mut commands, key);
        }
        commands.push(hints);
        let doing = format!("describing {} entries", keys.len());
        let mut answers = self.client.transaction(&commands, &doing)?;
        let unexpected = || self.unexpected(&doing);
        let Some(Value::Array(hints)) = answers.pop() else { return Err(unexpected()) };
        let mut answers = answers.into_iter();
        keys.iter()
            .zip(hints)
            .map(|(key, hint)| {
                let length = answers.next().ok_or_else(unexpected)?;
                let deadline = self.deadline(&mut answers).ok_or_else(unexpected)?;
                Ok(index::state(key, bytes(&hint), deadline, &length))
            })
            .collect()
    }

    /// Calls `work` with the keys of all records, and with the records.
    fn each_record(
        &self,
        mut work: impl FnMut(Vec<(String, Vec<u8>)>) -> Result<(), CacheError>,
    ) -> Result<(), CacheError> {
        let doing = "reading the index";
        let mut cursor = b"0".to_vec();
        loop {
            let mut scan = command(&["HSCAN", &self.index]);
            scan.arg(&cursor).arg("COUNT").arg(1000);
            let (next, found) = scanned(self.client.command(&scan, doing)?)
                .ok_or_else(|| self.unexpected(doing))?;
            let mut records = Vec::with_capacity(found.len() / 2);
            let mut found = found.into_iter();
            while let (Some(Value::BulkString(field)), Some(Value::BulkString(record))) =
                (found.next(), found.next())
            {
                if let Ok(field) = String::from_utf8(field) {
                    records.push((format!("{}:{field}", self.prefix), record));
                }
            }
            work(records)?;
            if next == b"0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// The states of the entries with a record that `wanted` takes, without the stale ones, whose
    /// records are removed.
    fn known_states(
        &self,
        mut wanted: impl FnMut(&str, &[u8]) -> bool,
    ) -> Result<Vec<EntryState>, CacheError> {
        let mut keys = Vec::new();
        self.each_record(|records| {
            let wanted = records.into_iter().filter(|(key, record)| wanted(key, record));
            keys.extend(wanted.map(|(key, _)| key));
            Ok(())
        })?;
        // A scan may tell a field twice.
        keys.sort_unstable();
        keys.dedup();
        let states = self.describe(&keys)?;
        let mut stale = Vec::new();
        let mut known = Vec::with_capacity(states.len());
        for (key, state) in keys.iter().zip(states) {
            if state == EntryState::Absent {
                stale.push(key.as_str());
            } else {
                known.push(state);
            }
        }
        // Only to tidy up: on a read-only server the list is right all the same.
        let _ = self.prune(&stale);
        Ok(known)
    }

    fn prune(&self, stale: &[&str]) -> Result<(), CacheError> {
        for keys in stale.chunks(BATCH) {
            let mut script = cmd("EVAL");
            script.arg(PRUNE).arg(1 + keys.len()).arg(&self.index).arg(keys);
            for key in keys {
                script.arg(self.field(key)?);
            }
            self.client.command(&script, "tidying the index")?;
        }
        Ok(())
    }

    /// Removes keys with their records; returns how many keys were there.
    fn remove(&self, keys: &[String]) -> Result<u64, CacheError> {
        let mut removed = 0;
        for keys in keys.chunks(BATCH) {
            let mut forget = command(&["HDEL", &self.index]);
            for key in keys {
                forget.arg(self.field(key)?);
            }
            let mut unlink = cmd("UNLINK");
            unlink.arg(keys);
            let doing = format!("removing {} entries", keys.len());
            let mut answers = Vec::with_capacity(2);
            for answer in self.client.transaction(&[unlink, forget], &doing)? {
                let answer = answer.extract_error();
                answers.push(answer.map_err(|error| cache_error(doing.as_str(), error))?);
            }
            let count = answers.first().and_then(integer);
            removed += count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
        }
        Ok(removed)
    }

    /// A transaction of Redis is not undone when one of its commands fails: the body was replaced, and
    /// what is recorded of it speaks of the old one. No entry is better than one that nobody can judge.
    fn take_back(&self, key: &str, field: &str) {
        let unlink = command(&["UNLINK", key]);
        let forget = command(&["HDEL", &self.index, field]);
        drop(self.client.transaction(&[unlink, forget], "taking back half of an entry"));
    }

    /// Lets an entry be made again whose body is not the one that was recorded. Where nothing may be
    /// written, that has to wait.
    fn doubt(&self, key: &str, hint: &Value) {
        if let (Ok(field), Some(record)) = (self.field(key), bytes(hint)) {
            let mut script = cmd("EVAL");
            script.arg(DOUBT).arg(1).arg(&self.index).arg(field).arg(record).arg(index::DAMAGED);
            drop(self.client.command(&script, "doubting a record"));
        }
    }

    /// Lets an entry be known for what it is. Where nothing may be written, that has to wait.
    fn forget(&self, key: &str, hint: &Value) {
        if let (Ok(field), Some(record)) = (self.field(key), bytes(hint)) {
            let mut script = cmd("EVAL");
            script.arg(FORGET).arg(1).arg(&self.index).arg(field).arg(record);
            drop(self.client.command(&script, "forgetting a record"));
        }
    }

    fn unexpected(&self, doing: &str) -> CacheError {
        let doing = format!("{doing}: {} answers what Redis does not", self.client.address());
        CacheError::new(CacheErrorKind::Damaged, doing)
    }

    /// Counts a body that cannot be served.
    fn damaged(&self) {
        self.damaged_reads.fetch_add(1, Ordering::Relaxed);
    }
}

impl CacheStore for RedisStore {
    fn encoding(&self) -> BodyEncoding {
        BodyEncoding::Plain
    }

    fn put(&self, description: &EntryDescription, body: &Body) -> Result<(), CacheError> {
        let key = &description.key;
        let field = self.field(key)?;
        let refused = |what: &str, error: Box<dyn std::error::Error + Send + Sync>| {
            CacheError::caused_by(CacheErrorKind::Refused, format!("{what} of {key}"), error)
        };
        let bytes = body
            .encoded_as(BodyEncoding::Plain)
            .map_err(|error| refused("unpacking the body", error.into()))?;
        let record = index::record(description, body.plain_length, &body.sha256)
            .map_err(|error| refused("writing the record", error.into()))?;

        // SET key body [PXAT time], with the body sent from where it is.
        let expires = description.expires.map(|expires| expires.as_millisecond().to_string());
        let in_one = expires.as_ref().filter(|_| self.tells_expiry);
        let words = if in_one.is_some() { 5 } else { 3 };
        let head =
            format!("*{words}\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n", key.len(), bytes.len());
        let mut tail = b"\r\n".to_vec();
        let mut commands = 2;
        if let Some(at) = in_one {
            tail.extend_from_slice(format!("$4\r\nPXAT\r\n${}\r\n{at}\r\n", at.len()).as_bytes());
        } else if let Some(at) = &expires {
            command(&["PEXPIREAT", key, at]).write_packed_command(&mut tail);
            commands += 1;
        }
        let mut remember = command(&["HSET", &self.index, field]);
        remember.arg(record);
        remember.write_packed_command(&mut tail);
        let pieces = [head.as_bytes(), &bytes, &tail];
        let doing = format!("storing {key}");
        let answers = self.client.packed_transaction(&pieces, commands, &doing)?;
        let replaced = answers.first().is_some_and(|answer| *answer == Value::Okay);
        let failed = answers.into_iter().find_map(|answer| answer.extract_error().err());
        match failed {
            None => Ok(()),
            Some(error) => {
                if replaced {
                    self.take_back(key, field);
                }
                Err(cache_error(doing, error))
            }
        }
    }

    fn prolong(&self, key: &str, expires: Option<Timestamp>) -> Result<bool, CacheError> {
        self.prolong_entry(key, expires)
    }

    fn adopt(&self, description: &EntryDescription) -> Result<bool, CacheError> {
        self.adopt_entry(description)
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, CacheError> {
        let doing = format!("reading {key}");
        let mut commands = vec![command(&["HGET", &self.index, self.field(key)?])];
        commands.push(command(&["GET", key]));
        self.ask_deadline(&mut commands, key);
        let mut answers = self.client.transaction(&commands, &doing)?.into_iter();
        let hint = answers.next().ok_or_else(|| self.unexpected(&doing))?;
        let hint = hint.extract_error().map_err(|error| cache_error(doing.as_str(), error))?;
        let (body, length) = match answers.next() {
            None => return Err(self.unexpected(&doing)),
            Some(Value::Nil) => return Ok(None),
            Some(Value::BulkString(body)) => {
                let length = i64::try_from(body.len()).unwrap_or(i64::MAX);
                (body, Value::Int(length))
            }
            // It is of another type.
            Some(other) => (Vec::new(), other),
        };
        let deadline = self.deadline(&mut answers).ok_or_else(|| self.unexpected(&doing))?;
        let description = match index::state(key, bytes(&hint), deadline, &length) {
            EntryState::Absent | EntryState::Expired(_) => return Ok(None),
            EntryState::Ours(known) => match is_as_known(&body, &known) {
                true => Some(known),
                // Without an expiry of ours, other bytes of the same length may well be a whole entry
                // of somebody else.
                false if known.expires.is_none() => {
                    self.forget(key, &hint);
                    let length = body.len() as u64;
                    foreign_json(&body, index::foreign(key, Some(&known), deadline, length))
                }
                false => {
                    self.doubt(key, &hint);
                    None
                }
            },
            EntryState::Foreign(known) => foreign_json(&body, known),
            EntryState::Damaged(_) => None,
        };
        if description.is_none() {
            self.damaged();
        }
        Ok(description.map(|description| Entry { description, body }))
    }

    fn describe(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError> {
        let mut states = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH) {
            states.extend(self.describe_batch(keys)?);
        }
        Ok(states)
    }

    fn delete(&self, keys: &[String]) -> Result<u64, CacheError> {
        self.remove(keys)
    }

    fn list(&self, filter: &EntryFilter) -> Result<Vec<EntryState>, CacheError> {
        let mut states = self.known_states(|key, record| {
            index::description(key, record).map_or(true, |known| filter.matches(&known))
        })?;
        states.retain(|state| state.description().is_none_or(|known| filter.matches(known)));
        states.sort_by(EntryState::compare_by_response);
        Ok(states)
    }

    /// Removes `<prefix>:<64 hex digits>`, the shape of the package's keys; whatever else lies under
    /// the prefix is not a response and stays.
    fn clear(&self) -> Result<u64, CacheError> {
        let doing = "removing all entries";
        let pattern = format!("{}:*", escaped(&self.prefix));
        let mut removed = 0;
        let mut cursor = b"0".to_vec();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
            let (next, found) = scanned(self.client.command(&scan, doing)?)
                .ok_or_else(|| self.unexpected(doing))?;
            let keys: Vec<String> = found
                .into_iter()
                .filter_map(|key| match key {
                    Value::BulkString(key) => String::from_utf8(key).ok(),
                    _ => None,
                })
                .filter(|key| self.field(key).is_ok_and(is_digest))
                .collect();
            removed += self.remove(&keys)?;
            if next == b"0" {
                break;
            }
            cursor = next;
        }
        // What is left in the index has no entry any more, or one that came meanwhile.
        self.known_states(|_, _| true)?;
        Ok(removed)
    }

    /// Counts the entries that have a record; others are found only by asking for their keys.
    fn summary(&self) -> Result<StoreSummary, CacheError> {
        let mut summary = StoreSummary {
            damaged_reads: self.damaged_reads.load(Ordering::Relaxed),
            store: format!("Redis {}, {}", self.version()?, self.client.address()),
            ..StoreSummary::default()
        };
        for state in self.known_states(|_, _| true)? {
            let Some(known) = state.description().filter(|_| state.stands()) else { continue };
            summary.entries += 1;
            summary.plain_bytes += known.plain_length;
            summary.stored_bytes += known.stored_length;
        }
        Ok(summary)
    }
}

impl RedisStore {
    /// The server's version; `?` when it is not ours to ask.
    fn version(&self) -> Result<String, CacheError> {
        let answer = match self.client.command(&command(&["INFO", "server"]), "asking the version")
        {
            Ok(answer) => answer,
            Err(error) if error.kind() == CacheErrorKind::Refused => return Ok("?".to_owned()),
            Err(error) => return Err(error),
        };
        let text = bytes(&answer).map(String::from_utf8_lossy).unwrap_or_default();
        let version = text.lines().find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("?").to_owned())
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisStore")
            .field("address", self.client.address())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

pub(super) fn is_as_known(body: &[u8], known: &EntryDescription) -> bool {
    known.sha256.is_some_and(|sha256| verify(body, known.plain_length, &sha256).is_ok())
}

/// The description of somebody else's body, if that can be served at all.
fn foreign_json(body: &[u8], known: EntryDescription) -> Option<EntryDescription> {
    let sha256 = Some(Sha256::digest(body).into());
    is_json(body).then_some(EntryDescription { sha256, ..known })
}

/// Whether this is what follows the prefix in the package's keys.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `text` as a pattern that only matches itself.
pub(super) fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
