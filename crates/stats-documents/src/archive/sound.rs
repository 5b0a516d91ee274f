//! Whether rows are as they were written, and whether a table and its indices agree. An index that
//! leaves a row out, or leads elsewhere, makes an empty or another answer of a whole one, and SQLite
//! alone does not notice: so each small table is checked once, before the first answer from it is
//! believed. Rows of documents are checked one by one, when they are read.

use rusqlite::Connection;
use stats_sqlite::table_check;

use super::failure::{DoingWithFile, Result, damaged};
use super::schema::{CHECKED_FORMAT, format_of};
use super::{Archive, lock};

/// The small tables: as many rows as there are shelves, bookmarks, communities and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Shelves,
    Bookmarks,
    Communities,
    Events,
}

/// What `documents.checked` is. Its parameters stand for columns that are written at the same time.
pub(super) const DOCUMENT_CHECK: &str =
    "row_check(5, shelf, day, id, kind, sequence, origin, digest, plain, stored, body, mark)";

impl Table {
    pub(super) const ALL: [Self; 4] =
        [Self::Shelves, Self::Bookmarks, Self::Communities, Self::Events];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Shelves => "shelves",
            Self::Bookmarks => "bookmarks",
            Self::Communities => "communities",
            Self::Events => "events",
        }
    }

    /// What `checked` is, from the columns of a row. Of a shelf only what answers are made of.
    pub(super) const fn check(self) -> &'static str {
        match self {
            Self::Shelves => {
                "row_check(1, kind, community, year, documents, highest, total, changed)"
            }
            Self::Bookmarks => "row_check(2, id, kind, community, day)",
            Self::Communities => {
                "row_check(3, id, slug, title, created, visibility, deletion, dashboard_enabled, \
                 dashboard_layout)"
            }
            Self::Events => "row_check(4, id, community, day, record_created)",
        }
    }
}

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
