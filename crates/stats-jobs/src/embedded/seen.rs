//! The file as it is, for whoever only looks.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use stats_sqlite::ReadConnection;

use super::error::ResultExt;
use super::file::EmbeddedOptions;
use super::schema::QUEUES;
use crate::QueueError;

/// The file of an [`EmbeddedBroker`](super::EmbeddedBroker), which is only read, also where nothing may
/// be written.
pub struct EmbeddedFile {
    path: PathBuf,
    reader: ReadConnection,
}

impl EmbeddedFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// When there is none, and as [`EmbeddedBroker::open`](super::EmbeddedBroker::open).
    pub fn open(path: impl Into<PathBuf>, options: &EmbeddedOptions) -> Result<Self, QueueError> {
        let path = path.into();
        let (reader, _) = QUEUES.open_read_only(&path, options.busy_timeout)?;
        Ok(Self { path, reader })
    }

    /// Whether there is a file that holds nothing: one whose making was broken off.
    #[must_use]
    pub fn is_unmade(path: &Path, options: &EmbeddedOptions) -> bool {
        QUEUES.is_unmade(path, options.busy_timeout)
    }

    /// How many messages wait in the queue of this name, those in nobody's hand.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn length(&self, queue: &str, now: Timestamp) -> Result<u64, QueueError> {
        waiting(self.reader.get(), queue, now.as_millisecond())
            .doing(|| format!("counting the queue {queue} in {}", self.path.display()))
    }

    /// How many messages there are of all queues, in whoever's hand.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn messages(&self) -> Result<u64, QueueError> {
        let count = |connection: &Connection| {
            let count = "SELECT count(*) FROM messages";
            connection.query_row(count, [], |row| row.get::<_, i64>(0))
        };
        let counted = count(self.reader.get());
        let counted = counted.doing(|| format!("counting messages in {}", self.path.display()))?;
        Ok(counted.unsigned_abs())
    }

    /// What SQLite finds wrong with the file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn quick_check(&self) -> Result<Vec<String>, QueueError> {
        stats_sqlite::quick_check(self.reader.get())
            .doing(|| format!("checking {}", self.path.display()))
    }
}

/// How many messages of a queue are in nobody's hand; `now` in milliseconds since 1970.
pub(super) fn waiting(connection: &Connection, queue: &str, now: i64) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM messages WHERE queue = ?1 AND lease <= ?2";
    let count: i64 =
        connection.prepare_cached(sql)?.query_row(params![queue, now], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
