//! A bound on the size of an archive: what was not used for longest goes first.

use rusqlite::{Connection, OptionalExtension};
use stats_model::Shelf;

use super::failure::{DoingWithFile, Result};
use super::handle::Archive;
use super::rows::Batch;
use super::schema::kind_of;
use super::stats::used_bytes;
use super::writer::ArchiveWriter;

impl Archive {
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
    let kind = kind_of(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, code))?;
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
