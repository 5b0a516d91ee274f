//! The store of a run, which ends with its lock; and every transaction of a store that depends on what
//! stands there.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use redis::{Cmd, RedisResult, Value};

use stats_redis::fault;

use super::client::packed;
use super::fence::{Fence, Standing};
use super::index::fence_name;
use super::pieces::Pieces;
use super::store::RedisStore;
use super::watched::{Attempt, Watched};
use crate::error::lock_lost;
use crate::{CacheError, CacheErrorKind, Lease};

/// Whoever renews the lock touches it, too: so often a transaction is tried.
const TRIES: u32 = 20;

impl RedisStore {
    /// [`CacheStore::fenced`](crate::CacheStore::fenced).
    pub(super) fn fenced_by(&self, lease: Arc<dyn Lease>) -> Result<Self, CacheError> {
        let address = self.client().address();
        if let Some(lock) = lease.entry().filter(|lock| lock.server == address.server()) {
            let fence = Fence::of_lock(Arc::clone(&lease), lock, address.database);
            let watched = Watched { key: None, fence: Some(&fence) };
            match self.client().attempt(watched, &[], |_| Ok(None), "looking at the lock") {
                Ok(Attempt::Fenced(_)) => return Err(lock_lost("beginning a run")),
                Ok(_) => return Ok(self.behind(fence)),
                // Whoever stores responses may not look at the lock.
                Err(error) if error.kind() == CacheErrorKind::Refused => {}
                Err(error) => return Err(error),
            }
        }
        let fence = Fence::of_key(lease, fence_name(self.prefix()));
        self.raise(&fence)?;
        Ok(self.behind(fence))
    }

    fn behind(&self, fence: Fence) -> Self {
        let mut fenced = self.clone();
        fenced.fence = Some(fence);
        fenced
    }

    /// Names a run as the last one, if it has the lock. That is asked while the name is watched: whoever
    /// is named was the holder when all earlier ones had been named.
    fn raise(&self, fence: &Fence) -> Result<(), CacheError> {
        let doing = "beginning a run";
        for _ in 0..TRIES {
            let held = RefCell::new(Ok(false));
            let change = |_| {
                *held.borrow_mut() = fence.lease().still_held();
                Ok(matches!(*held.borrow(), Ok(true)).then(|| fence.naming()))
            };
            let watched = Watched { key: Some(fence.key()), fence: None };
            match self.client().attempt(watched, &[], change, doing)? {
                Attempt::Done(answers) => return every(answers, doing).map(drop),
                Attempt::Disturbed => {}
                Attempt::Unwanted | Attempt::Fenced(_) => {
                    held.into_inner()?;
                    return Err(lock_lost(doing));
                }
            }
        }
        Err(self.disturbed(doing))
    }

    /// Asks, and runs the commands that `change` makes of the answers as one transaction, unless
    /// somebody wrote to `key` in between; returns the answers to each, errors of single ones too, or
    /// `None` when they were not run.
    pub(super) fn pieces_unless_changed<'a>(
        &self,
        key: Option<&str>,
        ask: &[Cmd],
        change: impl Fn(Vec<Value>) -> RedisResult<Option<Pieces<'a>>>,
        doing: &str,
    ) -> Result<Option<Vec<Value>>, CacheError> {
        let watched = Watched { key, fence: self.fence.as_ref() };
        for _ in 0..TRIES {
            // Elsewhere whoever knows no fence may have the lock, as Python.
            if let Some(fence) = watched.fence.filter(|fence| fence.is_beside_the_lock())
                && !fence.lease().still_held()?
            {
                return Err(lock_lost(doing));
            }
            match (self.client().attempt(watched, ask, &change, doing)?, watched.fence) {
                (Attempt::Done(answers), _) => return Ok(Some(answers)),
                (Attempt::Unwanted, _) | (Attempt::Disturbed, None) => return Ok(None),
                // It may have been the lock that was renewed. What stands is looked at again.
                (Attempt::Disturbed, Some(_)) => {}
                (Attempt::Fenced(Standing::Unnamed), Some(fence)) => self.raise(fence)?,
                (Attempt::Fenced(_), _) => return Err(lock_lost(doing)),
            }
        }
        Ok(None)
    }

    /// The same with commands that all have to succeed; returns whether they were run.
    pub(super) fn unless_changed(
        &self,
        key: &str,
        ask: &[Cmd],
        change: impl Fn(Vec<Value>) -> Option<Vec<Cmd>>,
        doing: &str,
    ) -> Result<bool, CacheError> {
        let change = |answers| Ok(change(answers).map(|commands| pieces(&commands)));
        match self.pieces_unless_changed(Some(key), ask, change, doing)? {
            None => Ok(false),
            Some(answers) => {
                let doing = format!("{doing} at {}", self.client().address());
                every(answers, &doing).map(|_| true)
            }
        }
    }

    /// Runs commands as one transaction, whatever stands there.
    pub(super) fn in_one(
        &self,
        pieces: &Pieces<'_>,
        doing: &str,
    ) -> Result<Vec<Value>, CacheError> {
        if self.fence.is_none() {
            let bytes: Vec<&[u8]> = pieces.bytes.iter().map(AsRef::as_ref).collect();
            return self.client().packed_transaction(&bytes, pieces.commands, doing);
        }
        let done = self.pieces_unless_changed(None, &[], |_| Ok(Some(pieces.clone())), doing)?;
        done.ok_or_else(|| self.disturbed(doing))
    }

    /// The same with commands that remove or take notes, all of which have to succeed.
    pub(super) fn transact(&self, commands: &[Cmd], doing: &str) -> Result<Vec<Value>, CacheError> {
        let answers = match self.fence {
            None => self.client().transaction(commands, doing),
            Some(_) => self.in_one(&pieces(commands), doing),
        };
        every(answers?, doing)
    }

    fn disturbed(&self, doing: &str) -> CacheError {
        let doing = format!("{doing}: somebody writes to {} all the time", self.client().address());
        CacheError::new(CacheErrorKind::Busy, doing)
    }
}

fn pieces(commands: &[Cmd]) -> Pieces<'static> {
    Pieces { bytes: vec![Cow::Owned(packed(commands))], commands: commands.len() }
}

/// The answers, if none is an error.
fn every(answers: Vec<Value>, doing: &str) -> Result<Vec<Value>, CacheError> {
    let answers = answers.into_iter().map(Value::extract_error);
    answers.collect::<RedisResult<_>>().map_err(|error| fault(doing, error))
}
