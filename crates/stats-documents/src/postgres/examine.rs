//! What `doctor` wants to know of a database.

use jiff::Timestamp;

use super::PostgresCommunities;
use super::communities::field;
use crate::SourceError;

/// The columns of `communities_metadata` that are read.
pub const NEEDED_COLUMNS: [&str; 5] = ["id", "slug", "created", "json", "deletion_status"];

const SERVER: &str = "\
SELECT current_setting('server_version'), current_database()::text, pg_is_in_recovery(),
       floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
       to_regclass('communities_metadata') IS NOT NULL";

const COLUMNS: &str = "\
SELECT attname::text, format_type(atttypid, atttypmod)::text,
       has_column_privilege(attrelid, attnum, 'SELECT')
FROM pg_attribute
WHERE attrelid = to_regclass('communities_metadata') AND attnum > 0 AND NOT attisdropped
ORDER BY attnum";

/// What a database says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseReport {
    /// The version of the server, `15.15 (Debian 15.15-1)`.
    pub version: String,
    /// The database.
    pub database: String,
    /// Whether it is a standby, which may be behind.
    pub standby: bool,
    /// The server's clock, to the millisecond.
    pub clock: Timestamp,
    /// Whether there is a table `communities_metadata` where we look for it.
    pub table: bool,
    /// The columns of that table.
    pub columns: Vec<Column>,
}

/// A column of `communities_metadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type: `timestamp without time zone` for `created` up to InvenioRDM 13.
    pub data_type: String,
    /// Whether we may read it.
    pub readable: bool,
}

impl DatabaseReport {
    /// The [columns that are read](NEEDED_COLUMNS) and are not there.
    #[must_use]
    pub fn missing_columns(&self) -> Vec<&'static str> {
        let there = |name: &str| self.columns.iter().any(|column| column.name == name);
        NEEDED_COLUMNS.into_iter().filter(|name| !there(name)).collect()
    }

    /// The [columns that are read](NEEDED_COLUMNS) and that we may not read.
    #[must_use]
    pub fn unreadable_columns(&self) -> Vec<&str> {
        let needed = |column: &&Column| NEEDED_COLUMNS.contains(&column.name.as_str());
        let unreadable = self.columns.iter().filter(needed).filter(|column| !column.readable);
        unreadable.map(|column| column.name.as_str()).collect()
    }
}

impl PostgresCommunities {
    /// Looks at server, table and rights, without reading a community.
    ///
    /// # Errors
    /// When the database cannot be asked. A missing table or right is part of the report.
    pub fn examine(&self) -> Result<DatabaseReport, SourceError> {
        let doing = "examining the database";
        let columns = self.rows(doing, COLUMNS)?;
        let columns = columns.iter().map(|row| {
            let (name, data_type) = (field(row, 0)?, field(row, 1)?);
            Ok(Column { name, data_type, readable: field(row, 2)? })
        });
        let columns = columns.collect::<Result<_, SourceError>>()?;
        let rows = self.rows(doing, SERVER)?;
        let row = rows.first().ok_or_else(|| {
            SourceError::new(
                crate::SourceErrorKind::Own(crate::Amiss::Inconsistent),
                format!("{doing}: no answer"),
            )
        })?;
        Ok(DatabaseReport {
            version: field(row, 0)?,
            database: field(row, 1)?,
            standby: field(row, 2)?,
            clock: Timestamp::from_millisecond(field(row, 3)?).unwrap_or(Timestamp::UNIX_EPOCH),
            table: field(row, 4)?,
            columns,
        })
    }
}
