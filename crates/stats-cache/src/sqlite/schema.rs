//! The file: made for its owner only, recognised by its numbers, opened by several processes.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use stats_sqlite::{ReadConnection, place, table_check};

use super::error::{ResultExt, misplaced};
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
    make_file(path)?;
    close_to_others(path);
    let doing = || doing(path);
    let mut connection = connect(path, options)?;
    // Nothing may be changed in a file before it is known to be ours.
    if is_fresh(&connection).doing(doing)? {
        create(&mut connection, options.busy_timeout).doing(doing)?;
    }
    if format(&connection, path)? == Format::Unchecked {
        add_checks(&mut connection).doing(doing)?;
    }
    if let Some(bytes) = options.max_bytes {
        limit_size(&connection, bytes).doing(doing)?;
    }
    Ok(connection)
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
    let connection = stats_sqlite::open_read_only(path).doing(doing)?;
    prepare(connection.get(), options).doing(doing)?;
    let format = format(connection.get(), path)?;
    Ok((connection, format))
}

/// Whether there is a file that holds nothing: one whose making was broken off.
pub(super) fn is_unmade(path: &Path) -> bool {
    stats_sqlite::open_read_only(path).is_ok_and(|file| is_fresh(file.get()).unwrap_or(false))
}

fn doing(path: &Path) -> String {
    format!("opening the response store {}", path.display())
}

/// A connection that writes to a file that is there.
fn connect(path: &Path, options: &SqliteOptions) -> Result<Connection, CacheError> {
    let doing = || doing(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).doing(doing)?;
    prepare(&connection, options).doing(doing)?;
    // In WAL mode a lost power supply can take back the last commits, never damage the file:
    // right for what can be generated again.
    connection.pragma_update(None, "synchronous", "NORMAL").doing(doing)?;
    // Moving pages from the log to the file waits for the disk: seldom, and many at once.
    connection.pragma_update(None, "wal_autocheckpoint", 16_384).doing(doing)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).doing(doing)?;
    Ok(connection)
}

fn prepare(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    connection.busy_timeout(options.busy_timeout)?;
    // Else SQLite plans a statement anew whenever its parameters change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
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

/// Takes the rights of others away. A file of another owner keeps its rights, and opening it says what
/// is wrong.
#[cfg(unix)]
fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let file = Path::new(&name);
        if file.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
            drop(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)));
        }
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) {}

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

/// Makes a file of version 1 one of the present version, unless another process was faster.
fn add_checks(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if number(&transaction, "user_version")? == 1 {
        transaction.execute_batch("ALTER TABLE entries ADD COLUMN \"check\" INTEGER")?;
        let mut select = transaction
            .prepare(&format!("SELECT id, {} FROM entries", row::columns(Format::Unchecked)))?;
        let checks = select
            .query_map([], |found| Ok((found.get::<_, i64>(0)?, row::check_of(found)?)))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        drop(select);
        let mut update = transaction.prepare("UPDATE entries SET \"check\" = ?2 WHERE id = ?1")?;
        for check in checks {
            update.execute(check)?;
        }
        drop(update);
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

/// What the rows of the file carry, if it is one of ours and of a known format.
fn format(connection: &Connection, path: &Path) -> Result<Format, CacheError> {
    let doing = || doing(path);
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
    match version {
        1 => Ok(Format::Unchecked),
        FORMAT_VERSION => Ok(Format::Checked),
        _ => Err(CacheError::new(
            CacheErrorKind::Damaged,
            format!("the response store {} has the impossible format {version}", path.display()),
        )),
    }
}

fn limit_size(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page_size = u64::try_from(number(connection, "page_size")?).unwrap_or(4096).max(512);
    let pages = i64::try_from(bytes / page_size).unwrap_or(i64::MAX).clamp(1, 0xffff_fffe);
    // The answer is the limit in force, which is never below the present size.
    connection.pragma(None, "max_page_count", pages, |_| Ok(()))
}
