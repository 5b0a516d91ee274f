//! What makes a file an archive of this format.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction};
use stats_model::DocumentKind;
use stats_sqlite::{
    Found, Layout, Place, ReadConnection, Unchanging, close_to_others, make_private, open_to_write,
    place, teach_row_check, write_through_log,
};

use super::checks::Table;
use super::failure::{DoingWithFile, Result, damaged, misplaced, not_made};
use super::tables::{FROM_1, FROM_2, FROM_3, IMPORTS, TABLES};
use crate::{Amiss, SourceError, SourceErrorKind};

/// The format that this program writes, kept in `PRAGMA user_version`.
///
/// * 1: the tables below; every body is a zstd frame.
/// * 2: large bodies are packed with LZ4; what evicted shelves held is kept.
/// * 3: imports that are open, and the prefix of the index names.
/// * 4: rows show that they are as they were written.
pub(crate) const FORMAT: i32 = 4;

/// The format since which imports that are open are kept.
pub(super) const IMPORTS_FORMAT: i32 = 3;

/// The format since which rows carry checks.
pub(super) const CHECKED_FORMAT: i32 = 4;

/// The oldest format that this program reads. Opened to be written to, such a file becomes one of
/// the present format.
const OLDEST_FORMAT: i32 = 1;

/// `CSar`, kept in `PRAGMA application_id`: tells an archive from any other SQLite file.
pub(super) const APPLICATION_ID: i32 = 0x4353_6172;

const LAYOUT: Layout =
    Layout { application_id: APPLICATION_ID, oldest: OLDEST_FORMAT, present: FORMAT };

/// How a kind is written in the file. Never reuse or renumber.
pub(crate) const fn code_of(kind: DocumentKind) -> i64 {
    match kind {
        DocumentKind::RecordDelta => 1,
        DocumentKind::RecordSnapshot => 2,
        DocumentKind::UsageDelta => 3,
        DocumentKind::UsageSnapshot => 4,
    }
}

/// The kind that is written as `code`.
pub(crate) fn kind_of(code: i64) -> Option<DocumentKind> {
    DocumentKind::ALL.into_iter().find(|kind| code_of(*kind) == code)
}

/// How a connection is going to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Only to read; the file must exist.
    Read,
    /// To write; the file must exist.
    Write,
    /// To write; the file is created when it is missing.
    Create,
}

/// Opens a connection and makes sure that the file is an archive of a format we know.
pub(crate) fn connect(
    path: &Path,
    access: Access,
    busy_timeout: Duration,
) -> Result<(Connection, Unchanging)> {
    match place(path).map_err(misplaced)? {
        Place::File(_) => {}
        Place::Nothing if access == Access::Create => {
            make_private(path).map_err(|error| not_made(error, path))?;
        }
        Place::Nothing => {
            return Err(SourceError::new(
                SourceErrorKind::Own(Amiss::NotFound),
                format!("there is no archive at {}", path.display()),
            ));
        }
    }
    let opened = match access {
        Access::Read => {
            stats_sqlite::open_read_only(path, busy_timeout).map(ReadConnection::into_parts)
        }
        Access::Write | Access::Create => {
            let connection = open_to_write(path, busy_timeout);
            connection.map(|connection| (connection, Unchanging::default()))
        }
    };
    let (connection, unchanging) = opened.doing("open", path)?;
    teach_row_check(&connection).doing("open", path)?;
    connection.set_prepared_statement_cache_capacity(64);
    match format(LAYOUT.look(&connection).doing("open", path)?, path)? {
        Some(FORMAT) => {}
        Some(_) if access == Access::Read => {}
        Some(_) => LAYOUT.upgrade(&connection, add_what_lacks).doing("open", path)?,
        None if access == Access::Create => {
            LAYOUT.make(&connection, busy_timeout, make_tables).doing("create", path)?;
        }
        None => wait_for_tables(&connection, path, busy_timeout)?,
    }
    if access != Access::Read {
        close_to_others(path);
        write_through_log(&connection).doing("open", path)?;
    }
    Ok((connection, unchanging))
}

/// A file without tables: another process is making it, if it holds some soon.
fn wait_for_tables(connection: &Connection, path: &Path, busy_timeout: Duration) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < busy_timeout.min(MAKING) {
        thread::sleep(Duration::from_millis(10));
        if format(LAYOUT.look(connection).doing("open", path)?, path)?.is_some() {
            return Ok(());
        }
    }
    let text = format!(
        "the archive {} is empty: nothing was imported yet, or making it was broken off",
        path.display()
    );
    Err(SourceError::new(SourceErrorKind::Own(Amiss::NotFound), text))
}

/// Making the tables takes no longer than this.
const MAKING: Duration = Duration::from_secs(3);

/// The format of an archive; `None` for a file that holds nothing. Refuses files of other programs
/// and of newer formats.
fn format(found: Found, path: &Path) -> Result<Option<i32>> {
    match found {
        Found::Nothing => Ok(None),
        Found::Format(format) => Ok(Some(format)),
        Found::Newer(newer) => Err(SourceError::new(
            SourceErrorKind::NewerFormat,
            format!(
                "the archive {} has format {newer}, this program knows formats up to {FORMAT}: \
                 use the newer version that wrote it",
                path.display()
            ),
        )),
        Found::Impossible(other) => {
            Err(damaged(path, format_args!("it claims to have format {other}")))
        }
        Found::Foreign => Err(SourceError::new(
            SourceErrorKind::Damaged,
            format!("{} is no archive, but a database of another program", path.display()),
        )),
    }
}

fn make_tables(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(IMPORTS)?;
    transaction.execute(
        "INSERT INTO archive (only, history, sequence) VALUES (1, lower(hex(randomblob(16))), 0)",
        [],
    )?;
    Ok(())
}

/// Makes an archive of an older format one of the present format.
fn add_what_lacks(transaction: &Transaction<'_>, format: i32) -> rusqlite::Result<()> {
    if format < 2 {
        transaction.execute_batch(FROM_1)?;
    }
    if format < 3 {
        transaction.execute_batch(FROM_2)?;
        transaction.execute_batch(IMPORTS)?;
    }
    if format < FORMAT {
        transaction.execute_batch(FROM_3)?;
        for table in Table::ALL {
            let (name, check) = (table.name(), table.check());
            transaction.execute(&format!("UPDATE {name} SET checked = {check}"), [])?;
        }
    }
    Ok(())
}

/// The format of a file: another process may bring it up to date at any time.
pub(super) fn format_of(connection: &Connection) -> rusqlite::Result<i32> {
    connection.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))
}
