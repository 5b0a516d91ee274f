//! What shows that the rows of each table are as they were written.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use stats_sqlite::RowCheck;

/// The small tables: as many rows as there are shelves, bookmarks, communities and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Shelves,
    Bookmarks,
    Communities,
    Events,
}

/// What the check of a row of documents says first.
pub(super) const DOCUMENT: i64 = 5;

/// Rows of documents, looked at one by one as they are read. What `checked` is of them is worked out
/// here and not by SQLite, which calls a function of so many columns for as much as it takes to read
/// the row.
pub(super) struct DocumentRows {
    carry_checks: bool,
    check: RowCheck,
}

impl DocumentRows {
    /// Where the columns with these names stand.
    pub(super) const DAY: usize = 1;
    pub(super) const ID: usize = 2;
    pub(super) const SEQUENCE: usize = 4;
    pub(super) const ORIGIN: usize = 5;
    pub(super) const PLAIN: usize = 7;
    pub(super) const MARK: usize = 10;
    const CHECKED: usize = 11;
    /// Where the columns begin that a query asks for besides.
    pub(super) const FURTHER: usize = 12;

    /// Of a file whose rows carry checks, or not.
    pub(super) fn new(carry_checks: bool) -> Self {
        Self { carry_checks, check: RowCheck::new() }
    }

    /// The columns that a query has to ask for first.
    pub(super) const fn columns(&self) -> &'static str {
        match self.carry_checks {
            true => {
                "shelf, day, id, kind, sequence, origin, digest, plain, stored, body, mark, checked"
            }
            false => {
                "shelf, day, id, kind, sequence, origin, digest, plain, stored, body, NULL, NULL"
            }
        }
    }

    /// Whether a row is as it was written; true also where that cannot be told.
    pub(super) fn is_as_written(&mut self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let Some(checked) = row.get::<_, Option<i64>>(Self::CHECKED)? else { return Ok(true) };
        self.check.begin_again();
        self.check.value(ValueRef::Integer(DOCUMENT));
        for column in 0..Self::CHECKED {
            self.check.value(row.get_ref(column)?);
        }
        Ok(self.check.finish() == checked)
    }
}

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
