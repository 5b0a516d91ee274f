//! What an archive needs to be the mirror of an index: where its documents came from, how far the
//! index was, and a bound on its size (change-feed design, section 3).
//!
//! Whatever a mirror remembers of the index is forgotten rather than doubted: every change of a
//! shelf, and its eviction, forget what was remembered of that shelf.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use stats_model::{Day, DocumentKind, Fingerprint, Shelf};

use super::Archive;
use super::entries::stored_day;
use super::failure::{DoingWithFile, Result};
use super::schema::code_of;
use super::stats::used_bytes;
use super::writer::{ArchiveWriter, Batch};

/// One document of a shelf with its number in the index it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorEntry {
    /// The day the document describes.
    pub day: Day,
    /// Its `_id`.
    pub id: String,
    /// The sequence number of its last change in the archive.
    pub sequence: u64,
    /// Its sequence number in the index; `None` when it came from a file.
    pub origin: Option<u64>,
}

/// Everything that an archive remembers of the index, for documents of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Which archive it is: another file in the same place has another history.
    pub history: String,
    /// What is remembered, by name.
    pub values: BTreeMap<String, String>,
}

/// One thing that an archive remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// Which archive it is.
    pub(crate) history: String,
    /// What is remembered, if anything.
    pub(crate) value: Option<String>,
}

impl Archive {
    /// [`remembered`](Self::remembered), and in which archive: another file may lie in its place.
    pub(crate) fn remembered_in(&self, kind: DocumentKind, name: &str) -> Result<Remembered> {
        self.ask(|connection| {
            let (history, value) = (history(connection)?, remembered(connection, kind, name)?);
            Ok(Remembered { history, value })
        })
    }

    /// Every document of a shelf with its number in the index, in (day, `_id`) order.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn mirrored(&self, shelf: &Shelf) -> Result<Vec<MirrorEntry>> {
        self.ask(|connection| {
            connection
                .prepare_cached(
                    "SELECT d.day, d.id, d.sequence, d.origin
                     FROM documents d JOIN shelves s ON s.shelf = d.shelf
                     WHERE s.kind = ?1 AND s.community = ?2 AND s.year = ?3 ORDER BY d.day, d.id",
                )?
                .query_map((code_of(shelf.kind), &shelf.community, shelf.year), |row| {
                    Ok(MirrorEntry {
                        day: stored_day(row.get(0)?)?,
                        id: row.get(1)?,
                        sequence: row.get(2)?,
                        origin: row.get(3)?,
                    })
                })?
                .collect()
        })
    }

    /// What was remembered of the index under `name`, for documents of `kind`.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn remembered(&self, kind: DocumentKind, name: &str) -> Result<Option<String>> {
        self.ask(|connection| remembered(connection, kind, name))
    }

    /// The fingerprints that the shelves of `kind` have by the numbers of the index, from the
    /// documents themselves; shelves with documents that came from files are left out.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn origin_fingerprints(&self, kind: DocumentKind) -> Result<BTreeMap<Shelf, Fingerprint>> {
        self.ask(|connection| {
            connection
                .prepare_cached(
                    "SELECT s.community, s.year, count(*), max(d.origin), sum(d.origin)
                     FROM documents d JOIN shelves s ON s.shelf = d.shelf
                     WHERE s.kind = ?1 GROUP BY s.shelf HAVING count(*) = count(d.origin)",
                )?
                .query_map([code_of(kind)], |row| {
                    let shelf = Shelf { kind, community: row.get(0)?, year: row.get(1)? };
                    let (count, max, sum) = (row.get(2)?, row.get(3)?, row.get(4)?);
                    Ok((shelf, Fingerprint { count, max, sum }))
                })?
                .collect()
        })
    }

    /// Everything that is remembered of the index, for documents of `kind`.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn memory(&self, kind: DocumentKind) -> Result<Memory> {
        self.ask(|connection| memory(connection, kind))
    }

    /// What was remembered of one shelf in the index; `None` after any change since, and after
    /// its eviction.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn remembered_of_shelf(&self, shelf: &Shelf) -> Result<Option<String>> {
        self.ask(|connection| remembered_of_shelf(connection, shelf))
    }

    /// What was remembered of all shelves of `kind`, in one question.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn remembered_of_shelves(&self, kind: DocumentKind) -> Result<BTreeMap<Shelf, String>> {
        self.ask(|connection| of_shelves(connection, kind, "remote"))
    }

    /// What was remembered of the shelves of `kind` that had to make room and were not written to
    /// since.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn evicted(&self, kind: DocumentKind) -> Result<BTreeMap<Shelf, String>> {
        self.ask(|connection| of_shelves(connection, kind, "evicted"))
    }

    /// Empties the shelves that were not used for longest until the archive uses at most
    /// `max_bytes`, rows and indices included, or holds no document any more; gives the emptied
    /// ones. Every removal uses up a sequence number, and what was remembered of these shelves is
    /// forgotten. Each shelf is a transaction of its own.
    ///
    /// # Errors
    /// When the archive cannot be written.
    pub fn evict_to(&self, max_bytes: u64) -> Result<Vec<Shelf>> {
        let mut writer = self.writer()?;
        // Reading a shelf counts as use, too.
        writer.write(|_, _| Ok(()))?;
        writer.commit()?;
        writer.evict_to(max_bytes)
    }
}

impl ArchiveWriter<'_> {
    /// [`Archive::evict_to`], once everything is committed.
    ///
    /// # Errors
    /// When the archive cannot be written.
    pub fn evict_to(&mut self, max_bytes: u64) -> Result<Vec<Shelf>> {
        self.commit()?;
        let mut evicted = Vec::new();
        let path = self.archive.path();
        while used_bytes(&self.connection).doing("read", path)? > max_bytes {
            let emptied = self.write(evict_one)?;
            self.commit()?;
            let Some(shelf) = emptied else { break };
            evicted.push(shelf);
        }
        if !evicted.is_empty() {
            give_back(&self.connection, max_bytes).doing("shrink", path)?;
        }
        Ok(evicted)
    }

    /// Takes a document away if it stands on this shelf; whether it did. Another reading may have put
    /// it on another shelf meanwhile, and there it stays.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn remove_from_shelf(&mut self, shelf: &Shelf, id: &str) -> Result<bool> {
        let stands = self.write(|connection, _| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM documents d JOIN shelves s ON s.shelf = d.shelf
                     WHERE d.kind = ?1 AND d.id = ?2 AND s.community = ?3 AND s.year = ?4",
                )?
                .exists((code_of(shelf.kind), id, &shelf.community, shelf.year))
        })?;
        if stands { self.remove_document(shelf.kind, id) } else { Ok(false) }
    }

    /// The history of the archive that is written to, which another process may have put in the
    /// place of the one that was opened.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn history(&mut self) -> Result<String> {
        self.write(|connection, _| history(connection))
    }

    /// [`Archive::remembered`] as the batch has it. Nobody else changes it before the commit.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn remembered(&mut self, kind: DocumentKind, name: &str) -> Result<Option<String>> {
        self.write(|connection, _| remembered(connection, kind, name))
    }

    /// [`Archive::remembered_of_shelf`] likewise.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn remembered_of_shelf(&mut self, shelf: &Shelf) -> Result<Option<String>> {
        self.write(|connection, batch| {
            batch.shelves.write(connection)?;
            remembered_of_shelf(connection, shelf)
        })
    }

    /// [`Archive::memory`] likewise.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn memory(&mut self, kind: DocumentKind) -> Result<Memory> {
        self.write(|connection, _| memory(connection, kind))
    }

    /// The fingerprint that a shelf has by the numbers of the index, from the documents themselves;
    /// `None` if some of them came from files.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn origin_fingerprint(&mut self, shelf: &Shelf) -> Result<Option<Fingerprint>> {
        self.write(|connection, batch| {
            let number =
                batch.shelves.number(connection, shelf.kind, &shelf.community, shelf.year)?;
            connection
                .prepare_cached(
                    "SELECT count(*), coalesce(max(origin), 0), coalesce(sum(origin), 0),
                            count(origin)
                     FROM documents WHERE shelf = ?1",
                )?
                .query_row([number], |row| {
                    let (count, max, sum) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    let known: u64 = row.get(3)?;
                    Ok((known == count).then_some(Fingerprint { count, max, sum }))
                })
        })
    }

    /// Remembers something of the index under `name`, for documents of `kind`; `None` forgets it.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn remember(&mut self, kind: DocumentKind, name: &str, value: Option<&str>) -> Result<()> {
        self.write(|connection, _| {
            match value {
                Some(value) => connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO remembered (kind, name, value) VALUES (?1, ?2, ?3)",
                    )?
                    .execute((code_of(kind), name, value))?,
                None => connection
                    .prepare_cached("DELETE FROM remembered WHERE kind = ?1 AND name = ?2")?
                    .execute((code_of(kind), name))?,
            };
            Ok(())
        })?;
        self.counted(0, ())
    }

    /// Forgets, for all documents of `kind`, which numbers they had in the index, and what was
    /// remembered of their shelves: the index is another one.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn forget_origins(&mut self, kind: DocumentKind) -> Result<()> {
        self.write(|connection, _| {
            for statement in [
                "UPDATE documents SET origin = NULL, checked = iif(checked IS NULL, NULL,
                    row_check(5, shelf, day, id, kind, sequence, NULL, digest, plain, stored, body,
                              mark))
                 WHERE kind = ?1",
                "UPDATE shelves SET remote = NULL, evicted = NULL WHERE kind = ?1",
            ] {
                connection.prepare_cached(statement)?.execute([code_of(kind)])?;
            }
            Ok(())
        })?;
        self.counted(0, ())
    }

    /// Remembers something of one shelf in the index, from now until the shelf changes; `None`
    /// forgets it. Put it into the same batch as the documents it speaks of, after them.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn remember_of_shelf(&mut self, shelf: &Shelf, value: Option<&str>) -> Result<()> {
        self.write(|connection, batch| {
            let number =
                batch.shelves.number(connection, shelf.kind, &shelf.community, shelf.year)?;
            // Pending changes would forget it again.
            batch.shelves.write(connection)?;
            connection
                .prepare_cached("UPDATE shelves SET remote = ?2 WHERE shelf = ?1")?
                .execute((number, value))?;
            Ok(())
        })?;
        self.counted(0, ())
    }
}

pub(super) fn history(connection: &Connection) -> rusqlite::Result<String> {
    connection.prepare_cached("SELECT history FROM archive")?.query_row([], |row| row.get(0))
}

fn remembered(
    connection: &Connection,
    kind: DocumentKind,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM remembered WHERE kind = ?1 AND name = ?2")?
        .query_row((code_of(kind), name), |row| row.get(0))
        .optional()
}

fn remembered_of_shelf(connection: &Connection, shelf: &Shelf) -> rusqlite::Result<Option<String>> {
    let remote: Option<Option<String>> = connection
        .prepare_cached(
            "SELECT remote FROM shelves WHERE kind = ?1 AND community = ?2 AND year = ?3",
        )?
        .query_row((code_of(shelf.kind), &shelf.community, shelf.year), |row| row.get(0))
        .optional()?;
    Ok(remote.flatten())
}

/// What stands in a column of the shelves of `kind`, where anything does.
fn of_shelves(
    connection: &Connection,
    kind: DocumentKind,
    column: &'static str,
) -> rusqlite::Result<BTreeMap<Shelf, String>> {
    connection
        .prepare_cached(&format!(
            "SELECT community, year, {column} FROM shelves
             WHERE kind = ?1 AND {column} IS NOT NULL"
        ))?
        .query_map([code_of(kind)], |row| {
            Ok((Shelf { kind, community: row.get(0)?, year: row.get(1)? }, row.get(2)?))
        })?
        .collect()
}

fn memory(connection: &Connection, kind: DocumentKind) -> rusqlite::Result<Memory> {
    let values = connection
        .prepare_cached("SELECT name, value FROM remembered WHERE kind = ?1")?
        .query_map([code_of(kind)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Memory { history: history(connection)?, values })
}

/// Empties the shelf that was not used for longest.
fn evict_one(connection: &Connection, batch: &mut Batch) -> rusqlite::Result<Option<Shelf>> {
    let oldest: Option<(i64, i64, String, i16)> = connection
        .prepare_cached(
            "SELECT shelf, kind, community, year FROM shelves WHERE documents > 0
             ORDER BY used, shelf LIMIT 1",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((number, code, community, year)) = oldest else { return Ok(None) };
    let kind =
        super::schema::kind_of(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, code))?;
    empty(connection, batch, number)?;
    Ok(Some(Shelf { kind, community, year }))
}

fn empty(connection: &Connection, batch: &mut Batch, shelf: i64) -> rusqlite::Result<()> {
    batch.sequence += 1;
    connection
        .prepare_cached(
            "DELETE FROM bodies WHERE body IN (SELECT body FROM documents WHERE shelf = ?1)",
        )?
        .execute([shelf])?;
    connection.prepare_cached("DELETE FROM documents WHERE shelf = ?1")?.execute([shelf])?;
    connection
        .prepare_cached(
            "UPDATE shelves SET documents = 0, highest = 0, total = 0, plain = 0, stored = 0,
                changed = ?2, evicted = remote, remote = NULL,
                checked = row_check(1, kind, community, year, 0, 0, 0, ?2)
             WHERE shelf = ?1",
        )?
        .execute((shelf, batch.sequence))?;
    Ok(())
}

/// Returns free pages to the file system, unless the file may be as large as it is.
fn give_back(connection: &Connection, max_bytes: u64) -> rusqlite::Result<()> {
    let file_bytes: u64 = connection.query_row(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?;
    if file_bytes <= max_bytes {
        return Ok(());
    }
    let mut statement = connection.prepare("PRAGMA incremental_vacuum")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
