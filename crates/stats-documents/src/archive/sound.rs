//! Whether rows are as they were written, and whether a table and its indices agree. An index that
//! leaves a row out, or leads elsewhere, makes an empty or another answer of a whole one, and SQLite
//! alone does not notice: so each small table is checked once, before the first answer from it is
//! believed. Rows of documents are checked one by one, when they are read.

use rusqlite::Connection;
use stats_sqlite::table_check;

use super::checks::Table;
use super::failure::{DoingWithFile, Result, damaged};
use super::handle::Archive;
use super::schema::{CHECKED_FORMAT, format_of};
use crate::locked::lock;

/// Whether the rows of this file carry checks; those of an older format that is only read do not.
pub(super) fn carries_checks(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(format_of(connection)? >= CHECKED_FORMAT)
}

impl Archive {
    /// Checks a table, unless that was done since the file was opened.
    pub(super) fn make_sure(&self, table: Table, snapshot: &Connection) -> Result<()> {
        if lock(&self.sound).contains(&table) {
            return Ok(());
        }
        let name = table.name();
        let findings = table_check(snapshot, name).doing("check", self.path())?;
        if let Some(finding) = findings.first() {
            return Err(damaged(self.path(), format_args!("the table {name}: {finding}")));
        }
        let altered = altered_rows(table, snapshot).doing("check", self.path())?;
        if altered > 0 {
            let what = format_args!("{altered} rows of the table {name} are not as written");
            return Err(damaged(self.path(), what));
        }
        lock(&self.sound).insert(table);
        Ok(())
    }
}

fn altered_rows(table: Table, snapshot: &Connection) -> rusqlite::Result<u64> {
    if !carries_checks(snapshot)? {
        return Ok(0);
    }
    let (name, check) = (table.name(), table.check());
    let altered = format!("SELECT count(*) FROM {name} NOT INDEXED WHERE checked <> {check}");
    snapshot.query_row(&altered, [], |row| row.get(0))
}
