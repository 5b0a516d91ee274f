//! Shelves while a transaction writes to them: their numbers are kept in memory and written once,
//! just before the commit.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use stats_model::{DocumentKind, Fingerprint};

use super::schema::code_of;
use super::time::now;

/// The numbers of one shelf.
#[derive(Debug, Clone)]
struct State {
    fingerprint: Fingerprint,
    /// The document with the highest number went away: ask which one is now.
    highest_left: bool,
    changed: u64,
    plain: u64,
    stored: u64,
    /// What the mirror remembered of the shelf no longer holds.
    forget_remote: bool,
    dirty: bool,
}

/// What one document adds to its shelf.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight {
    pub(crate) sequence: u64,
    pub(crate) plain: u64,
    pub(crate) stored: u64,
}

/// The shelves that the present transaction touched.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    numbers: HashMap<(DocumentKind, i16), HashMap<String, i64>>,
    states: HashMap<i64, State>,
}

const STATE: &str = "documents, highest, total, changed, plain, stored";

fn state_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<State> {
    Ok(State {
        fingerprint: Fingerprint { count: row.get(0)?, max: row.get(1)?, sum: row.get(2)? },
        highest_left: false,
        changed: row.get(3)?,
        plain: row.get(4)?,
        stored: row.get(5)?,
        forget_remote: false,
        dirty: false,
    })
}

impl Shelves {
    /// The number of a shelf in the archive, which is made when it is missing.
    pub(crate) fn number(
        &mut self,
        connection: &Connection,
        kind: DocumentKind,
        community: &str,
        year: i16,
    ) -> rusqlite::Result<i64> {
        let communities = self.numbers.entry((kind, year)).or_default();
        if let Some(number) = communities.get(community) {
            return Ok(*number);
        }
        let known = connection
            .prepare_cached(
                "SELECT shelf FROM shelves WHERE kind = ?1 AND community = ?2 AND year = ?3",
            )?
            .query_row((code_of(kind), community, year), |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => {
                connection
                    .prepare_cached(
                        "INSERT INTO shelves (kind, community, year, documents, highest, total,
                                              changed, plain, stored, used, checked)
                         VALUES (?1, ?2, ?3, 0, 0, 0, 0, 0, 0, ?4,
                                 row_check(1, ?1, ?2, ?3, 0, 0, 0, 0))",
                    )?
                    .execute((code_of(kind), community, year, now()))?;
                connection.last_insert_rowid()
            }
        };
        communities.insert(community.to_owned(), number);
        Ok(number)
    }

    /// A document came to the shelf.
    pub(crate) fn add(
        &mut self,
        connection: &Connection,
        shelf: i64,
        weight: Weight,
    ) -> rusqlite::Result<()> {
        let state = self.touched(connection, shelf, weight.sequence)?;
        state.fingerprint.count += 1;
        state.fingerprint.sum += weight.sequence;
        // A new number is above all others.
        state.fingerprint.max = weight.sequence;
        state.highest_left = false;
        state.plain += weight.plain;
        state.stored += weight.stored;
        Ok(())
    }

    /// A document went away by the operation with number `sequence`.
    pub(crate) fn take(
        &mut self,
        connection: &Connection,
        shelf: i64,
        weight: Weight,
        sequence: u64,
    ) -> rusqlite::Result<()> {
        let state = self.touched(connection, shelf, sequence)?;
        state.fingerprint.count = state.fingerprint.count.saturating_sub(1);
        state.fingerprint.sum = state.fingerprint.sum.saturating_sub(weight.sequence);
        state.highest_left |= state.fingerprint.max == weight.sequence;
        state.plain = state.plain.saturating_sub(weight.plain);
        state.stored = state.stored.saturating_sub(weight.stored);
        Ok(())
    }

    /// What a mirror remembered of the shelf no longer holds, though its documents are the same.
    pub(crate) fn forget_remote(
        &mut self,
        connection: &Connection,
        shelf: i64,
    ) -> rusqlite::Result<()> {
        let state = self.state(connection, shelf)?;
        state.forget_remote = true;
        state.dirty = true;
        Ok(())
    }

    fn touched(
        &mut self,
        connection: &Connection,
        shelf: i64,
        sequence: u64,
    ) -> rusqlite::Result<&mut State> {
        let state = self.state(connection, shelf)?;
        state.changed = sequence;
        state.forget_remote = true;
        state.dirty = true;
        Ok(state)
    }

    fn state(&mut self, connection: &Connection, shelf: i64) -> rusqlite::Result<&mut State> {
        match self.states.entry(shelf) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let state = connection
                    .prepare_cached(&format!("SELECT {STATE} FROM shelves WHERE shelf = ?1"))?
                    .query_row([shelf], state_from)?;
                Ok(entry.insert(state))
            }
        }
    }

    /// The shelves with documents that came or went after the number `before`.
    pub(crate) fn changed_after(&self, before: u64) -> impl Iterator<Item = i64> {
        let changed = self.states.iter().filter(move |(_, state)| state.changed > before);
        changed.map(|(shelf, _)| *shelf)
    }

    /// Writes the numbers of all touched shelves.
    pub(crate) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let now = now();
        for (shelf, state) in self.states.iter_mut().filter(|(_, state)| state.dirty) {
            if state.highest_left {
                state.fingerprint.max = connection
                    .prepare_cached(
                        "SELECT coalesce(max(sequence), 0) FROM documents WHERE shelf = ?1",
                    )?
                    .query_row([shelf], |row| row.get(0))?;
                state.highest_left = false;
            }
            connection
                .prepare_cached(
                    "UPDATE shelves SET documents = ?2, highest = ?3, total = ?4, changed = ?5,
                        plain = ?6, stored = ?7, used = ?8,
                        remote = CASE WHEN ?9 THEN NULL ELSE remote END, evicted = NULL,
                        checked = row_check(1, kind, community, year, ?2, ?3, ?4, ?5)
                     WHERE shelf = ?1",
                )?
                .execute((
                    shelf,
                    state.fingerprint.count,
                    state.fingerprint.max,
                    state.fingerprint.sum,
                    state.changed,
                    state.plain,
                    state.stored,
                    now,
                    state.forget_remote,
                ))?;
            state.forget_remote = false;
            state.dirty = false;
        }
        Ok(())
    }
}
