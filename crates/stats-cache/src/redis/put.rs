//! Storing a response with what is known of it, over whatever is there or only over what was seen.

use std::borrow::Cow;

use redis::{ErrorKind, RedisResult, Value};
use sha2::{Digest, Sha256};

use stats_redis::fault;

use super::index;
use super::pieces::Pieces;
use super::reply::{bytes, command};
use super::store::RedisStore;
use crate::{Body, BodyEncoding, CacheError, CacheErrorKind, EntryDescription, EntryState, Seen};

impl RedisStore {
    /// [`CacheStore::put`](crate::CacheStore::put).
    pub(super) fn put_entry(
        &self,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<(), CacheError> {
        let doing = format!("storing {}", description.key);
        let answers = self.in_one(&self.pieces(description, body)?, &doing)?;
        self.stored(&description.key, answers, &doing)
    }

    /// [`CacheStore::put_over`](crate::CacheStore::put_over).
    pub(super) fn put_entry_over(
        &self,
        seen: Seen,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<bool, CacheError> {
        let key = description.key.as_str();
        let pieces = self.pieces(description, body)?;
        // Whether a body is the one that was read only its bytes tell.
        let by_bytes = matches!(seen, Seen::Foreign { sha256: Some(_), .. });
        let length = command(&[if by_bytes { "GET" } else { "STRLEN" }, key]);
        let mut ask = vec![command(&["HGET", self.index(), self.field(key)?]), length];
        self.ask_deadline(&mut ask, key);
        let change = |answers| {
            let there = self.state_of(key, answers)?;
            Ok(seen.gives_way(&there, description, body).then(|| pieces.clone()))
        };
        let doing = format!("storing {key}");
        match self.pieces_unless_changed(Some(key), &ask, change, &doing)? {
            Some(answers) => self.stored(key, answers, &doing).map(|()| true),
            None => Ok(false),
        }
    }

    /// The state of an entry, from its record, its body or the length of that, and its deadline.
    fn state_of(&self, key: &str, answers: Vec<Value>) -> RedisResult<EntryState> {
        let unexpected = || (ErrorKind::UnexpectedReturnType, "no state of an entry");
        let mut answers = answers.into_iter();
        let record = answers.next().ok_or_else(unexpected)?.extract_error()?;
        let (length, sha256) = match answers.next().ok_or_else(unexpected)? {
            Value::BulkString(body) => {
                let length = i64::try_from(body.len()).unwrap_or(i64::MAX);
                (Value::Int(length), Some(Sha256::digest(&body).into()))
            }
            // There is none, or it is of another type.
            other => (other, None),
        };
        let deadline = self.deadline(&mut answers).ok_or_else(unexpected)?;
        Ok(match index::state(key, bytes(&record), deadline, &length) {
            EntryState::Foreign(known) => EntryState::Foreign(EntryDescription { sha256, ..known }),
            state => state,
        })
    }

    /// The commands that store an entry, with the body sent from where it is:
    /// `SET key body [PXAT time]`, and what is known of it.
    fn pieces<'a>(
        &self,
        description: &EntryDescription,
        body: &'a Body,
    ) -> Result<Pieces<'a>, CacheError> {
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
        let mut remember = command(&["HSET", self.index(), field]);
        remember.arg(record);
        remember.write_packed_command(&mut tail);
        let bytes = vec![Cow::Owned(head.into_bytes()), bytes, Cow::Owned(tail)];
        Ok(Pieces { bytes, commands })
    }

    /// Looks at the answers to the commands that store an entry.
    fn stored(&self, key: &str, answers: Vec<Value>, doing: &str) -> Result<(), CacheError> {
        let replaced = answers.first().is_some_and(|answer| *answer == Value::Okay);
        let failed = answers.into_iter().find_map(|answer| answer.extract_error().err());
        match failed {
            None => Ok(()),
            Some(error) => {
                if replaced {
                    self.take_back(key);
                }
                Err(fault(doing, error))
            }
        }
    }

    /// A transaction of Redis is not undone when one of its commands fails: the body was replaced, and
    /// what is recorded of it speaks of the old one. No entry is better than one that nobody can judge.
    fn take_back(&self, key: &str) {
        let Ok(field) = self.field(key) else { return };
        let unlink = command(&["UNLINK", key]);
        let forget = command(&["HDEL", self.index(), field]);
        drop(self.client().transaction(&[unlink, forget], "taking back half of an entry"));
    }
}
