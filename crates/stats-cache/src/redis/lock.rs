//! The lock of bulk runs, as the Python package stores it (cache-and-jobs specification, section 9).

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use redis::{Value, cmd};
use serde::{Deserialize, Serialize};
use stats_model::{Clock, SystemClock};
use uuid::Uuid;

use super::client::RedisClient;
use super::reply::{bytes, command, integer};
use crate::lock::{BulkLock, Ends, Lease, LockEntry, LockHolder, Who};
use crate::{CacheError, locked};

/// What Python writes around a text of 36 bytes: `!`, then a pickle of protocol 5 with one frame.
const BEFORE_TOKEN: &[u8] = b"!\x80\x05\x95\x28\0\0\0\0\0\0\0\x8c\x24";
const AFTER_TOKEN: &[u8] = b"\x94.";

/// The key beside the lock is named as an argument, and what is done with it may fail: a user who may
/// do nothing there still has the lock.
const RENEW: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.pcall('PEXPIRE', ARGV[2], ARGV[3])
    return redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 0";

const RELEASE: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.pcall('DEL', ARGV[2])
    return redis.call('DEL', KEYS[1])
end
return 0";

/// Says beside the lock who holds it.
const TELL: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.pcall('SET', ARGV[2], ARGV[4], 'PX', ARGV[3])
end
return 1";

/// Redis 7 tells which rights there are without using them; before, that scripts run has to do.
const PROVE: &str = "
if redis.acl_check_cmd then
    for _, name in ipairs({'GET', 'PEXPIRE', 'DEL'}) do
        if not redis.acl_check_cmd(name, KEYS[1]) then
            return redis.error_reply('NOPERM this user may not run ' .. name .. ' on ' .. KEYS[1])
        end
    end
end
return 1";

/// A lock in the main cache of an instance. Whoever holds it, also a Python worker, is the only one to
/// run in bulk.
#[derive(Clone)]
pub struct RedisLock {
    client: Arc<RedisClient>,
    key: String,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

impl RedisLock {
    /// The lock called `name` (`community_stats_cache_generation`) in the main cache, whose keys begin
    /// with `key_prefix` (`CACHE_KEY_PREFIX`, `cache::`). Unless it is renewed, it ends after
    /// `lifetime`, which is kept to the millisecond: how long a killed holder blocks everybody.
    #[must_use]
    pub fn new(client: Arc<RedisClient>, key_prefix: &str, name: &str, lifetime: Duration) -> Self {
        let lifetime = lifetime.max(Duration::from_millis(1));
        let (key, clock) = (format!("{key_prefix}lock:{name}"), Arc::new(SystemClock));
        Self { client, key, lifetime, clock }
    }

    /// Tells by `clock` how much of a lease is left; otherwise by the system's.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The lock holds without it.
    fn tell(&self, token: &str, value: &[u8], now: Timestamp) {
        let word = Word { token: token.to_owned(), who: Who::this_process(now) };
        let Ok(word) = serde_json::to_vec(&word) else { return };
        let mut eval = cmd("EVAL");
        eval.arg(TELL).arg(1).arg(&self.key).arg(value).arg(self.word_key());
        eval.arg(self.milliseconds()).arg(word);
        drop(self.client.command(&eval, &format!("saying who holds the lock {}", self.key)));
    }

    /// Where it is said who holds the lock.
    fn word_key(&self) -> String {
        format!("{}:holder", self.key)
    }

    /// Proves that the lock can be given back and renewed, without touching it.
    ///
    /// # Errors
    /// When the server cannot answer, or a right is missing.
    pub fn prove(&self) -> Result<(), CacheError> {
        let mut eval = cmd("EVAL");
        eval.arg(PROVE).arg(1).arg(&self.key);
        self.client.command(&eval, &format!("preparing to give back the lock {}", self.key))?;
        Ok(())
    }

    /// What the holder with this token says of itself, if it does.
    fn word_of(&self, token: &str) -> Option<Who> {
        let read = command(&["GET", &self.word_key()]);
        let word = self.client.command(&read, "reading who holds the lock").ok()?;
        let word: Word = serde_json::from_slice(bytes(&word)?).ok()?;
        (word.token == token).then_some(word.who)
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX)
    }

    /// Runs a script that does something if the lock has this value; returns whether it did.
    fn if_held(
        &self,
        script: &str,
        value: &[u8],
        argument: Option<u64>,
        doing: &str,
    ) -> Result<bool, CacheError> {
        let mut eval = cmd("EVAL");
        eval.arg(script).arg(1).arg(&self.key).arg(value).arg(self.word_key());
        if let Some(argument) = argument {
            eval.arg(argument);
        }
        let answer = self.client.command(&eval, &format!("{doing} the lock {}", self.key))?;
        Ok(integer(&answer) == Some(1))
    }
}

impl fmt::Debug for RedisLock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisLock")
            .field("key", &self.key)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl BulkLock for RedisLock {
    fn name(&self) -> String {
        self.key.clone()
    }

    /// It is taken only where it can be given back: whoever may not run the script for that would
    /// block everybody. `now` is told beside the lock.
    fn acquire(&self, now: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError> {
        self.prove()?;
        let token = Uuid::new_v4().to_string();
        let value = stored(&token);
        let doing = format!("taking the lock {}", self.key);
        let taken_at = self.clock.monotonic();
        let mut take = command(&["SET", &self.key]);
        take.arg(&value).arg("NX").arg("PX").arg(self.milliseconds());
        if self.client.command(&take, &doing)? == Value::Nil {
            // Ours, when the answer to a first try was lost with its connection.
            let value_now = self.client.command(&command(&["GET", &self.key]), &doing)?;
            if bytes(&value_now) != Some(&value) {
                return Ok(None);
            }
        }
        self.tell(&token, &value, now);
        let renewed = Mutex::new(Some(taken_at));
        Ok(Some(Box::new(HeldLock { lock: self.clone(), token, value, renewed, joined: false })))
    }

    fn join(&self, token: &str) -> Result<Option<Box<dyn Lease>>, CacheError> {
        let (value, renewed) = (stored(token), Mutex::new(Some(self.clock.monotonic())));
        let (lock, token) = (self.clone(), token.to_owned());
        let lease = HeldLock { lock, token, value, renewed, joined: true };
        Ok(lease.still_held()?.then(|| Box::new(lease) as Box<dyn Lease>))
    }

    fn holder(&self) -> Result<Option<LockHolder>, CacheError> {
        let asked = [command(&["GET", &self.key]), command(&["PTTL", &self.key])];
        let answers = self.client.transaction(&asked, &format!("reading the lock {}", self.key))?;
        let [value, remaining] = answers.as_slice() else { return Ok(None) };
        let remaining = integer(remaining).unwrap_or(-2);
        if remaining == -2 {
            return Ok(None);
        }
        let token = bytes(value).and_then(token_of);
        let who = token.as_ref().and_then(|token| self.word_of(token));
        let ends = match u64::try_from(remaining) {
            Ok(remaining) => Ends::In(Duration::from_millis(remaining)),
            Err(_) => Ends::Never,
        };
        Ok(Some(LockHolder { token, who, ends }))
    }

    fn take_away(
        &self,
        may: &dyn Fn(&LockHolder) -> bool,
    ) -> Result<Option<LockHolder>, CacheError> {
        let doing = format!("reading the lock {}", self.key);
        let value = self.client.command(&command(&["GET", &self.key]), &doing)?;
        let (Some(holder), Some(value)) = (self.holder()?, bytes(&value)) else { return Ok(None) };
        if may(&holder) {
            self.if_held(RELEASE, value, None, "taking away")?;
        }
        Ok(Some(holder))
    }
}

/// What a holder says of itself.
#[derive(Serialize, Deserialize)]
struct Word {
    token: String,
    #[serde(flatten)]
    who: Who,
}

/// A lock that was taken, here or by the run that is worked for.
struct HeldLock {
    lock: RedisLock,
    token: String,
    value: Vec<u8>,
    /// When it was taken or renewed, by the reading of the clock that never goes back; `None` when it
    /// is known to be lost or was released. Once its lifetime is over, it is not set again.
    renewed: Mutex<Option<Duration>>,
    /// Whether another process took it: that one renews it and gives it back.
    joined: bool,
}

impl HeldLock {
    /// Whether it stands there with our value.
    fn stands(&self) -> Result<bool, CacheError> {
        let doing = format!("reading the lock {}", self.lock.key);
        let value = self.lock.client.command(&command(&["GET", &self.lock.key]), &doing)?;
        Ok(bytes(&value) == Some(&self.value))
    }

    fn lease_since(&self, renewed: Option<Duration>) -> Duration {
        let Some(renewed) = renewed else { return Duration::ZERO };
        let past = self.lock.clock.monotonic().saturating_sub(renewed);
        self.lock.lifetime.saturating_sub(past)
    }
}

impl Lease for HeldLock {
    fn token(&self) -> &str {
        &self.token
    }

    fn entry(&self) -> Option<LockEntry> {
        let (address, key) = (self.lock.client.address(), self.lock.key.clone());
        let (server, database) = (address.server(), address.database);
        Some(LockEntry { server, database, key, value: self.value.clone() })
    }

    /// The lock ended, was cleared, or is somebody else's when it is lost. It is not taken again, and
    /// an answer that comes after the end of the lease revives nothing: whoever looked meanwhile took
    /// it for lost.
    fn renew(&self) -> Result<bool, CacheError> {
        if self.lease_left().is_zero() {
            return Ok(false);
        }
        let asked_at = self.lock.clock.monotonic();
        let held = if self.joined {
            self.stands()?
        } else {
            let lifetime = Some(self.lock.milliseconds());
            self.lock.if_held(RENEW, &self.value, lifetime, "renewing")?
        };
        let mut renewed = locked(&self.renewed);
        if self.lease_since(*renewed).is_zero() {
            return Ok(false);
        }
        *renewed = held.then_some(asked_at);
        Ok(held)
    }

    fn still_held(&self) -> Result<bool, CacheError> {
        let held = self.stands()?;
        if !held {
            *locked(&self.renewed) = None;
        }
        Ok(held)
    }

    fn lease_left(&self) -> Duration {
        self.lease_since(*locked(&self.renewed))
    }

    /// Where the server cannot answer, the lock ends by itself.
    fn release(&self) -> Result<bool, CacheError> {
        *locked(&self.renewed) = None;
        if self.joined {
            return self.stands();
        }
        self.lock.if_held(RELEASE, &self.value, None, "releasing")
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        if !self.joined && locked(&self.renewed).is_some() {
            // Without success it ends by itself.
            let _ = self.lock.if_held(RELEASE, &self.value, None, "releasing");
        }
    }
}

/// The stored form of a token.
fn stored(token: &str) -> Vec<u8> {
    [BEFORE_TOKEN, token.as_bytes(), AFTER_TOKEN].concat()
}

/// The token in a stored value. Compared byte by byte: a pickle is a program, and never run.
fn token_of(value: &[u8]) -> Option<String> {
    let token = value.strip_prefix(BEFORE_TOKEN)?.strip_suffix(AFTER_TOKEN)?;
    let is_token = token.len() == 36 && token.iter().all(u8::is_ascii_graphic);
    is_token.then(|| String::from_utf8_lossy(token).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_is_the_recorded_one() {
        let recorded: serde_json::Value =
            serde_json::from_str(include_str!("../../../../fixtures/lock-value.json")).unwrap();
        let token = recorded["token"].as_str().unwrap();
        let value = stored(token);
        assert_eq!(crate::key::hex(&value), recorded["value_hex"].as_str().unwrap());
        assert_eq!(token_of(&value).as_deref(), Some(token));
        assert_eq!(token_of(b"!cos\nsystem\n(S'true'\ntR."), None);
        assert_eq!(token_of(b""), None);
    }
}
