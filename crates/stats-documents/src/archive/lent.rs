//! The connection to write with, which one writer takes over from the other: opening one costs more
//! than writing a small shelf.

use std::ops::Deref;

use rusqlite::Connection;
use stats_sqlite::file_identity;

use super::connection::WriteConnection;
use super::failure::Result;
use super::handle::Archive;
use crate::locked::lock;

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
            None => WriteConnection::open(archive.path(), archive.options())?,
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
