//! The fence in the file of the store: a row that names the last run, in a table of its own, made when
//! there is a run. Programs that do not know it leave it alone.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction};

use super::schema::has_table;
use crate::{CacheError, Lease};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS fence (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    token TEXT NOT NULL
) STRICT";

/// What the writes of a run are held against: the row is its own, and the lock is still held.
///
/// Both are looked at in the transaction that writes. Of the lock alone a process could be sure that is
/// stopped between the look and the end of its transaction; but then it keeps all others from writing,
/// and so from coming past [`raise`](Self::raise), until it has ended. The row alone would not tell that
/// the lock was taken away, nor of a successor that knows no fence.
#[derive(Clone)]
pub(super) struct Fence(pub(super) Arc<dyn Lease>);

/// Whether a lease holds, as far as that can be told.
pub(super) type Held = Result<bool, CacheError>;

impl Fence {
    /// Names this run as the last one, if it has the lock. That is asked in the transaction: whoever
    /// is named was the holder when all earlier ones had been named.
    pub(super) fn raise(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Held> {
        let held = self.0.still_held();
        if let Ok(true) = held {
            transaction.execute(TABLE, [])?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO fence (id, token) VALUES (1, ?1)")?
                .execute([self.0.token()])?;
        }
        Ok(held)
    }

    /// Whether this run may write. In a file that came in the place of the one in which it was named,
    /// it is named anew.
    pub(super) fn lets_write(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Held> {
        match last_token(transaction)? {
            None => self.raise(transaction),
            Some(token) if token == self.0.token() => Ok(self.0.still_held()),
            Some(_) => Ok(Ok(false)),
        }
    }
}

fn last_token(transaction: &Transaction<'_>) -> rusqlite::Result<Option<String>> {
    match transaction.prepare_cached("SELECT token FROM fence WHERE id = 1") {
        Ok(mut select) => select.query_row([], |row| row.get(0)).optional(),
        Err(_) if !has_table(transaction, "fence")? => Ok(None),
        Err(error) => Err(error),
    }
}
