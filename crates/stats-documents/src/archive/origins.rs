//! The numbers that documents had in the index they came from.

use std::collections::BTreeMap;

use stats_model::{Day, DocumentKind, Fingerprint, Shelf};

use super::entries::stored_day;
use super::failure::Result;
use super::handle::Archive;
use super::schema::code_of;
use super::writer::ArchiveWriter;

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

impl Archive {
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
}

impl ArchiveWriter<'_> {
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
}
