//! The file: made for its owner only, recognised by its numbers, opened by several processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use stats_sqlite::{
    Found, Layout, ReadConnection, close_to_others, limit_size, make_private, open_to_write, place,
    table_check, write_through_log,
};

use super::error::ResultExt;
use crate::ledger::error::{LedgerError, LedgerErrorKind};

/// How a ledger in a file behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteLedgerOptions {
    /// How long a call waits for another process that writes, before it is an error of kind
    /// [`Busy`](LedgerErrorKind::Busy).
    pub busy_timeout: Duration,
    /// The size in bytes that the file may reach; beyond, writing is an error of kind
    /// [`Full`](LedgerErrorKind::Full). `None`: as much as the disk holds.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteLedgerOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(10), max_bytes: None }
    }
}

/// `CSle`: tells our files from other SQLite databases.
pub(super) const APPLICATION_ID: i32 = 0x4353_6c65;

/// The layout of the tables. A file with a higher number was written by a newer program.
const FORMAT_VERSION: i32 = 1;

const LAYOUT: Layout =
    Layout { application_id: APPLICATION_ID, oldest: 1, present: FORMAT_VERSION };

/// `told` counts the outcomes that were ever written of a run, `kept` those that are there. Times are
/// milliseconds since 1970. What is read as a whole is JSON.
const TABLES: &str = "
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    begun TEXT NOT NULL,
    last_sign INTEGER NOT NULL,
    ended INTEGER,
    state TEXT NOT NULL,
    planned INTEGER NOT NULL,
    done INTEGER NOT NULL,
    counts TEXT NOT NULL,
    error TEXT,
    cancel_asked INTEGER NOT NULL,
    told INTEGER NOT NULL,
    kept INTEGER NOT NULL
) STRICT;
CREATE TABLE outcomes (
    run INTEGER NOT NULL,
    place INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    worker TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Makes the file if there is none, checks that it is one of ours and of a known format, and returns
/// the connection that writes.
pub(super) fn open(path: &Path, options: &SqliteLedgerOptions) -> Result<Connection, LedgerError> {
    let doing = || doing(path);
    find_place(path)?;
    make_private(path).map_err(|error| {
        let kind = LedgerErrorKind::of_file(&error);
        LedgerError::caused_by(kind, format!("creating the ledger {}", path.display()), error)
    })?;
    for file in with_companions(path) {
        close_to_others(&file);
    }
    let connection = open_to_write(path, options.busy_timeout).doing(doing)?;
    write_through_log(&connection).doing(doing)?;
    // Nothing may be changed in a file before it is known to be ours.
    let mut found = LAYOUT.look(&connection).doing(doing)?;
    if found == Found::Nothing {
        let tables = |made: &Transaction<'_>| made.execute_batch(TABLES);
        LAYOUT.make(&connection, options.busy_timeout, tables).doing(doing)?;
        found = LAYOUT.look(&connection).doing(doing)?;
    }
    recognise(found, path)?;
    if let Some(bytes) = options.max_bytes {
        limit_size(&connection, bytes).doing(doing)?;
    }
    Ok(connection)
}

/// A connection to read with, also where nothing may be written.
pub(super) fn open_read_only(
    path: &Path,
    options: &SqliteLedgerOptions,
) -> Result<ReadConnection, LedgerError> {
    let doing = || doing(path);
    find_place(path)?;
    let connection = stats_sqlite::open_read_only(path, options.busy_timeout).doing(doing)?;
    recognise(LAYOUT.look(connection.get()).doing(doing)?, path)?;
    Ok(connection)
}

/// Whether the small tables are sound: seldom, and before anything is written. What is wrong with the
/// outcomes shows when they are read.
pub(super) fn check_structure(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    for table in ["runs", "workers"] {
        let findings = table_check(connection, table).doing(|| doing(path))?;
        if let Some(finding) = findings.first() {
            let text = format!("the ledger {} is damaged: {finding}", path.display());
            return Err(LedgerError::new(LedgerErrorKind::Damaged, text));
        }
    }
    Ok(())
}

fn find_place(path: &Path) -> Result<(), LedgerError> {
    place(path).map(drop).map_err(|error| LedgerError::caused_by(error.kind(), doing(path), error))
}

/// The file, and those that SQLite keeps beside it.
fn with_companions(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    })
}

fn doing(path: &Path) -> String {
    format!("opening the ledger {}", path.display())
}

/// Whether the file is one of ours and of a known format.
fn recognise(found: Found, path: &Path) -> Result<(), LedgerError> {
    let path = path.display();
    let damaged = |text: String| Err(LedgerError::new(LedgerErrorKind::Damaged, text));
    match found {
        Found::Format(_) => Ok(()),
        Found::Newer(version) => Err(LedgerError::new(
            LedgerErrorKind::NewerFormat,
            format!(
                "the ledger {path} has format {version}, and this program knows formats up to \
                 {FORMAT_VERSION}: use the newer program, or another file"
            ),
        )),
        Found::Impossible(version) => {
            damaged(format!("the ledger {path} has the impossible format {version}"))
        }
        Found::Nothing => {
            let text = format!("the ledger {path} holds nothing yet: its making was broken off");
            Err(LedgerError::new(LedgerErrorKind::Unreachable, text))
        }
        Found::Foreign => damaged(format!("{path} is a database of another program, not a ledger")),
    }
}
