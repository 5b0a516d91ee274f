//! Documents as rows, put and taken away within one transaction.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use stats_model::DocumentKind;
use stats_sqlite::RowCheck;

use super::checks::DOCUMENT;
use super::packing::{PackedDocument, SourceDigest};
use super::running_import::RunningImport;
use super::schema::code_of;
use super::shelves::{Shelves, Weight};
use super::time::number_of;
use super::versions::Version;

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

/// What the present transaction knows.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The last sequence number given away.
    pub(crate) sequence: u64,
    /// The one before the transaction.
    pub(super) before: u64,
    pub(crate) shelves: Shelves,
    pub(super) bytes: u64,
    /// Bytes of documents as they are stored.
    pub(super) stored: u64,
}

/// A document as the archive has it.
pub(super) struct Known {
    pub(super) shelf: i64,
    pub(super) day: i64,
    pub(super) origin: Option<u64>,
    pub(super) digest: SourceDigest,
    pub(super) weight: Weight,
    pub(super) body: i64,
}

/// Waits for other writers and takes the turn.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<Batch> {
    // Kept open over many calls, hence no `Transaction` that lives as long.
    let mut transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    transaction.set_drop_behavior(rusqlite::DropBehavior::Ignore);
    let sequence = transaction
        .prepare_cached("SELECT sequence FROM archive")?
        .query_row([], |row| row.get(0))?;
    Ok(Batch { sequence, before: sequence, shelves: Shelves::default(), bytes: 0, stored: 0 })
}

pub(super) fn put(
    connection: &Connection,
    batch: &mut Batch,
    document: &PackedDocument,
    mut import: Option<&mut RunningImport>,
) -> rusqlite::Result<Put> {
    let known = find(connection, document.kind, &document.id)?;
    if let Some(known) = &known {
        let version = match &mut import {
            _ if known.digest == document.digest => Version::Same,
            Some(import) => import.version(connection, document, known.body, known.weight.plain)?,
            None => Version::Newer,
        };
        match version {
            Version::Newer => {}
            Version::Older => return Ok(Put::Older),
            Version::NumberForms => return Ok(Put::NumberForms),
            Version::Same => {
                if let Some(import) = import {
                    import.saw(connection, known.weight.sequence)?;
                }
                let (id, digest) = (&document.id, &document.digest);
                return keep(connection, batch, known, id, digest, document.origin);
            }
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
    insert_row(connection, document, shelf, weight, body)?;
    Ok(if known.is_some() { Put::Replaced } else { Put::New })
}

fn insert_row(
    connection: &Connection,
    document: &PackedDocument,
    shelf: i64,
    weight: Weight,
    body: i64,
) -> rusqlite::Result<()> {
    let (day, kind) = (number_of(document.day), code_of(document.kind));
    let checked = RowCheck::new()
        .number(DOCUMENT)
        .number(shelf)
        .number(day)
        .text(&document.id)
        .number(kind)
        .number(weight.sequence.cast_signed())
        .maybe_number(document.origin.map(u64::cast_signed))
        .bytes(&document.digest)
        .number(weight.plain.cast_signed())
        .number(weight.stored.cast_signed())
        .number(body)
        .number(document.mark.cast_signed())
        .finish();
    connection
        .prepare_cached(
            "INSERT INTO documents
                (shelf, day, id, kind, sequence, origin, digest, plain, stored, body, mark, checked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute((
            shelf,
            day,
            &document.id,
            kind,
            weight.sequence,
            document.origin,
            &document.digest[..],
            weight.plain,
            weight.stored,
            body,
            document.mark.cast_signed(),
            checked,
        ))?;
    Ok(())
}

/// An unchanged document: only its number in the remote index may be another, and its digest, if an
/// older program wrote it.
pub(super) fn keep(
    connection: &Connection,
    batch: &mut Batch,
    known: &Known,
    id: &str,
    digest: &SourceDigest,
    origin: Option<u64>,
) -> rusqlite::Result<Put> {
    if known.origin != origin {
        batch.shelves.forget_remote(connection, known.shelf)?;
    }
    if known.origin != origin || known.digest != *digest {
        connection
            .prepare_cached(
                "UPDATE documents SET origin = ?4, digest = ?5, checked = iif(checked IS NULL, NULL,
                    row_check(5, shelf, day, id, kind, sequence, ?4, ?5, plain, stored, body, mark))
                 WHERE shelf = ?1 AND day = ?2 AND id = ?3",
            )?
            .execute((known.shelf, known.day, id, origin, &digest[..]))?;
    }
    Ok(Put::Unchanged)
}

pub(super) fn remove(
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

pub(super) fn find(
    connection: &Connection,
    kind: DocumentKind,
    id: &str,
) -> rusqlite::Result<Option<Known>> {
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
