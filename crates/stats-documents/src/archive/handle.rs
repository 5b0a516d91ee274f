//! An open archive and its connections to read with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use stats_sqlite::{FileIdentity, Unchanging, file_identity};

use super::checks::Table;
use super::connection::{Connected, Watched, WriteConnection, connected};
use super::dictionary::Dictionaries;
use super::failure::{DoingWithFile, Result};
use super::options::ArchiveOptions;
use super::packing::{Packer, Unpacker};
use super::schema::Access;
use crate::locked::lock;
use crate::{Amiss, SourceError, SourceErrorKind};

/// An open archive. See the [module](super) for what it is.
///
/// It may be shared between threads; every thread that reads gets a connection of its own.
pub struct Archive {
    pub(super) path: PathBuf,
    pub(super) options: ArchiveOptions,
    pub(super) read_only: bool,
    pub(super) dictionaries: Arc<Dictionaries>,
    pub(super) idle: Mutex<Vec<Reader>>,
    /// The tables that were found sound in the file that lies there.
    pub(super) sound: Mutex<BTreeSet<Table>>,
    /// The connection of the last writer.
    pub(super) idle_writer: Mutex<Option<WriteConnection>>,
    /// Shelves read since the last time this was written down, with the time of the reading.
    pub(super) used: Mutex<BTreeMap<i64, i64>>,
    /// Bytes of documents that were committed since the log was last moved into the file.
    pub(super) logged: AtomicU64,
    pub(super) watched: Mutex<Watched>,
}

/// A connection to read with, and what it needs to unpack documents.
pub(super) struct Reader {
    pub(super) connection: Connection,
    /// The file it is connected to; `None` where that cannot be told.
    pub(super) file: Option<FileIdentity>,
    /// What it takes for granted about that file.
    pub(super) unchanging: Unchanging,
    pub(super) unpacker: Unpacker,
}

impl Reader {
    pub(super) fn connect(path: &Path, access: Access, options: &ArchiveOptions) -> Result<Self> {
        let Connected { connection, file, unchanging } = connected(path, access, options)?;
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
    /// [`Amiss::NotFound`](crate::Amiss::NotFound) when there is no file, else as [`open`](Self::open).
    pub fn open_read_only(path: impl Into<PathBuf>, options: ArchiveOptions) -> Result<Self> {
        Self::open_for(path.into(), options, Access::Read)
    }

    pub(super) fn open_for(path: PathBuf, options: ArchiveOptions, access: Access) -> Result<Self> {
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
            watched: Mutex::default(),
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

    /// Packs documents for [`ArchiveWriter::put_packed`](super::ArchiveWriter::put_packed), on any thread.
    #[must_use]
    pub(crate) fn packer(&self) -> Packer {
        Packer::new(self.dictionaries.clone())
    }

    /// Asks one question on a connection that nobody else uses meanwhile, to the file that lies at
    /// [`path`](Self::path) now: another process may have put it in the place of the one that was
    /// opened.
    pub(super) fn with_reader<T>(
        &self,
        question: impl FnOnce(&mut Reader) -> Result<T>,
    ) -> Result<T> {
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
            return Err(SourceError::new(SourceErrorKind::Own(Amiss::Inconsistent), doing));
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

    pub(super) fn connect_reader(&self) -> Result<Reader> {
        let access = if self.read_only { Access::Read } else { Access::Write };
        Reader::connect(&self.path, access, &self.options)
    }

    /// Forgets what is about the file that lay in this place before.
    pub(super) fn forget_file(&self) {
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
