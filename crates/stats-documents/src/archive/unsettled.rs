//! What is told of imports that have not ended, or not without loss, and of the shelves that they
//! changed.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use stats_model::{DocumentKind, Fingerprint, Shelf};

use super::failure::Result;
use super::handle::Archive;
use super::running;
use super::schema::{IMPORTS_FORMAT, code_of, format_of};
use crate::{ImportEnding, OpenImport, Unsettled};

impl Archive {
    /// The prefix of the index names that the last import came from, if one was noted.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn index_prefix(&self) -> Result<Option<String>> {
        self.ask(|connection| {
            if !keeps_imports(connection)? {
                return Ok(None);
            }
            connection.query_row("SELECT index_prefix FROM archive", [], |row| row.get(0))
        })
    }
}

/// Whether the file has the tables; one of an older format that is only read has not.
fn keeps_imports(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(format_of(connection)? >= IMPORTS_FORMAT)
}

pub(super) fn open_imports(
    connection: &Connection,
    archive: &Path,
) -> rusqlite::Result<Vec<OpenImport>> {
    Ok(numbered(connection, archive)?.into_values().collect())
}

/// The imports that run, and those of which nothing tells whether they do; with their numbers.
pub(super) fn not_over(
    connection: &Connection,
    archive: &Path,
) -> rusqlite::Result<Vec<(i64, OpenImport)>> {
    let may_run = |import: &OpenImport| match import.ending {
        ImportEnding::Running(_) | ImportEnding::NotYet => true,
        ImportEnding::BrokenOff | ImportEnding::WithLoss => false,
    };
    let mut open = numbered(connection, archive)?;
    open.retain(|_, import| may_run(import));
    Ok(open.into_iter().collect())
}

/// All open imports by their numbers.
fn numbered(
    connection: &Connection,
    archive: &Path,
) -> rusqlite::Result<BTreeMap<i64, OpenImport>> {
    if !keeps_imports(connection)? {
        return Ok(BTreeMap::new());
    }
    connection
        .prepare_cached("SELECT import, began, lost FROM imports")?
        .query_map([], |row| Ok((row.get(0)?, open_import(row, archive)?)))?
        .collect()
}

/// The shelves of a kind that open imports changed, each with the last of these imports.
pub(super) fn unsettled(
    connection: &Connection,
    archive: &Path,
    kind: DocumentKind,
    communities: &[String],
) -> rusqlite::Result<BTreeMap<Shelf, OpenImport>> {
    // Looked at once each, however many shelves they changed.
    let imports = numbered(connection, archive)?;
    if imports.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = connection
        .prepare_cached(
            "SELECT t.import, s.community, s.year FROM import_shelves t
             JOIN shelves s ON s.shelf = t.shelf WHERE s.kind = ?1 ORDER BY t.import",
        )?
        .query_map([code_of(kind)], |row| {
            let shelf = Shelf { kind, community: row.get(1)?, year: row.get(2)? };
            Ok((shelf, row.get(0)?))
        })?
        .collect::<rusqlite::Result<Vec<(Shelf, i64)>>>()?;
    let meant = |shelf: &Shelf| communities.is_empty() || communities.contains(&shelf.community);
    let found = found.into_iter().filter(|(shelf, _)| meant(shelf));
    Ok(found.filter_map(|(shelf, import)| Some((shelf, *imports.get(&import)?))).collect())
}

/// Why what was read of a shelf may not be taken for whole: an import changed it and is open, or
/// it is no longer what was read.
pub(super) fn unsettled_reading(
    connection: &Connection,
    archive: &Path,
    shelf: &Shelf,
    read: &Fingerprint,
) -> rusqlite::Result<Option<Unsettled>> {
    const KEPT: &str = "SELECT shelf, documents, highest, total,
        EXISTS (SELECT 1 FROM import_shelves t WHERE t.shelf = s.shelf)
        FROM shelves s WHERE kind = ?1 AND community = ?2 AND year = ?3";
    const NOT_KEPT: &str = "SELECT shelf, documents, highest, total, FALSE
        FROM shelves WHERE kind = ?1 AND community = ?2 AND year = ?3";
    let there = connection
        .prepare_cached(if keeps_imports(connection)? { KEPT } else { NOT_KEPT })?
        .query_row((code_of(shelf.kind), &shelf.community, shelf.year), |row| {
            let there = Fingerprint { count: row.get(1)?, max: row.get(2)?, sum: row.get(3)? };
            Ok((row.get::<_, i64>(0)?, there, row.get::<_, bool>(4)?))
        })
        .optional()?;
    let Some((number, there, in_imports)) = there else {
        return Ok((read.count > 0).then_some(Unsettled::Changed));
    };
    if in_imports {
        let import = connection
            .prepare_cached(
                "SELECT i.import, i.began, i.lost FROM import_shelves t
                 JOIN imports i ON i.import = t.import
                 WHERE t.shelf = ?1 ORDER BY i.import DESC LIMIT 1",
            )?
            .query_row([number], |row| open_import(row, archive))
            .optional()?;
        if let Some(import) = import {
            return Ok(Some(Unsettled::Import(import)));
        }
    }
    Ok((there != *read).then_some(Unsettled::Changed))
}

/// From its number, when it began, and whether it ended with loss.
fn open_import(row: &rusqlite::Row<'_>, archive: &Path) -> rusqlite::Result<OpenImport> {
    let ending = match row.get(2)? {
        true => ImportEnding::WithLoss,
        false => running::ending(archive, row.get(0)?),
    };
    Ok(OpenImport { began_milliseconds: row.get(1)?, ending })
}
