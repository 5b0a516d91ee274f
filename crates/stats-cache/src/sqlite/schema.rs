//! The file: made for its owner only, recognised by its numbers, opened by several processes.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::SqliteOptions;
use super::error::ResultExt;
use crate::{CacheError, CacheErrorKind};

/// `CSca`: tells our files from other SQLite databases.
const APPLICATION_ID: i32 = 0x4353_6361;

/// The layout of the tables. A file with a higher number was written by a newer program.
const FORMAT_VERSION: i32 = 1;

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
    sha256 BLOB
) STRICT;
CREATE INDEX entries_by_response ON entries (community, year);
CREATE INDEX entries_by_expiry ON entries (expires) WHERE expires IS NOT NULL;
CREATE TABLE bodies (
    entry INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
";

/// Makes the file if there is none, checks that it is one of ours and of a known format, and
/// returns the connection that writes.
pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Connection, CacheError> {
    make_file(path)?;
    let doing = || format!("opening the response store {}", path.display());
    let mut connection = connect(path, options)?;
    // Nothing may be changed in a file before it is known to be ours.
    if is_fresh(&connection).doing(doing)? {
        create(&mut connection, options.busy_timeout).doing(doing)?;
    }
    check_numbers(&connection, path)?;
    if let Some(bytes) = options.max_bytes {
        limit_size(&connection, bytes).doing(doing)?;
    }
    Ok(connection)
}

/// One more connection to a file that [`open`] has checked.
pub(super) fn connect(path: &Path, options: &SqliteOptions) -> Result<Connection, CacheError> {
    let doing = || format!("opening the response store {}", path.display());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).doing(doing)?;
    connection.busy_timeout(options.busy_timeout).doing(doing)?;
    // Else SQLite plans a statement anew whenever its parameters change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).doing(doing)?;
    // In WAL mode a lost power supply can take back the last commits, never damage the file:
    // right for what can be generated again.
    connection.pragma_update(None, "synchronous", "NORMAL").doing(doing)?;
    // Moving pages from the log to the file waits for the disk: seldom, and many at once.
    connection.pragma_update(None, "wal_autocheckpoint", 16_384).doing(doing)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).doing(doing)?;
    Ok(connection)
}

fn make_file(path: &Path) -> Result<(), CacheError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // SQLite gives its -wal and -shm files the mode of the main file.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            let kind = match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    CacheErrorKind::Refused
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => CacheErrorKind::Full,
                _ => CacheErrorKind::Unreachable,
            };
            let doing = format!("creating the response store {}", path.display());
            Err(CacheError::caused_by(kind, doing, error))
        }
    }
}

fn is_fresh(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(number(connection, "application_id")? == 0
        && number(connection, "user_version")? == 0
        && number(connection, "schema_version")? == 0)
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

fn create(connection: &mut Connection, patience: Duration) -> rusqlite::Result<()> {
    // Has to come before the first page is written. Room of removed bodies can then be given back.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    switch_to_wal(connection, patience)?;
    // Another process may be doing the same: whoever gets the write lock second finds it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_fresh(&transaction)? {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
    }
    transaction.commit()
}

/// SQLite does not always wait for other processes when the journal mode changes.
fn switch_to_wal(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < patience =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

fn check_numbers(connection: &Connection, path: &Path) -> Result<(), CacheError> {
    let doing = || format!("opening the response store {}", path.display());
    let application_id = number(connection, "application_id").doing(doing)?;
    if application_id != APPLICATION_ID {
        return Err(CacheError::new(
            CacheErrorKind::Damaged,
            format!("{} is a database of another program, not a response store", path.display()),
        ));
    }
    let version = number(connection, "user_version").doing(doing)?;
    if version > FORMAT_VERSION {
        return Err(CacheError::new(
            CacheErrorKind::NewerFormat,
            format!(
                "the response store {} has format {version}, and this program knows formats up to \
                 {FORMAT_VERSION}: use the newer program, or another file",
                path.display()
            ),
        ));
    }
    if version != FORMAT_VERSION {
        return Err(CacheError::new(
            CacheErrorKind::Damaged,
            format!("the response store {} has the impossible format {version}", path.display()),
        ));
    }
    Ok(())
}

fn limit_size(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page_size = u64::try_from(number(connection, "page_size")?).unwrap_or(4096).max(512);
    let pages = i64::try_from(bytes / page_size).unwrap_or(i64::MAX).clamp(1, 0xffff_fffe);
    // The answer is the limit in force, which is never below the present size.
    connection.pragma(None, "max_page_count", pages, |_| Ok(()))
}
