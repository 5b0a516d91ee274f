//! The notebook in the file of the store: a table of its own, made when there is something to note.
//! Programs that do not know it leave it alone.

use std::sync::Arc;

use super::SqliteStore;
use super::schema::has_table;
use crate::notebook::{Memory, MemoryChanges, Note, Notebook};
use crate::{CacheError, CacheErrorKind, Lease};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS notes (
    key TEXT PRIMARY KEY,
    note TEXT NOT NULL
) STRICT";

impl Notebook for SqliteStore {
    fn fenced_notes(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn Notebook>, CacheError> {
        Ok(Arc::new(self.fenced_by(lease)?))
    }

    /// First years follow from the entries.
    fn recall(&self) -> Result<Memory, CacheError> {
        self.file.read("reading notes", |transaction, _| {
            let mut memory = Memory::default();
            let mut years = transaction
                .prepare_cached("SELECT community, min(year) FROM entries GROUP BY community")?;
            let rows = years.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            memory.first_years = rows.collect::<rusqlite::Result<_>>()?;
            if !has_table(transaction, "notes")? {
                return Ok(memory);
            }
            let mut notes = transaction.prepare_cached("SELECT key, note FROM notes")?;
            let rows = notes.query_map([], |row| {
                let note: String = row.get(1)?;
                Ok((row.get(0)?, Note::from_json(note.as_bytes())))
            })?;
            for row in rows {
                let (key, note): (String, Option<Note>) = row?;
                memory.notes.extend(note.map(|note| (key, note)));
            }
            Ok(memory)
        })
    }

    fn remember(&self, changes: &MemoryChanges) -> Result<(), CacheError> {
        if changes.notes.is_empty() && changes.forget.is_empty() {
            return Ok(());
        }
        let notes = changes.notes.iter().map(|(key, note)| Ok((key, note.to_json()?)));
        let notes: Vec<_> = notes.collect::<serde_json::Result<_>>().map_err(|error| {
            CacheError::caused_by(CacheErrorKind::Refused, "writing a note", error)
        })?;
        self.write("taking notes", |transaction| {
            transaction.execute(TABLE, [])?;
            let mut forget = transaction.prepare_cached("DELETE FROM notes WHERE key = ?1")?;
            for key in &changes.forget {
                forget.execute([key])?;
            }
            let mut take = transaction
                .prepare_cached("INSERT OR REPLACE INTO notes (key, note) VALUES (?1, ?2)")?;
            for (key, note) in &notes {
                take.execute((key, note))?;
            }
            Ok(())
        })
    }

    fn forget_all(&self) -> Result<(), CacheError> {
        self.write("forgetting notes", |transaction| {
            if has_table(transaction, "notes")? {
                transaction.execute("DELETE FROM notes", [])?;
            }
            Ok(())
        })
    }
}
