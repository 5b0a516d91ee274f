//! The file: made for its owner only, recognised by its numbers, opened by several processes.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction};
use stats_sqlite::{
    Found, Layout, ReadConnection, close_to_others, limit_size, make_private, open_to_write, place,
    table_check, write_through_log,
};

use super::error::{ResultExt, misplaced, not_made};
use super::options::SqliteOptions;
use super::row::{self, Format};
use crate::{CacheError, CacheErrorKind};

/// `CSca`: tells our files from other SQLite databases.
pub(super) const APPLICATION_ID: i32 = 0x4353_6361;

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

/// Makes the file if there is none, checks that it is one of ours and of a known format, and
/// returns the connection that writes. A file of an older format becomes one of the present.
pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Connection, CacheError> {
    place(path).map_err(misplaced)?;
    make_private(path).map_err(|error| not_made(error, path))?;
    for file in with_companions(path) {
        close_to_others(&file);
    }
    let doing = || doing(path);
    let connection = open_to_write(path, options.busy_timeout).doing(doing)?;
    // Right for what can be generated again.
    write_through_log(&connection).doing(doing)?;
    // Nothing may be changed in a file before it is known to be ours.
    let mut found = LAYOUT.look(&connection).doing(doing)?;
    if found == Found::Nothing {
        let tables = |made: &Transaction<'_>| made.execute_batch(TABLES);
        LAYOUT.make(&connection, options.busy_timeout, tables).doing(doing)?;
        found = LAYOUT.look(&connection).doing(doing)?;
    }
    if format(found, path)? == Format::Unchecked {
        LAYOUT.upgrade(&connection, add_checks).doing(doing)?;
    }
    if let Some(bytes) = options.max_bytes {
        limit_size(&connection, bytes).doing(doing)?;
    }
    Ok(connection)
}

/// The file, and those that SQLite keeps beside it.
fn with_companions(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    })
}

/// Whether table and indices of the descriptions are sound: seldom, and before anything is stored.
pub(super) fn check_structure(connection: &Connection, path: &Path) -> Result<(), CacheError> {
    match table_check(connection, "entries").doing(|| doing(path))?.first() {
        None => Ok(()),
        Some(finding) => {
            let text = format!("the response store {} is damaged: {finding}", path.display());
            Err(CacheError::new(CacheErrorKind::Damaged, text))
        }
    }
}

/// A connection to read with, also where nothing may be written, and what the rows carry.
pub(super) fn open_read_only(
    path: &Path,
    options: &SqliteOptions,
) -> Result<(ReadConnection, Format), CacheError> {
    let doing = || doing(path);
    place(path).map_err(misplaced)?;
    let connection = stats_sqlite::open_read_only(path, options.busy_timeout).doing(doing)?;
    let found = LAYOUT.look(connection.get()).doing(doing)?;
    Ok((connection, format(found, path)?))
}

/// Whether there is a file that holds nothing: one whose making was broken off.
pub(super) fn is_unmade(path: &Path) -> bool {
    let opened = stats_sqlite::open_read_only(path, SqliteOptions::default().busy_timeout);
    opened.and_then(|file| LAYOUT.look(file.get())).is_ok_and(|found| found == Found::Nothing)
}

/// Whether there is a table of this name: some are made only when there is something for them.
pub(super) fn has_table(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1")?.exists([name])
}

fn doing(path: &Path) -> String {
    format!("opening the response store {}", path.display())
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

/// What the rows of the file carry, if it is one of ours and of a known format.
fn format(found: Found, path: &Path) -> Result<Format, CacheError> {
    let path = path.display();
    let damaged = |text: String| Err(CacheError::new(CacheErrorKind::Damaged, text));
    match found {
        Found::Format(1) => Ok(Format::Unchecked),
        Found::Format(_) => Ok(Format::Checked),
        Found::Newer(version) => Err(CacheError::new(
            CacheErrorKind::NewerFormat,
            format!(
                "the response store {path} has format {version}, and this program knows formats up \
                 to {FORMAT_VERSION}: use the newer program, or another file"
            ),
        )),
        Found::Impossible(version) => {
            damaged(format!("the response store {path} has the impossible format {version}"))
        }
        Found::Nothing | Found::Foreign => {
            damaged(format!("{path} is a database of another program, not a response store"))
        }
    }
}
