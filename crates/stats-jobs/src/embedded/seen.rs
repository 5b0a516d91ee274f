//! The file as it is, for whoever only looks.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::file::EmbeddedOptions;
use super::schema::QUEUES;
use crate::QueueError;

/// The file of an [`EmbeddedBroker`](super::EmbeddedBroker), which is only read, also where nothing may
/// be written.
pub struct EmbeddedFile {
    path: PathBuf,
    options: EmbeddedOptions,
}

impl EmbeddedFile {
    /// The file at `path`; `None` when there is none, or one that holds nothing since its making was
    /// broken off. What cannot be looked at is there: each question tells what is wrong with it.
    #[must_use]
    pub fn find(path: &Path, options: EmbeddedOptions) -> Option<Self> {
        let is_missing =
            path.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        let is_there = !is_missing && !QUEUES.is_unmade(path, options.busy_timeout);
        is_there.then(|| Self { path: path.to_owned(), options })
    }

    /// How many messages wait in the queue of this name, those in nobody's hand.
    ///
    /// # Errors
    /// [`Damaged`](crate::QueueErrorKind::Damaged) when the file is something else,
    /// [`NewerFormat`](crate::QueueErrorKind::NewerFormat) when a newer program wrote it, and when it
    /// cannot be read.
    pub fn length(&self, queue: &str, now: Timestamp) -> Result<u64, QueueError> {
        let now = now.as_millisecond();
        self.read(&format!("counting the queue {queue}"), |state| waiting(state, queue, now))
    }

    /// How many messages there are of all queues, in whoever's hand.
    ///
    /// # Errors
    /// As [`length`](Self::length).
    pub fn messages(&self) -> Result<u64, QueueError> {
        let counted = self.read("counting messages", |state| {
            let count = "SELECT count(*) FROM messages";
            state.query_row(count, [], |row| row.get::<_, i64>(0))
        });
        Ok(counted?.unsigned_abs())
    }

    /// What SQLite finds wrong with the file.
    ///
    /// # Errors
    /// As [`length`](Self::length).
    pub fn quick_check(&self) -> Result<Vec<String>, QueueError> {
        self.read("checking everything", |state| stats_sqlite::quick_check(state))
    }

    fn read<T>(
        &self,
        doing: &str,
        work: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, QueueError> {
        let doing = || format!("{doing} in {}", self.path.display());
        QUEUES.read(&self.path, self.options.busy_timeout, doing, work)
    }
}

/// How many messages of a queue are in nobody's hand; `now` in milliseconds since 1970.
pub(super) fn waiting(connection: &Connection, queue: &str, now: i64) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM messages WHERE queue = ?1 AND lease <= ?2";
    let count: i64 =
        connection.prepare_cached(sql)?.query_row(params![queue, now], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
