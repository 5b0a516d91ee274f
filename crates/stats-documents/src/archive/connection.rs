//! Connections and the files they lead to; and the connection to write with, which one writer takes
//! over from the other: opening one costs more than writing a small shelf.

use std::ops::Deref;
use std::path::Path;

use rusqlite::Connection;
use stats_sqlite::{FileIdentity, Unchanging, file_identity, limit_size};

use super::failure::{DoingWithFile, Result};
use super::schema::{self, Access};
use super::{Archive, ArchiveOptions, lock};

/// A connection that waits for the next writer.
#[derive(Debug)]
pub(crate) struct WriteConnection {
    connection: Connection,
    /// The file it is connected to; `None` where that cannot be told.
    file: Option<FileIdentity>,
}

impl WriteConnection {
    fn open(archive: &Archive) -> Result<Self> {
        let path = archive.path();
        let Connected { connection, file, .. } = connected(path, Access::Write, archive.options())?;
        // Room for the upper parts of the indices, into which ids come in no order.
        connection.pragma_update(None, "cache_size", -32_768).doing("open", path)?;
        if let Some(limit) = archive.options().limit_bytes {
            limit_size(&connection, limit).doing("open", path)?;
        }
        Ok(Self { connection, file })
    }
}

/// A connection to what lies at a path.
pub(super) struct Connected {
    pub(super) connection: Connection,
    /// Which file that is; `None` where another one was put there at the same moment, or where that
    /// cannot be told.
    pub(super) file: Option<FileIdentity>,
    /// What it takes for granted about that file.
    pub(super) unchanging: Unchanging,
}

/// A connection to what lies at `path`.
pub(super) fn connected(
    path: &Path,
    access: Access,
    options: &ArchiveOptions,
) -> Result<Connected> {
    let before = file_identity(path);
    let (connection, unchanging) = schema::connect(path, access, options.busy_timeout)?;
    // A file that was just made was not there before.
    let file = file_identity(path).filter(|id| before.is_none_or(|before| before == *id));
    Ok(Connected { connection, file, unchanging })
}

/// A connection in the hands of a writer; it goes back when the writer is done.
pub(crate) struct LentConnection<'a> {
    archive: &'a Archive,
    /// `None` only while it goes back.
    lent: Option<WriteConnection>,
    /// Whether all that was done on it succeeded.
    sound: bool,
}

impl<'a> LentConnection<'a> {
    /// The one that waits, if it is still connected to what lies at the archive's path, else a new
    /// one.
    pub(crate) fn take(archive: &'a Archive) -> Result<Self> {
        let there = file_identity(archive.path());
        let waiting = lock(&archive.idle_writer).take();
        let lent = match waiting.filter(|idle| idle.file.is_some() && idle.file == there) {
            Some(idle) => idle,
            None => WriteConnection::open(archive)?,
        };
        Ok(Self { archive, lent: Some(lent), sound: true })
    }

    /// Whether what is written lies at the archive's path: nobody removed or replaced the file.
    pub(crate) fn is_in_place(&self) -> bool {
        let file = self.lent.as_ref().and_then(|lent| lent.file);
        file.is_none() || file == file_identity(self.archive.path())
    }

    /// After an error a connection may be in any state: nobody else shall use it.
    pub(crate) fn mark_unsound(&mut self) {
        self.sound = false;
    }
}

impl Deref for LentConnection<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.lent.as_ref().expect("there until it goes back").connection
    }
}

impl Drop for LentConnection<'_> {
    fn drop(&mut self) {
        // An open transaction ends with the connection: nothing of it stays.
        if self.sound
            && self.is_autocommit()
            // The pages that were read are not worth their room.
            && self.execute_batch("PRAGMA shrink_memory").is_ok()
            && let Some(connection) = self.lent.take()
        {
            *lock(&self.archive.idle_writer) = Some(connection);
        }
    }
}
