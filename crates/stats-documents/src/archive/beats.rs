//! Whether anybody wrote to an archive, without a look at its tables.

use stats_model::{Position, PositionMark};
use stats_sqlite::file_identity;

use super::connection::{Connected, connected, next_number};
use super::failure::{DoingWithFile, Result};
use super::handle::Archive;
use super::schema::Access;
use crate::locked::lock;

impl Archive {
    /// How often anybody wrote to the file that lies there now, since it was looked at first.
    pub(super) fn beats(&self) -> Result<Position> {
        let mut watched = lock(&self.watched);
        let there = file_identity(&self.path);
        let stands = |known: &Connected| known.file == there && known.unchanging.holds();
        if !watched.connection.as_ref().is_some_and(stands) {
            let access = if self.read_only { Access::Read } else { Access::Write };
            // Without a connection, whatever was known is not known any more.
            watched.connection = None;
            watched.connection = Some(connected(&self.path, access, &self.options)?);
            watched.number = next_number();
        }
        let number = watched.number;
        let Some(Connected { connection, .. }) = &watched.connection else {
            return Ok(Position::default());
        };
        let beats: u64 = connection
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .doing("read", &self.path)?;
        Ok(Position(vec![PositionMark::written(format!("connection {number}"), beats)]))
    }
}
