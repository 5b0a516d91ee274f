//! What the writes of a run are held against: the lock itself where it is on the same server, whoever
//! takes it; else a key of ours that names the last run.

use std::borrow::Cow;
use std::sync::Arc;

use redis::{Cmd, ErrorKind, RedisResult, Value};

use super::client::packed;
use super::pieces::Pieces;
use super::reply::{bytes, command};
use crate::lock::{Lease, LockEntry};

/// A key that has to have a certain value.
#[derive(Clone)]
pub(super) struct Fence {
    lease: Arc<dyn Lease>,
    key: String,
    value: Vec<u8>,
    /// Whether the key is ours, and not the lock.
    is_ours: bool,
    /// The database of the key and that of the connection, where they differ.
    databases: Option<(i64, i64)>,
}

/// What a look at a fence came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The run may write.
    Open,
    /// The lock is lost.
    Closed,
    /// Nothing tells which run was the last one.
    Unnamed,
}

impl Fence {
    /// The lock itself, looked at by connections to `database` of its server.
    pub(super) fn of_lock(lease: Arc<dyn Lease>, lock: LockEntry, database: i64) -> Self {
        let databases = (lock.database != database).then_some((lock.database, database));
        Self { lease, key: lock.key, value: lock.value, is_ours: false, databases }
    }

    /// A key of ours beside the responses.
    pub(super) fn of_key(lease: Arc<dyn Lease>, key: String) -> Self {
        let value = lease.token().as_bytes().to_vec();
        Self { lease, key, value, is_ours: true, databases: None }
    }

    pub(super) fn lease(&self) -> &dyn Lease {
        self.lease.as_ref()
    }

    /// Whether it is a key of ours, which only our runs touch.
    pub(super) const fn is_beside_the_lock(&self) -> bool {
        self.is_ours
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// What names this run as the last one.
    pub(super) fn naming(&self) -> Pieces<'static> {
        let mut set = command(&["SET", &self.key]);
        set.arg(&self.value);
        Pieces { bytes: vec![Cow::Owned(packed(&[set]))], commands: 1 }
    }

    /// The commands that watch it and look at it. A key stays watched in the database in which it was.
    pub(super) fn look(&self) -> Vec<Cmd> {
        let select = |database: i64| command(&["SELECT", &database.to_string()]);
        let (there, here) = self.databases.unzip();
        let look = [command(&["WATCH", &self.key]), command(&["GET", &self.key])];
        there.map(select).into_iter().chain(look).chain(here.map(select)).collect()
    }

    /// Takes the answers to [`look`](Self::look).
    pub(super) fn standing(&self, answers: Vec<Value>) -> RedisResult<Standing> {
        if self.databases.is_some() && matches!(answers.last(), Some(Value::ServerError(_)) | None)
        {
            // An error that ends the connection: it is in a database in which nobody expects it.
            return Err((ErrorKind::Io, "the database cannot be chosen again").into());
        }
        let value = usize::from(self.databases.is_some()) + 1;
        let answers: Vec<Value> =
            answers.into_iter().map(Value::extract_error).collect::<RedisResult<_>>()?;
        Ok(match answers.get(value).and_then(bytes) {
            _ if self.lease.lease_left().is_zero() => Standing::Closed,
            Some(value) if value == self.value => Standing::Open,
            None if self.is_ours => Standing::Unnamed,
            _ => Standing::Closed,
        })
    }
}
