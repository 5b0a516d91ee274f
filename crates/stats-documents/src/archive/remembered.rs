//! What others remember in an archive beside its documents: texts under names, by kind, and a text
//! for each shelf. What they mean is not known here (change-feed design, section 3).
//!
//! The text of a shelf is forgotten rather than doubted: every change of the shelf, and its
//! eviction, forget it.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use stats_model::{DocumentKind, Shelf};

use super::failure::Result;
use super::handle::Archive;
use super::schema::code_of;
use super::writer::ArchiveWriter;

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

    /// What was remembered of the index under `name`, for documents of `kind`.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn remembered(&self, kind: DocumentKind, name: &str) -> Result<Option<String>> {
        self.ask(|connection| remembered(connection, kind, name))
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
}

impl ArchiveWriter<'_> {
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
