//! Writing to the archive: documents in batches, one transaction each.

use std::path::Path;
use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use stats_model::DocumentKind;

use super::connection::LentConnection;
use super::failure::{Result, failed};
use super::packing::{PackedDocument, Packer, SourceDigest, digest_of};
use super::running_import::RunningImport;
use super::schema::code_of;
use super::shelves::{Shelves, Weight};
use super::used::write_used;
use super::versions::Version;
use super::{Archive, number_of};
use crate::{DocumentFacts, SourceError, SourceErrorKind};

/// What putting something into the archive did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was not there before.
    New,
    /// It was there with another content.
    Replaced,
    /// It was there with the same content, and keeps its sequence number.
    Unchanged,
    /// One that was computed or changed later was there, and stays.
    Older,
    /// The same was there with fractions of numbers that this one lost, and stays.
    NumberForms,
}

impl Put {
    /// Whether what was there stays, though it is another one.
    #[must_use]
    pub const fn kept(self) -> bool {
        matches!(self, Self::Older | Self::NumberForms)
    }
}

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

/// What the present transaction knows.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The last sequence number given away.
    pub(crate) sequence: u64,
    /// The one before the transaction.
    before: u64,
    pub(crate) shelves: Shelves,
    bytes: u64,
    /// Bytes of documents as they are stored.
    stored: u64,
}

/// A document as the archive has it.
struct Known {
    shelf: i64,
    day: i64,
    origin: Option<u64>,
    digest: SourceDigest,
    weight: Weight,
    body: i64,
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
        if let Some(known) = known.filter(|known| known.digest == digest_of(source)) {
            let done = self.write(|connection, batch| keep(connection, batch, &known, id, origin));
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
    SourceError::new(SourceErrorKind::NotFound, doing)
}

/// Waits for other writers and takes the turn.
fn begin(connection: &Connection) -> rusqlite::Result<Batch> {
    // Kept open over many calls, hence no `Transaction` that lives as long.
    let mut transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    transaction.set_drop_behavior(rusqlite::DropBehavior::Ignore);
    let sequence = transaction
        .prepare_cached("SELECT sequence FROM archive")?
        .query_row([], |row| row.get(0))?;
    Ok(Batch { sequence, before: sequence, shelves: Shelves::default(), bytes: 0, stored: 0 })
}

fn put(
    connection: &Connection,
    batch: &mut Batch,
    document: &PackedDocument,
    mut import: Option<&mut RunningImport>,
) -> rusqlite::Result<Put> {
    let known = find(connection, document.kind, &document.id)?;
    if let Some(known) = known.as_ref().filter(|known| known.digest == document.digest) {
        if let Some(import) = import {
            import.saw(connection, known.weight.sequence)?;
        }
        return keep(connection, batch, known, &document.id, document.origin);
    }
    if let (Some(known), Some(import)) = (&known, &mut import) {
        match import.version(connection, document, known.body, known.weight.plain)? {
            Version::Newer => {}
            Version::Older => return Ok(Put::Older),
            Version::NumberForms => return Ok(Put::NumberForms),
        }
    }
    batch.sequence += 1;
    if let Some(import) = import {
        import.saw(connection, batch.sequence)?;
    }
    let body = write_body(connection, known.as_ref().map(|known| known.body), document)?;
    let shelf = batch.shelves.number(
        connection,
        document.kind,
        &document.community,
        document.day.year(),
    )?;
    let weight = Weight {
        sequence: batch.sequence,
        plain: document.plain,
        stored: document.content.len() as u64,
    };
    if let Some(known) = &known {
        batch.shelves.take(connection, known.shelf, known.weight, batch.sequence)?;
        delete_row(connection, known, &document.id)?;
    }
    batch.shelves.add(connection, shelf, weight)?;
    batch.stored += weight.stored;
    connection
        .prepare_cached(
            "INSERT INTO documents
                (shelf, day, id, kind, sequence, origin, digest, plain, stored, body, mark, checked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
                     row_check(5, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11))",
        )?
        .execute((
            shelf,
            number_of(document.day),
            &document.id,
            code_of(document.kind),
            weight.sequence,
            document.origin,
            &document.digest[..],
            weight.plain,
            weight.stored,
            body,
            document.mark.cast_signed(),
        ))?;
    Ok(if known.is_some() { Put::Replaced } else { Put::New })
}

/// An unchanged document: only its number in the remote index may be another.
fn keep(
    connection: &Connection,
    batch: &mut Batch,
    known: &Known,
    id: &str,
    origin: Option<u64>,
) -> rusqlite::Result<Put> {
    if known.origin != origin {
        batch.shelves.forget_remote(connection, known.shelf)?;
        connection
            .prepare_cached(
                "UPDATE documents SET origin = ?4, checked = iif(checked IS NULL, NULL,
                    row_check(5, shelf, day, id, kind, sequence, ?4, digest, plain, stored, body,
                              mark))
                 WHERE shelf = ?1 AND day = ?2 AND id = ?3",
            )?
            .execute((known.shelf, known.day, id, origin))?;
    }
    Ok(Put::Unchanged)
}

fn remove(
    connection: &Connection,
    batch: &mut Batch,
    kind: DocumentKind,
    id: &str,
) -> rusqlite::Result<bool> {
    let Some(known) = find(connection, kind, id)? else { return Ok(false) };
    batch.sequence += 1;
    batch.shelves.take(connection, known.shelf, known.weight, batch.sequence)?;
    delete_row(connection, &known, id)?;
    connection.prepare_cached("DELETE FROM bodies WHERE body = ?1")?.execute([known.body])?;
    Ok(true)
}

fn find(connection: &Connection, kind: DocumentKind, id: &str) -> rusqlite::Result<Option<Known>> {
    connection
        .prepare_cached(
            "SELECT shelf, day, origin, digest, sequence, plain, stored, body FROM documents
             WHERE kind = ?1 AND id = ?2",
        )?
        .query_row((code_of(kind), id), |row| {
            Ok(Known {
                shelf: row.get(0)?,
                day: row.get(1)?,
                origin: row.get(2)?,
                digest: row.get(3)?,
                weight: Weight { sequence: row.get(4)?, plain: row.get(5)?, stored: row.get(6)? },
                body: row.get(7)?,
            })
        })
        .optional()
}

fn delete_row(connection: &Connection, known: &Known, id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM documents WHERE shelf = ?1 AND day = ?2 AND id = ?3")?
        .execute((known.shelf, known.day, id))?;
    Ok(())
}

/// Writes the body in the place of the one it replaces, or in a new one; the place.
fn write_body(
    connection: &Connection,
    place: Option<i64>,
    document: &PackedDocument,
) -> rusqlite::Result<i64> {
    let dictionary = match &document.dictionary {
        Some(dictionary) => Some(dictionary.number_in(connection)?),
        None => None,
    };
    if let Some(place) = place {
        connection
            .prepare_cached("UPDATE bodies SET dictionary = ?2, content = ?3 WHERE body = ?1")?
            .execute((place, dictionary, &document.content))?;
        return Ok(place);
    }
    connection
        .prepare_cached("INSERT INTO bodies (dictionary, content) VALUES (?1, ?2)")?
        .execute((dictionary, &document.content))?;
    Ok(connection.last_insert_rowid())
}
