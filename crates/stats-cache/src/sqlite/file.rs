//! The file of a store while it is in use: connections to whatever lies at its path now. It may be
//! deleted or replaced at any time.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use stats_model::chain;
use stats_sqlite::{
    Aside, FileIdentity, ReadConnection, Remade, WriteConnection, WriteLimits, file_identity,
};

use super::error::ResultExt;
use super::options::SqliteOptions;
use super::row::{self, Format};
use super::schema::{STORE, carried};
use crate::{CacheError, CacheErrorKind, locked};

/// A file that goes away so often while something is written gets no more tries.
const TRIES: u32 = 3;

/// What may be done with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

pub(super) struct StoreFile {
    path: PathBuf,
    options: SqliteOptions,
    access: Access,
    /// Closed before the writer: whoever closes last has to be able to move the log into the file.
    readers: Mutex<Vec<Reader>>,
    writer: Mutex<Option<WriteConnection>>,
}

struct Reader {
    connection: ReadConnection,
    format: Format,
    file: Option<FileIdentity>,
}

impl StoreFile {
    /// The file, made when it is missing, and set aside before when it is damaged: what it holds can
    /// be made again. `stamp` becomes part of the name under which it then lies.
    pub(super) fn open_to_write(
        path: PathBuf,
        options: SqliteOptions,
        stamp: &str,
    ) -> Result<(Self, Option<Aside>), CacheError> {
        let application_id = STORE.layout.application_id;
        let remade = Remade { path: &path, name: STORE.name, application_id, stamp };
        let (writer, aside) = remade.open(|| {
            let writer = open_writer(&path, &options)?;
            STORE.check(&writer.connection, &path)?;
            Ok(writer)
        })?;
        let writer = Mutex::new(Some(writer));
        let readers = Mutex::default();
        Ok((Self { path, options, access: Access::Write, writer, readers }, aside))
    }

    /// The file that is there, only to read.
    pub(super) fn open_to_read(path: PathBuf, options: SqliteOptions) -> Result<Self, CacheError> {
        let reader = Reader::open(&path, &options)?;
        let (writer, readers) = (Mutex::default(), Mutex::new(vec![reader]));
        Ok(Self { path, options, access: Access::Read, writer, readers })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` as one transaction that no other writer can come between. It is run again when the
    /// file was deleted or replaced meanwhile: what was written lies where nobody finds it.
    pub(super) fn write<T>(
        &self,
        doing: &str,
        work: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        if self.access == Access::Read {
            let doing = format!("{}: it was opened only to read", self.doing(doing));
            return Err(CacheError::new(CacheErrorKind::Refused, doing));
        }
        let mut slot = locked(&self.writer);
        for _ in 0..TRIES {
            let mut writer = match slot.take() {
                Some(writer) => writer,
                None => open_writer(&self.path, &self.options)?,
            };
            let result = run(&mut writer, &work).doing(|| self.doing(doing));
            // Whether the file was still in its place is asked once, afterwards.
            if writer.file == file_identity(&self.path) {
                *slot = Some(writer);
                return result.inspect_err(|error| self.note(error));
            }
        }
        let doing = format!("{}: the file is taken away again and again", self.doing(doing));
        Err(CacheError::new(CacheErrorKind::Unreachable, doing))
    }

    /// Does something outside of transactions with the connection that writes, if there is one.
    pub(super) fn tidy(
        &self,
        doing: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), CacheError> {
        match locked(&self.writer).as_ref() {
            Some(writer) => work(&writer.connection).doing(|| self.doing(doing)),
            None => Ok(()),
        }
    }

    /// Runs `work` on one state of the store: what others write meanwhile is not seen.
    pub(super) fn read<T>(
        &self,
        doing: &str,
        work: impl Fn(&Transaction<'_>, Format) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        for _ in 0..TRIES {
            // Taken in a statement of its own, so that the pool is not locked while one is opened.
            let idle = locked(&self.readers).pop();
            let there = file_identity(&self.path);
            let mut reader = match idle.filter(|reader| reader.file == there) {
                Some(reader) => reader,
                None => Reader::open(&self.path, &self.options)?,
            };
            let result = reader.run(&work);
            if !reader.connection.holds() {
                continue;
            }
            let result = result.doing(|| self.doing(doing));
            let result = result.inspect_err(|error| self.note(error))?;
            let mut readers = locked(&self.readers);
            if readers.len() < self.options.idle_readers {
                readers.push(reader);
            }
            return Ok(result);
        }
        let doing = format!("{}: it changes all the time", self.doing(doing));
        Err(CacheError::new(CacheErrorKind::Busy, doing))
    }

    /// Remembers that the body of an entry cannot be read, unless the entry is another one by now, so
    /// that the next run makes it again. Where nothing may be written, that has to wait.
    pub(super) fn remember_damage(&self, key: &str, sha256: &Value, created: &Value) {
        let note = |transaction: &Transaction<'_>| {
            transaction.execute(
                "UPDATE entries SET format = ?4
                 WHERE key = ?1 AND sha256 IS ?2 AND created IS ?3",
                (key, sha256, created, row::DAMAGED_BODY),
            )
        };
        let noted = match self.access {
            Access::Write => self.write("noting damage", note).ok(),
            Access::Read => open_writer(&self.path, &self.options)
                .ok()
                .and_then(|mut writer| run(&mut writer, &note).ok()),
        };
        if noted == Some(0) {
            self.mark("a description that cannot be found by its key");
        }
    }

    /// Has the next run set the file aside.
    pub(super) fn mark(&self, why: &str) {
        stats_sqlite::mark_damaged(&self.path, why);
    }

    fn note(&self, error: &CacheError) {
        if error.kind() == CacheErrorKind::Damaged {
            self.mark(&chain(error));
        }
    }

    pub(super) fn doing(&self, what: &str) -> String {
        format!("{what} in {}", self.path.display())
    }
}

fn open_writer(path: &Path, options: &SqliteOptions) -> Result<WriteConnection, CacheError> {
    let SqliteOptions { busy_timeout, max_bytes, .. } = *options;
    STORE.open_to_write(path, WriteLimits { busy_timeout, max_bytes })
}

fn run<T>(
    writer: &mut WriteConnection,
    work: &impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = writer.connection.transaction_with_behavior(behavior)?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

impl Reader {
    fn open(path: &Path, options: &SqliteOptions) -> Result<Self, CacheError> {
        let file = file_identity(path);
        let (connection, format) = STORE.open_read_only(path, options.busy_timeout)?;
        Ok(Self { connection, format: carried(format), file })
    }

    fn run<T>(
        &mut self,
        work: &impl Fn(&Transaction<'_>, Format) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let transaction = self.connection.get_mut().transaction()?;
        let result = work(&transaction, self.format)?;
        transaction.finish()?;
        Ok(result)
    }
}
