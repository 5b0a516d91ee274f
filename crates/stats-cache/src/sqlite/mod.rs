//! Responses in one SQLite file, for several threads and processes at once.

mod error;
mod notebook;
mod row;
mod schema;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use self::error::ResultExt;
use crate::body::decode_verified;
use crate::{
    Body, BodyEncoding, CacheError, CacheErrorKind, CacheStore, Clock, Entry, EntryDescription,
    EntryFilter, EntryState, StoreSummary, SystemClock, lock,
};

/// How a [`SqliteStore`] behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How long a call waits for another process that writes, before it is an error of kind
    /// [`CacheErrorKind::Busy`].
    pub busy_timeout: Duration,
    /// How many connections for reading are kept open. More are opened when more threads read.
    pub idle_readers: usize,
    /// The size in bytes that the file may reach; beyond, storing is an error of kind
    /// [`CacheErrorKind::Full`]. `None`: as much as the disk holds.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(10), idle_readers: 4, max_bytes: None }
    }
}

/// The store of an installation without Redis: one SQLite file in WAL mode, readable by its owner
/// only, bodies compressed with zstd.
///
/// Times are kept to the millisecond.
pub struct SqliteStore {
    path: PathBuf,
    options: SqliteOptions,
    clock: Arc<dyn Clock>,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    damaged_reads: AtomicU64,
}

impl SqliteStore {
    /// Opens the file at `path`; makes it when there is none. Its folder must exist.
    ///
    /// # Errors
    /// [`Damaged`](CacheErrorKind::Damaged) when the file is something else,
    /// [`NewerFormat`](CacheErrorKind::NewerFormat) when a newer program wrote it, and when it
    /// cannot be made or opened.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, CacheError> {
        Self::open_with(path, SqliteOptions::default(), Arc::new(SystemClock))
    }

    /// The same with options, and a clock that decides what has expired.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        path: impl Into<PathBuf>,
        options: SqliteOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CacheError> {
        let path = path.into();
        let writer = schema::open(&path, &options)?;
        Ok(Self {
            path,
            options,
            clock,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            damaged_reads: AtomicU64::new(0),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the entries whose lifetime is over, and gives their room back to the file system;
    /// returns how many.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn purge_expired(&self) -> Result<u64, CacheError> {
        let now = self.clock.now().as_millisecond();
        let removed = self.write("removing expired entries", |transaction| {
            transaction.execute(
                "DELETE FROM bodies WHERE entry IN (SELECT id FROM entries WHERE expires <= ?1)",
                [now],
            )?;
            transaction.execute("DELETE FROM entries WHERE expires <= ?1", [now])
        })?;
        self.give_back_room()?;
        Ok(removed as u64)
    }

    /// Runs `work` as one transaction that no other writer can come between.
    fn write<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let mut connection = lock(&self.writer);
        let run = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run().doing(|| self.doing(doing))
    }

    /// Runs `work` on one state of the store: what others write meanwhile is not seen.
    fn read<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        // Taken in a statement of its own, so that the pool is not locked while one is opened.
        let idle = lock(&self.readers).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => schema::connect(&self.path, &self.options)?,
        };
        let run = || {
            let transaction = connection.transaction()?;
            let result = work(&transaction)?;
            transaction.finish()?;
            Ok(result)
        };
        let result = run().doing(|| self.doing(doing))?;
        let mut readers = lock(&self.readers);
        if readers.len() < self.options.idle_readers {
            readers.push(connection);
        }
        Ok(result)
    }

    fn give_back_room(&self) -> Result<(), CacheError> {
        let connection = lock(&self.writer);
        connection
            .prepare("PRAGMA incremental_vacuum")
            .and_then(|mut vacuum| {
                let mut steps = vacuum.query([])?;
                while steps.next()?.is_some() {}
                Ok(())
            })
            .doing(|| self.doing("giving back room"))
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} in {}", self.path.display())
    }

    fn damaged(&self) {
        self.damaged_reads.fetch_add(1, Ordering::Relaxed);
    }
}

impl CacheStore for SqliteStore {
    fn encoding(&self) -> BodyEncoding {
        BodyEncoding::Zstd
    }

    fn put(&self, description: &EntryDescription, body: &Body) -> Result<(), CacheError> {
        let bytes = body.encoded_as(BodyEncoding::Zstd).map_err(|error| {
            let doing = format!("compressing the body of {}", description.key);
            CacheError::caused_by(CacheErrorKind::Refused, doing, error)
        })?;
        self.write(&format!("storing {}", description.key), |transaction| {
            let mut upsert = transaction.prepare_cached(row::UPSERT)?;
            let id = row::upsert(&mut upsert, description, body, bytes.len())?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO bodies (entry, bytes) VALUES (?1, ?2)")?
                .execute(params![id, bytes.as_ref()])?;
            Ok(())
        })
    }

    fn prolong(&self, key: &str, expires: Option<Timestamp>) -> Result<bool, CacheError> {
        self.write(&format!("prolonging {key}"), |transaction| {
            let mut update =
                transaction.prepare_cached("UPDATE entries SET expires = ?2 WHERE key = ?1")?;
            Ok(update.execute(params![key, expires.map(Timestamp::as_millisecond)])? > 0)
        })
    }

    fn adopt(&self, description: &EntryDescription) -> Result<bool, CacheError> {
        self.write(&format!("adopting {}", description.key), |transaction| {
            let mut update = transaction.prepare_cached(row::ADOPT)?;
            row::adopt(&mut update, description)
        })
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, CacheError> {
        let now = self.clock.now();
        let found = self.read(&format!("reading {key}"), |transaction| {
            let mut select = transaction.prepare_cached(&format!(
                "SELECT {}, bytes FROM entries LEFT JOIN bodies ON entry = id WHERE key = ?1",
                row::COLUMNS
            ))?;
            select.query_row([key], |row| Ok(decode(row, now))).optional()
        })?;
        match found {
            None | Some(Ok(None)) => Ok(None),
            Some(Ok(Some(entry))) => Ok(Some(entry)),
            Some(Err(Damage)) => {
                self.damaged();
                Ok(None)
            }
        }
    }

    fn describe(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError> {
        let now = self.clock.now();
        self.read(&format!("describing {} entries", keys.len()), |transaction| {
            let mut select = transaction
                .prepare_cached(&format!("SELECT {} FROM entries WHERE key = ?1", row::COLUMNS))?;
            let mut states = Vec::with_capacity(keys.len());
            for key in keys {
                let state = select.query_row([key], |row| Ok(row::state(row, now))).optional()?;
                states.push(state.unwrap_or(EntryState::Absent));
            }
            Ok(states)
        })
    }

    fn delete(&self, keys: &[String]) -> Result<u64, CacheError> {
        self.write(&format!("removing {} entries", keys.len()), |transaction| {
            let mut entry =
                transaction.prepare_cached("DELETE FROM entries WHERE key = ?1 RETURNING id")?;
            let mut body = transaction.prepare_cached("DELETE FROM bodies WHERE entry = ?1")?;
            let mut removed = 0;
            for key in keys {
                let id: Option<i64> = entry.query_row([key], |row| row.get(0)).optional()?;
                if let Some(id) = id {
                    body.execute([id])?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
    }

    fn list(&self, filter: &EntryFilter) -> Result<Vec<EntryState>, CacheError> {
        let now = self.clock.now();
        let mut states = self.read("listing entries", |transaction| {
            let communities = (!filter.communities.is_empty())
                .then(|| serde_json::Value::from(filter.communities.clone()).to_string());
            let place = match communities {
                Some(_) => "WHERE community IN (SELECT value FROM json_each(?1))",
                None => "WHERE ?1 IS NULL",
            };
            let mut select = transaction
                .prepare_cached(&format!("SELECT {} FROM entries {place}", row::COLUMNS))?;
            let rows = select.query_map([communities], |row| Ok(row::state(row, now)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        states.retain(|state| state.description().is_none_or(|entry| filter.matches(entry)));
        states.sort_by(EntryState::compare_by_response);
        Ok(states)
    }

    fn clear(&self) -> Result<u64, CacheError> {
        let removed = self.write("removing all entries", |transaction| {
            transaction.execute("DELETE FROM bodies", [])?;
            transaction.execute("DELETE FROM entries", [])
        })?;
        self.give_back_room()?;
        Ok(removed as u64)
    }

    fn summary(&self) -> Result<StoreSummary, CacheError> {
        let now = self.clock.now().as_millisecond();
        let mut summary = self.read("adding up entries", |transaction| {
            transaction.query_row(
                "SELECT count(*), count(*) FILTER (WHERE expires <= ?1),
                        coalesce(sum(plain_length), 0), coalesce(sum(stored_length), 0)
                 FROM entries",
                [now],
                |row| {
                    let (all, expired): (u64, u64) = (row.get(0)?, row.get(1)?);
                    Ok(StoreSummary {
                        entries: all - expired,
                        expired,
                        plain_bytes: row.get(2)?,
                        stored_bytes: row.get(3)?,
                        ..StoreSummary::default()
                    })
                },
            )
        })?;
        summary.damaged_reads = self.damaged_reads.load(Ordering::Relaxed);
        summary.store = format!("SQLite {}, {}", rusqlite::version(), self.path.display());
        Ok(summary)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A body that is not the one that was stored.
struct Damage;

/// The entry of a row that ends with the bytes of the body; `None` when its time is over.
fn decode(row: &rusqlite::Row<'_>, now: Timestamp) -> Result<Option<Entry>, Damage> {
    let description = row::describe(row).map_err(|_| Damage)?;
    if row::is_over(&description, now) {
        return Ok(None);
    }
    let sha256 = description.sha256.ok_or(Damage)?;
    let bytes = row.get_ref("bytes").ok().and_then(|bytes| bytes.as_blob().ok()).ok_or(Damage)?;
    let body = decode_verified(BodyEncoding::Zstd, bytes, description.plain_length, &sha256)
        .map_err(|_| Damage)?;
    Ok(Some(Entry { description, body }))
}
