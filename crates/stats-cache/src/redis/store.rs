//! The store of responses in Redis.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use redis::{Cmd, Value, cmd};
use sha2::{Digest, Sha256};

use stats_redis::fault;

use super::client::RedisClient;
use super::fence::Fence;
use super::index::{self, Deadline, index_name};
use super::reply::{bytes, command, integer, milliseconds, scanned};
use crate::body::verify;
use crate::response::is_json;
use crate::{
    Body, BodyEncoding, CacheError, CacheErrorKind, CacheStore, Entry, EntryDescription,
    EntryFilter, EntryState, Lease, Seen, StoreSummary,
};

/// How many keys are asked about in one transaction: enough to make the way there cheap, few enough
/// not to keep others waiting.
pub(super) const BATCH: usize = 500;

/// The store of an installation beside a live InvenioRDM: plain JSON under the package's own keys
/// (cache-and-jobs specification, sections 2 to 4). Descriptions lie in a hash of ours outside
/// `<prefix>:*`.
///
/// Redis drops what has expired by itself; such entries are absent.
#[derive(Clone)]
pub struct RedisStore {
    client: Arc<RedisClient>,
    prefix: String,
    index: String,
    /// Whether the server tells expiries as times (Redis 7), not only as what remains.
    pub(super) tells_expiry: bool,
    damaged_reads: Arc<AtomicU64>,
    /// What its writes are held against.
    pub(super) fence: Option<Fence>,
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
            Err(error) => return Err(fault("opening the response store", error)),
            Ok(Some(Value::SimpleString(kind))) if kind != "none" && kind != "hash" => {
                let doing = format!(
                    "the key {index} at {} is a {kind} of somebody else, not our index",
                    client.address()
                );
                return Err(CacheError::new(CacheErrorKind::Damaged, doing));
            }
            Ok(_) => {}
        }
        let damaged_reads = Arc::default();
        Ok(Self { client, prefix, index, tells_expiry, damaged_reads, fence: None })
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
            let answers = self.transact(&[unlink, forget], &doing)?;
            let count = answers.first().and_then(integer);
            removed += count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
        }
        Ok(removed)
    }

    pub(super) fn unexpected(&self, doing: &str) -> CacheError {
        let doing = format!("{doing}: {} answers what Redis does not", self.client.address());
        CacheError::new(CacheErrorKind::Damaged, doing)
    }

    /// Counts a body that cannot be served.
    fn damaged(&self) {
        self.damaged_reads.fetch_add(1, Ordering::Relaxed);
    }
}

impl CacheStore for RedisStore {
    fn fenced(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn CacheStore>, CacheError> {
        Ok(Arc::new(self.fenced_by(lease)?))
    }

    fn encoding(&self) -> BodyEncoding {
        BodyEncoding::Plain
    }

    fn put(&self, description: &EntryDescription, body: &Body) -> Result<(), CacheError> {
        self.put_entry(description, body)
    }

    fn put_over(
        &self,
        seen: Seen,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<bool, CacheError> {
        self.put_entry_over(seen, description, body)
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
        let hint = hint.extract_error().map_err(|error| fault(doing.as_str(), error))?;
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
