//! Responses in one SQLite file, for several threads and processes at once.

mod error;
mod fence;
mod fenced;
mod file;
mod notebook;
mod options;
mod row;
mod schema;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Transaction, params};
use stats_model::{Clock, SystemClock};
use stats_sqlite::Aside;

use self::fence::Fence;
use self::file::StoreFile;
pub use self::options::SqliteOptions;
use self::row::Format;
use crate::body::decode_verified;
use crate::{
    Body, BodyEncoding, CacheError, CacheErrorKind, CacheStore, Entry, EntryDescription,
    EntryFilter, EntryState, Lease, Seen, StoreSummary,
};

/// The store of an installation without Redis: one SQLite file in WAL mode, readable by its owner
/// only, bodies compressed with zstd.
///
/// Times are kept to the millisecond. The file may be deleted at any time, also while it is in use:
/// what is stored afterwards lies in a new one. A damaged one is set aside by whoever opens it to
/// write; what an altered bit makes unreadable in it is damaged or absent, and never another response.
#[derive(Clone)]
pub struct SqliteStore {
    file: Arc<StoreFile>,
    clock: Arc<dyn Clock>,
    damaged_reads: Arc<AtomicU64>,
    aside: Option<Aside>,
    fence: Option<Fence>,
}

impl SqliteStore {
    /// Opens the file at `path`; makes it when there is none, and when a damaged one had to be
    /// [set aside](Self::set_aside). Its folder must exist.
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
        let stamp = clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let (file, aside) = StoreFile::open_to_write(path.into(), options, &stamp)?;
        Ok(Self { aside, ..Self::of(file, clock) })
    }

    /// Opens the file that is at `path` only to read: also on a full disk, on a read-only file system
    /// and for a user who may not write.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Damaged`](CacheErrorKind::Damaged) when it cannot be read.
    pub fn open_read_only(
        path: impl Into<PathBuf>,
        options: SqliteOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CacheError> {
        Ok(Self::of(StoreFile::open_to_read(path.into(), options)?, clock))
    }

    fn of(file: StoreFile, clock: Arc<dyn Clock>) -> Self {
        let (file, damaged_reads) = (Arc::new(file), Arc::default());
        Self { file, clock, damaged_reads, aside: None, fence: None }
    }

    /// Whether the file at `path` is there and holds nothing at all, as one does whose making was
    /// broken off, by a full disk for example: an empty store to whoever reads.
    #[must_use]
    pub fn is_unmade(path: &Path) -> bool {
        schema::STORE.is_unmade(path, SqliteOptions::default().busy_timeout)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The damaged file that was set aside when the store was opened, if there was one.
    #[must_use]
    pub const fn set_aside(&self) -> Option<&Aside> {
        self.aside.as_ref()
    }

    /// What SQLite finds wrong with the file, in a few lines; empty when nothing. Reads all of it.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn quick_check(&self) -> Result<Vec<String>, CacheError> {
        self.file
            .read("checking everything", |transaction, _| stats_sqlite::quick_check(transaction))
    }

    /// Removes the entries whose lifetime is over, and gives their room back to the file system;
    /// returns how many.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn purge_expired(&self) -> Result<u64, CacheError> {
        let now = self.clock.now().as_millisecond();
        let removed = self.file.write("removing expired entries", |transaction| {
            transaction.execute(
                "DELETE FROM bodies WHERE entry IN (SELECT id FROM entries WHERE expires <= ?1)",
                [now],
            )?;
            transaction.execute("DELETE FROM entries WHERE expires <= ?1", [now])
        })?;
        self.give_back_room()?;
        Ok(removed as u64)
    }

    /// Stores an entry, if that `may` be done as things are in the same transaction; returns whether it
    /// was.
    fn put_if(
        &self,
        description: &EntryDescription,
        body: &Body,
        may: impl Fn(&Transaction<'_>) -> rusqlite::Result<bool>,
    ) -> Result<bool, CacheError> {
        let bytes = body.encoded_as(BodyEncoding::Zstd).map_err(|error| {
            let doing = format!("compressing the body of {}", description.key);
            CacheError::caused_by(CacheErrorKind::Refused, doing, error)
        })?;
        self.write(&format!("storing {}", description.key), |transaction| {
            if !may(transaction)? {
                return Ok(false);
            }
            let mut upsert = transaction.prepare_cached(row::UPSERT)?;
            let id = row::upsert(&mut upsert, description, body, bytes.len())?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO bodies (entry, bytes) VALUES (?1, ?2)")?
                .execute(params![id, bytes.as_ref()])?;
            Ok(true)
        })
    }

    fn give_back_room(&self) -> Result<(), CacheError> {
        self.file.tidy("giving back room", |connection| {
            let mut vacuum = connection.prepare("PRAGMA incremental_vacuum")?;
            let mut steps = vacuum.query([])?;
            while steps.next()?.is_some() {}
            Ok(())
        })
    }
}

impl CacheStore for SqliteStore {
    fn fenced(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn CacheStore>, CacheError> {
        Ok(Arc::new(self.fenced_by(lease)?))
    }

    fn encoding(&self) -> BodyEncoding {
        BodyEncoding::Zstd
    }

    fn put(&self, description: &EntryDescription, body: &Body) -> Result<(), CacheError> {
        self.put_if(description, body, |_| Ok(true)).map(drop)
    }

    fn put_over(
        &self,
        seen: Seen,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<bool, CacheError> {
        let now = self.clock.now();
        self.put_if(description, body, |transaction| {
            let mut select = row::select_by_key(transaction, Format::Checked)?;
            let there = row::state_for(&mut select, Format::Checked, &description.key, now)?;
            Ok(seen.gives_way(&there, description, body))
        })
    }

    fn prolong(&self, key: &str, expires: Option<Timestamp>) -> Result<bool, CacheError> {
        self.write(&format!("prolonging {key}"), |transaction| {
            row::change(transaction, key, |transaction| {
                transaction
                    .prepare_cached("UPDATE entries SET expires = ?2 WHERE key = ?1")?
                    .execute(params![key, expires.map(Timestamp::as_millisecond)])
            })
        })
    }

    fn adopt(&self, description: &EntryDescription) -> Result<bool, CacheError> {
        self.write(&format!("adopting {}", description.key), |transaction| {
            row::change(transaction, &description.key, |transaction| {
                row::adopt(transaction, description)
            })
        })
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, CacheError> {
        let now = self.clock.now();
        let found = self.file.read(&format!("reading {key}"), |transaction, format| {
            let mut select = transaction.prepare_cached(&format!(
                "SELECT {}, bytes FROM entries LEFT JOIN bodies ON entry = id WHERE key = ?1",
                row::columns(format)
            ))?;
            select.query_row([key], |row| Ok(decode(row, format, key, now))).optional()
        })?;
        let damage = match found {
            None | Some(Ok(None)) => return Ok(None),
            Some(Ok(Some(entry))) => return Ok(Some(entry)),
            Some(Err(damage)) => damage,
        };
        self.damaged_reads.fetch_add(1, Ordering::Relaxed);
        match damage {
            Damage::Body { sha256, created } => self.file.remember_damage(key, &sha256, &created),
            Damage::Index => self.file.mark(row::OTHER_ROW),
            Damage::Description => {}
        }
        Ok(None)
    }

    fn describe(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError> {
        let now = self.clock.now();
        self.file.read(&format!("describing {} entries", keys.len()), |transaction, format| {
            let mut select = row::select_by_key(transaction, format)?;
            let mut states = Vec::with_capacity(keys.len());
            for key in keys {
                states.push(row::state_for(&mut select, format, key, now)?);
            }
            Ok(states)
        })
    }

    fn absent(&self, keys: &[String]) -> Result<Vec<String>, CacheError> {
        self.file.read(&format!("looking for {} entries", keys.len()), |transaction, _| {
            let mut select = transaction.prepare_cached("SELECT 1 FROM entries WHERE key = ?1")?;
            let mut absent = Vec::new();
            for key in keys {
                if !select.exists([key])? {
                    absent.push(key.clone());
                }
            }
            Ok(absent)
        })
    }

    fn unreadable(&self, keys: &[String]) -> Result<Vec<String>, CacheError> {
        self.file.read(&format!("measuring {} bodies", keys.len()), |transaction, _| {
            let mut select = transaction.prepare_cached(
                "SELECT coalesce(length(bytes), -1) = stored_length
                 FROM entries LEFT JOIN bodies ON entry = id WHERE key = ?1",
            )?;
            let mut unreadable = Vec::new();
            for key in keys {
                if select.query_row([key], |row| row.get(0)).optional()? == Some(false) {
                    unreadable.push(key.clone());
                }
            }
            Ok(unreadable)
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
        let mut states = self.file.read("listing entries", |transaction, format| {
            let communities = (!filter.communities.is_empty())
                .then(|| serde_json::Value::from(filter.communities.clone()).to_string());
            let place = match communities {
                Some(_) => "WHERE community IN (SELECT value FROM json_each(?1))",
                None => "WHERE ?1 IS NULL",
            };
            let mut select = transaction
                .prepare_cached(&format!("SELECT {} FROM entries {place}", row::columns(format)))?;
            let state = |row: &rusqlite::Row<'_>| Ok(row::state(row::describe(row, format), now));
            let rows = select.query_map([communities], state)?;
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
        let mut summary = self.file.read("adding up entries", |transaction, _| {
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
        summary.store = format!("SQLite {}, {}", rusqlite::version(), self.path().display());
        Ok(summary)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqliteStore").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// What is wrong with an entry that was found for a key.
enum Damage {
    /// The body is not the one that was stored with this description.
    Body { sha256: Value, created: Value },
    /// The description is not as it was written.
    Description,
    /// It is the entry of another key.
    Index,
}

/// The entry of a row that ends with the bytes of the body; `None` when its time is over.
fn decode(
    row: &rusqlite::Row<'_>,
    format: Format,
    key: &str,
    now: Timestamp,
) -> Result<Option<Entry>, Damage> {
    if row.get_ref("key").ok().and_then(|found| found.as_str().ok()) != Some(key) {
        return Err(Damage::Index);
    }
    let description = row::describe(row, format).map_err(|_| Damage::Description)?;
    if row::is_over(&description, now) {
        return Ok(None);
    }
    match body(row, &description) {
        Some(body) => Ok(Some(Entry { description, body })),
        None => {
            let column = |name| row.get(name).unwrap_or(Value::Null);
            Err(Damage::Body { sha256: column("sha256"), created: column("created") })
        }
    }
}

fn body(row: &rusqlite::Row<'_>, description: &EntryDescription) -> Option<Vec<u8>> {
    let bytes = row.get_ref("bytes").ok()?.as_blob().ok()?;
    let (length, sha256) = (description.plain_length, description.sha256.as_ref()?);
    decode_verified(BodyEncoding::Zstd, bytes, length, sha256).ok()
}
