//! When shelves were last read.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::handle::Archive;
use crate::locked::lock;

impl Archive {
    /// What was used since it was last written down.
    pub(crate) fn take_used(&self) -> BTreeMap<i64, i64> {
        std::mem::take(&mut *lock(&self.used))
    }
}

/// Writes down when shelves were last read.
pub(crate) fn write_used(
    connection: &Connection,
    used: &BTreeMap<i64, i64>,
) -> rusqlite::Result<()> {
    for (shelf, time) in used {
        connection
            .prepare_cached("UPDATE shelves SET used = max(used, ?2) WHERE shelf = ?1")?
            .execute((shelf, time))?;
    }
    Ok(())
}
