//! Writing to the archive: documents in batches, one transaction each.

use std::path::Path;
use std::sync::atomic::Ordering;

use rusqlite::Connection;
use stats_model::DocumentKind;

use super::failure::{Result, failed};
use super::handle::Archive;
use super::lent::LentConnection;
use super::packing::{PackedDocument, Packer, digest_of};
use super::rows::{Batch, Put, begin, find, keep, put, remove};
use super::running_import::RunningImport;
use super::used::write_used;
use crate::{Amiss, DocumentFacts, SourceError, SourceErrorKind};

/// Writes to an archive.
///
/// What is put goes into a transaction that [`commit`](Self::commit) ends, or the writer by itself
/// when the batch is large enough ([`ArchiveOptions::batch_bytes`](super::ArchiveOptions)). While a
/// transaction is open no other process can write: commit soon. After an error, and when the
/// writer is dropped, what was not committed is gone, and the archive is as it was before.
pub struct ArchiveWriter<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) connection: LentConnection<'a>,
    packer: Packer,
    batch: Option<Batch>,
    batch_bytes: u64,
    /// The import that is being written, if it is one.
    pub(crate) import: Option<RunningImport>,
}

/// So many bytes of documents in the log are moved into the file.
const MUCH_LOGGED: u64 = 4 << 20;

impl Archive {
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
}

impl<'a> ArchiveWriter<'a> {
    pub(crate) fn new(archive: &'a Archive) -> Result<Self> {
        Ok(Self {
            archive,
            connection: LentConnection::take(archive)?,
            packer: archive.packer(),
            batch: None,
            batch_bytes: archive.options().batch_bytes,
            import: None,
        })
    }

    /// Leaves it to the caller to commit.
    pub(crate) fn with_whole_batches(mut self) -> Self {
        self.batch_bytes = u64::MAX;
        self
    }

    /// Puts one document: new, instead of the one with the same `id`, or not at all when that one
    /// has the same bytes.
    ///
    /// `origin` is the number the document has in the index it is mirrored from, if it is; it is
    /// remembered also for an unchanged document.
    ///
    /// # Errors
    /// [`SourceErrorKind::Refused`], caused by an [`InvalidDocument`](crate::InvalidDocument), for
    /// a document that can stand on no shelf, which leaves the batch as it was; and any failure to
    /// write.
    pub fn put_document(
        &mut self,
        kind: DocumentKind,
        id: &str,
        source: &[u8],
        origin: Option<u64>,
    ) -> Result<Put> {
        let facts = DocumentFacts::read(kind, source).map_err(|invalid| {
            let doing = format!("put the {kind} document {id:?} on a shelf");
            SourceError::caused_by(SourceErrorKind::Refused, doing, invalid)
        })?;
        let known = self.write(|connection, _| find(connection, kind, id))?;
        let digest = digest_of(source);
        if let Some(known) = known.filter(|known| known.digest == digest) {
            let done = self
                .write(|connection, batch| keep(connection, batch, &known, id, &digest, origin));
            return self.counted(0, done?);
        }
        let packed = self.packer.pack_known(kind, id, &facts, source, origin);
        self.put_packed(&packed)
    }

    /// The same for a document that was packed before, on this thread or another.
    ///
    /// # Errors
    /// Any failure to write.
    pub(crate) fn put_packed(&mut self, document: &PackedDocument) -> Result<Put> {
        let mut import = self.import.take();
        let put = self.write(|connection, batch| put(connection, batch, document, import.as_mut()));
        self.import = import;
        self.counted(document.plain, put?)
    }

    /// Takes a document away; whether there was one. The removal uses up a sequence number.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn remove_document(&mut self, kind: DocumentKind, id: &str) -> Result<bool> {
        let removed = self.write(|connection, batch| remove(connection, batch, kind, id))?;
        self.counted(0, removed)
    }

    /// Ends the transaction: from now on everybody sees what was put.
    ///
    /// # Errors
    /// Any failure to write; then nothing of the batch is in the archive.
    pub fn commit(&mut self) -> Result<()> {
        let Some(mut batch) = self.batch.take() else { return Ok(()) };
        let used = self.archive.take_used();
        let connection: &Connection = &self.connection;
        let import = &mut self.import;
        let mut finish = || {
            if let Some(import) = import {
                let changed = batch.shelves.changed_after(batch.before);
                import.record(connection, batch.before, batch.sequence, changed)?;
            }
            batch.shelves.write(connection)?;
            connection
                .prepare_cached("UPDATE archive SET sequence = ?1")?
                .execute([batch.sequence])?;
            write_used(connection, &used)?;
            connection.execute_batch("COMMIT")
        };
        finish().map_err(|cause| self.given_up(cause))?;
        if !self.connection.is_in_place() {
            return Err(taken_away(self.archive.path()));
        }
        self.archive.logged.fetch_add(batch.stored, Ordering::Relaxed);
        Ok(())
    }

    /// Moves what was committed from the log into the file if it is much: part by part, while others
    /// read and write, rather than all of it when the archive is closed.
    pub(crate) fn move_log(&self) {
        if self.archive.logged.load(Ordering::Relaxed) < MUCH_LOGGED {
            return;
        }
        self.archive.logged.store(0, Ordering::Relaxed);
        // What cannot be moved now stays in the log, from which it is read as well.
        let moved = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        drop(moved);
    }

    /// Does one thing inside the transaction of the batch, which begins now if there is none.
    pub(crate) fn write<T>(
        &mut self,
        action: impl FnOnce(&Connection, &mut Batch) -> rusqlite::Result<T>,
    ) -> Result<T> {
        if self.batch.is_none() {
            self.batch = Some(begin(&self.connection).map_err(|cause| self.given_up(cause))?);
        }
        let done = match &mut self.batch {
            Some(batch) => action(&self.connection, batch),
            None => Err(rusqlite::Error::InvalidQuery),
        };
        done.map_err(|cause| self.given_up(cause))
    }

    /// Counts what was put, and commits when the batch is large enough.
    pub(crate) fn counted<T>(&mut self, bytes: u64, done: T) -> Result<T> {
        if let Some(batch) = &mut self.batch {
            batch.bytes += bytes;
            if batch.bytes >= self.batch_bytes {
                self.commit()?;
            }
        }
        Ok(done)
    }

    /// Throws the batch away after an error.
    fn given_up(&mut self, cause: rusqlite::Error) -> SourceError {
        self.roll_back();
        failed(cause, "write to", self.archive.path())
    }

    pub(super) fn roll_back(&mut self) {
        self.batch = None;
        self.connection.mark_unsound();
        if !self.connection.is_autocommit() {
            // SQLite rolled back by itself if this fails.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

impl std::fmt::Debug for ArchiveWriter<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ArchiveWriter")
            .field("archive", self.archive)
            .finish_non_exhaustive()
    }
}

/// What was written went into a file that nobody finds any more.
fn taken_away(path: &Path) -> SourceError {
    let doing = format!(
        "write to the archive {}, which was removed or replaced meanwhile: what was written is lost",
        path.display()
    );
    SourceError::new(SourceErrorKind::Own(Amiss::NotFound), doing)
}
