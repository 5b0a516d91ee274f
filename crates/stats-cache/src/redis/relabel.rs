//! What is known of an entry changes and its body does not: entries that live on, and those of
//! others that become ours.

use jiff::Timestamp;
use redis::{Cmd, Value};

use super::index;
use super::reply::{bytes, command};
use super::store::{RedisStore, is_as_known};
use crate::{CacheError, EntryDescription, EntryState};

impl RedisStore {
    /// [`CacheStore::prolong`](crate::CacheStore::prolong).
    pub(super) fn prolong_entry(
        &self,
        key: &str,
        expires: Option<Timestamp>,
    ) -> Result<bool, CacheError> {
        let field = self.field(key)?;
        let mut ask = vec![command(&["HGET", self.index(), field]), command(&["STRLEN", key])];
        self.ask_deadline(&mut ask, key);
        let change = |answers: Vec<Value>| {
            let mut answers = answers.into_iter();
            let (record, length) = (answers.next()?, answers.next()?);
            let deadline = self.deadline(&mut answers)?;
            match index::state(key, bytes(&record), deadline, &length) {
                EntryState::Ours(known) => {
                    let known = EntryDescription { expires, ..known };
                    let record = index::record(&known, known.plain_length, &known.sha256?).ok()?;
                    Some(vec![ends(key, expires), self.recorded(field, &record)])
                }
                EntryState::Foreign(_) => Some(vec![ends(key, expires)]),
                EntryState::Absent | EntryState::Expired(_) | EntryState::Damaged(_) => None,
            }
        };
        self.unless_changed(key, &ask, change, &format!("prolonging {key}"))
    }

    /// [`CacheStore::adopt`](crate::CacheStore::adopt).
    pub(super) fn adopt_entry(&self, description: &EntryDescription) -> Result<bool, CacheError> {
        let key = description.key.as_str();
        let field = self.field(key)?;
        let change = |answers: Vec<Value>| {
            let Some(Value::BulkString(body)) = answers.first() else { return None };
            if !is_as_known(body, description) {
                return None;
            }
            let length = description.plain_length;
            let record = index::record(description, length, &description.sha256?).ok()?;
            Some(vec![ends(key, description.expires), self.recorded(field, &record)])
        };
        let ask = [command(&["GET", key])];
        self.unless_changed(key, &ask, change, &format!("adopting {key}"))
    }

    fn recorded(&self, field: &str, record: &[u8]) -> Cmd {
        let mut remember = command(&["HSET", self.index(), field]);
        remember.arg(record);
        remember
    }
}

fn ends(key: &str, expires: Option<Timestamp>) -> Cmd {
    match expires {
        Some(at) => command(&["PEXPIREAT", key, &at.as_millisecond().to_string()]),
        None => command(&["PERSIST", key]),
    }
}
