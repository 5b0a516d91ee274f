//! The file: made for its owner only, recognised by its numbers, opened by several processes.

use rusqlite::Transaction;
use stats_sqlite::{FileKind, Layout};

use super::row::{self, Format};

/// `CSca`: tells our files from other SQLite databases.
const APPLICATION_ID: i32 = 0x4353_6361;

/// The layout of the tables. A file with a higher number was written by a newer program.
///
/// * 1: the tables below, without checks.
/// * 2: every row of `entries` carries a check over what it says.
const FORMAT_VERSION: i32 = 2;

const LAYOUT: Layout =
    Layout { application_id: APPLICATION_ID, oldest: 1, present: FORMAT_VERSION };

/// Bodies lie in a table of their own, so that pages with descriptions stay dense and `list` and
/// `describe` never walk through a body.
const TABLES: &str = "
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    format INTEGER NOT NULL,
    community TEXT NOT NULL,
    year INTEGER NOT NULL,
    category TEXT NOT NULL,
    created INTEGER,
    expires INTEGER,
    data_through TEXT,
    origin TEXT,
    plain_length INTEGER NOT NULL,
    stored_length INTEGER NOT NULL,
    sha256 BLOB,
    \"check\" INTEGER
) STRICT;
CREATE INDEX entries_by_response ON entries (community, year);
CREATE INDEX entries_by_expiry ON entries (expires) WHERE expires IS NOT NULL;
CREATE TABLE bodies (
    entry INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
";

/// What a file of responses is.
pub(super) const STORE: FileKind = FileKind {
    name: "response store",
    layout: LAYOUT,
    tables: TABLES,
    upgrade: add_checks,
    checked: &["entries"],
    // It can be generated again.
    durable: false,
};

/// Whether there is a table of this name: some are made only when there is something for them.
pub(super) fn has_table(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1")?.exists([name])
}

/// What a file of version 1 lacks.
fn add_checks(transaction: &Transaction<'_>, _: i32) -> rusqlite::Result<()> {
    transaction.execute_batch("ALTER TABLE entries ADD COLUMN \"check\" INTEGER")?;
    let mut select = transaction
        .prepare(&format!("SELECT {}, id FROM entries", row::columns(Format::Unchecked)))?;
    let checks = select
        .query_map([], |found| Ok((found.get::<_, i64>("id")?, row::check_of(found)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut update = transaction.prepare("UPDATE entries SET \"check\" = ?2 WHERE id = ?1")?;
    for check in checks {
        update.execute(check)?;
    }
    Ok(())
}

/// What the rows of a file carry.
pub(super) const fn carried(format: i32) -> Format {
    if format < 2 { Format::Unchecked } else { Format::Checked }
}
