//! The archive: daily documents on shelves, communities, bookmarks and community events in one
//! SQLite file.
//!
//! Filled from files it is a source of its own; filled from an index it is a mirror, which may be
//! bounded and deleted at any time (change-feed design, section 3). Several processes may read and
//! write one archive at once: readers never wait, writers take turns, batch by batch.
//!
//! What was committed survives a killed process. The format is versioned, and a file of a newer
//! format is refused.
//!
//! * `schema`: the tables, and what makes a file an archive
//! * `packing`, `dictionary`: documents as they are stored
//! * `writer`, `connection`, `shelves`, `entries`: writing, in transactions
//! * `reader`: the questions of a [`source`](crate::source)
//! * `imports`, `running`, `unsettled`: imports that are open, how others see that one runs, and
//!   what they hold back
//! * `versions`: which of two documents is the newer one
//! * `origins`, `remembered`, `eviction`: what a mirror needs: the numbers of documents in their
//!   index, texts of its own, a bound on the size
//! * `remake`: a damaged mirror is set aside and made anew
//! * `sound`: whether tables and indices agree, before anything is believed
//! * `stats`: sizes and counts

mod communities;
mod connection;
mod dictionary;
mod entries;
mod eviction;
mod failure;
mod imports;
mod origins;
mod packing;
mod reader;
mod remake;
mod remembered;
mod running;
mod running_import;
mod schema;
mod shelves;
mod sound;
mod stats;
#[cfg(test)]
mod tests;
mod unsettled;
mod used;
mod versions;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use stats_model::Day;
use stats_sqlite::{FileIdentity, Unchanging, file_identity};

pub use entries::CommunityEvent;
pub(crate) use imports::ImportEnd;
pub use origins::MirrorEntry;
pub(crate) use packing::{PackedDocument, Packer};
pub use remembered::Memory;
pub(crate) use remembered::Remembered;
pub use stats::ArchiveStats;
pub(crate) use versions::CommunityVersion;
pub use writer::{ArchiveWriter, Put};

use self::connection::{Connected, WriteConnection};
use self::dictionary::Dictionaries;
use self::failure::{DoingWithFile, Result};
use self::packing::Unpacker;
use self::schema::Access;
use self::sound::Table;
use crate::{SourceError, SourceErrorKind};

/// How an archive is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// How long a writer waits for another process before it gives up with
    /// [`SourceErrorKind::Busy`].
    pub busy_timeout: Duration,
    /// A writer commits by itself when it holds this many bytes of plain documents.
    pub batch_bytes: u64,
    /// The file may not grow beyond this many bytes; writing more fails with
    /// [`SourceErrorKind::Full`]. `None`: as large as the disk.
    pub limit_bytes: Option<u64>,
    /// Whether reading a shelf is remembered, so that [`Archive::evict_to`] takes the shelves
    /// first that were not read for longest. Only mirrors need it.
    pub track_use: bool,
}

impl Default for ArchiveOptions {
    /// 30 seconds, batches of 32 MiB, no limit, no tracking.
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(30),
            batch_bytes: 32 * 1024 * 1024,
            limit_bytes: None,
            track_use: false,
        }
    }
}

/// An open archive. See the [module](self) for what it is.
///
/// It may be shared between threads; every thread that reads gets a connection of its own.
pub struct Archive {
    path: PathBuf,
    options: ArchiveOptions,
    read_only: bool,
    dictionaries: Arc<Dictionaries>,
    idle: Mutex<Vec<Reader>>,
    /// The tables that were found sound in the file that lies there.
    sound: Mutex<BTreeSet<Table>>,
    /// The connection of the last writer.
    idle_writer: Mutex<Option<WriteConnection>>,
    /// Shelves read since the last time this was written down, with the time of the reading.
    used: Mutex<BTreeMap<i64, i64>>,
    /// Bytes of documents that were committed since the log was last moved into the file.
    logged: AtomicU64,
}

/// A connection to read with, and what it needs to unpack documents.
struct Reader {
    connection: Connection,
    /// The file it is connected to; `None` where that cannot be told.
    file: Option<FileIdentity>,
    /// What it takes for granted about that file.
    unchanging: Unchanging,
    unpacker: Unpacker,
}

impl Reader {
    fn connect(path: &Path, access: Access, options: &ArchiveOptions) -> Result<Self> {
        let Connected { connection, file, unchanging } =
            connection::connected(path, access, options)?;
        Ok(Self { connection, file, unchanging, unpacker: Unpacker::default() })
    }
}

/// So many connections wait for the next question; more are made and closed as needed.
const IDLE_READERS: usize = 4;

impl Archive {
    /// Opens the archive at `path`, to read and to write. A missing or empty file becomes a new
    /// archive that only its owner may read; its folder must exist.
    ///
    /// # Errors
    /// [`SourceErrorKind::Damaged`] for a file that is no archive, [`SourceErrorKind::NewerFormat`]
    /// for one that a newer version wrote, and whatever the file system refuses.
    pub fn open(path: impl Into<PathBuf>, options: ArchiveOptions) -> Result<Self> {
        Self::open_for(path.into(), options, Access::Create)
    }

    /// Opens the existing archive at `path` only to read.
    ///
    /// # Errors
    /// [`SourceErrorKind::NotFound`] when there is no file, else as [`open`](Self::open).
    pub fn open_read_only(path: impl Into<PathBuf>, options: ArchiveOptions) -> Result<Self> {
        Self::open_for(path.into(), options, Access::Read)
    }

    fn open_for(path: PathBuf, options: ArchiveOptions, access: Access) -> Result<Self> {
        let reader = Reader::connect(&path, access, &options)?;
        let dictionaries = Dictionaries::of(&reader.connection).doing("open", &path)?;
        let dictionaries = Arc::new(dictionaries);
        Ok(Self {
            path,
            options,
            read_only: access == Access::Read,
            dictionaries,
            idle: Mutex::new(vec![reader]),
            sound: Mutex::default(),
            idle_writer: Mutex::default(),
            used: Mutex::default(),
            logged: AtomicU64::new(0),
        })
    }

    /// Where the archive lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it was opened.
    #[must_use]
    pub fn options(&self) -> &ArchiveOptions {
        &self.options
    }

    /// Packs documents for [`ArchiveWriter::put_packed`], on any thread.
    #[must_use]
    pub(crate) fn packer(&self) -> Packer {
        Packer::new(self.dictionaries.clone())
    }

    /// Starts writing, on a connection of its own.
    ///
    /// # Errors
    /// [`SourceErrorKind::Refused`] when the archive was opened only to read.
    pub fn writer(&self) -> Result<ArchiveWriter<'_>> {
        if self.read_only {
            let doing =
                format!("write to the archive {}: opened only to read", self.path.display());
            return Err(SourceError::new(SourceErrorKind::Refused, doing));
        }
        ArchiveWriter::new(self)
    }

    /// Asks one question on a connection that nobody else uses meanwhile, to the file that lies at
    /// [`path`](Self::path) now: another process may have put it in the place of the one that was
    /// opened.
    fn with_reader<T>(&self, question: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        let there = file_identity(&self.path);
        let waiting = lock(&self.idle).pop();
        let mut reader = match waiting {
            Some(reader) if reader.file == there && reader.unchanging.holds() => reader,
            Some(_) => {
                self.forget_file();
                self.connect_reader()?
            }
            None => self.connect_reader()?,
        };
        let answer = question(&mut reader);
        if !reader.unchanging.holds() {
            let path = self.path.display();
            let doing = format!("read the archive {path}, to which somebody began to write");
            return Err(SourceError::new(SourceErrorKind::Inconsistent, doing));
        }
        self.mark_if_damaged(&answer);
        // After an error the connection may be in any state.
        if answer.is_ok() && reader.connection.is_autocommit() {
            let mut idle = lock(&self.idle);
            if idle.len() < IDLE_READERS {
                idle.push(reader);
            }
        }
        answer
    }

    fn connect_reader(&self) -> Result<Reader> {
        let access = if self.read_only { Access::Read } else { Access::Write };
        Reader::connect(&self.path, access, &self.options)
    }

    /// Forgets what is about the file that lay in this place before.
    fn forget_file(&self) {
        lock(&self.idle).clear();
        lock(&self.used).clear();
        lock(&self.sound).clear();
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Archive").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A poisoned lock guards plain data here; it is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since 1970, only to order the use of shelves.
fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// A day as the archive writes it: `20250309`.
fn number_of(day: Day) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day_of_month())
}

/// The day that is written as `number`.
fn day_of(number: i64) -> Option<Day> {
    let part = |value: i64| u8::try_from(value % 100).ok();
    Day::new(i16::try_from(number / 10_000).ok()?, part(number / 100)?, part(number)?)
}
