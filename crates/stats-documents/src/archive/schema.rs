//! The tables of the archive, and what makes a file an archive of this format.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use stats_model::DocumentKind;
use stats_sqlite::{Place, PlaceError, ReadConnection, Unchanging, place, teach_row_check};

use super::failure::{DoingWithFile, Result, damaged};
use super::sound::Table;
use crate::{SourceError, SourceErrorKind};

/// The format that this program writes, kept in `PRAGMA user_version`.
///
/// * 1: the tables below; every body is a zstd frame.
/// * 2: large bodies are packed with LZ4; what evicted shelves held is kept.
/// * 3: imports that are open, and the prefix of the index names.
/// * 4: rows show that they are as they were written.
pub(crate) const FORMAT: i64 = 4;

/// The format since which imports that are open are kept.
pub(super) const IMPORTS_FORMAT: i64 = 3;

/// The format since which rows carry checks.
pub(super) const CHECKED_FORMAT: i64 = 4;

/// The oldest format that this program reads. Opened to be written to, such a file becomes one of
/// the present format.
const OLDEST_FORMAT: i64 = 1;

/// `CSar`, kept in `PRAGMA application_id`: tells an archive from any other SQLite file.
pub(super) const APPLICATION_ID: i32 = 0x4353_6172;

/// `shelves` answers positions, changes and fingerprints; `documents` answers manifests, in the
/// order in which they are read; bodies lie apart, in the order in which they came.
///
/// `shelves.changed` is the last sequence number that touched the shelf, removals included, and
/// outlives the last document. `remote` is what a mirror remembers of the shelf in the index, and
/// is forgotten with every change; `evicted` is what that was when the shelf had to make room. Days
/// are numbers, `20250309`. `documents.mark` is the XXH3 of the plain document, so that a row and a
/// body that do not belong together are seen; `checked` is what `sound` makes of a row. Rows that
/// came from older formats may lack both.
const TABLES: &str = "
CREATE TABLE archive (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    history TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    index_prefix TEXT
) STRICT;

CREATE TABLE dictionaries (
    dictionary INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE shelves (
    shelf INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    community TEXT NOT NULL,
    year INTEGER NOT NULL,
    documents INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    total INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    plain INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    used INTEGER NOT NULL,
    remote TEXT,
    evicted TEXT,
    checked INTEGER,
    UNIQUE (kind, community, year)
) STRICT;
CREATE INDEX shelves_by_change ON shelves (kind, changed);
CREATE INDEX shelves_by_use ON shelves (used, shelf) WHERE documents > 0;

CREATE TABLE documents (
    shelf INTEGER NOT NULL,
    day INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    origin INTEGER,
    digest BLOB NOT NULL,
    plain INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    body INTEGER NOT NULL,
    mark INTEGER,
    checked INTEGER,
    PRIMARY KEY (shelf, day, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX documents_by_id ON documents (kind, id);

CREATE TABLE bodies (
    body INTEGER PRIMARY KEY,
    dictionary INTEGER,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE remembered (
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE communities (
    id TEXT PRIMARY KEY,
    slug TEXT,
    title TEXT,
    created INTEGER,
    visibility TEXT NOT NULL,
    deletion TEXT NOT NULL,
    dashboard_enabled INTEGER,
    dashboard_layout TEXT,
    checked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX communities_by_slug ON communities (slug);

CREATE TABLE bookmarks (
    id TEXT PRIMARY KEY,
    kind INTEGER NOT NULL,
    community TEXT NOT NULL,
    day INTEGER NOT NULL,
    checked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX bookmarks_by_kind ON bookmarks (kind, community);

CREATE TABLE events (
    id TEXT PRIMARY KEY,
    community TEXT NOT NULL,
    day INTEGER,
    record_created INTEGER,
    checked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_day ON events (community, day);
CREATE INDEX events_by_record ON events (record_created);
";

/// Imports that did not end yet (`lost` is 0) or ended with loss, the sequence numbers that they
/// gave away, and the shelves that they changed and that are not settled.
const IMPORTS: &str = "
CREATE TABLE imports (
    import INTEGER PRIMARY KEY AUTOINCREMENT,
    began INTEGER NOT NULL,
    lost INTEGER NOT NULL
) STRICT;

CREATE TABLE import_batches (
    import INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (import, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE import_shelves (
    shelf INTEGER NOT NULL,
    import INTEGER NOT NULL,
    PRIMARY KEY (shelf, import)
) STRICT, WITHOUT ROWID;
";

/// What a file of format 1 lacks.
const FROM_1: &str = "
ALTER TABLE shelves ADD COLUMN evicted TEXT;
CREATE INDEX shelves_by_use ON shelves (used, shelf) WHERE documents > 0;
";

/// What a file of format 2 lacks, besides the tables of imports.
const FROM_2: &str = "ALTER TABLE archive ADD COLUMN index_prefix TEXT;";

/// What a file of format 3 lacks.
const FROM_3: &str = "
ALTER TABLE shelves ADD COLUMN checked INTEGER;
ALTER TABLE documents ADD COLUMN mark INTEGER;
ALTER TABLE documents ADD COLUMN checked INTEGER;
ALTER TABLE communities ADD COLUMN checked INTEGER;
ALTER TABLE bookmarks ADD COLUMN checked INTEGER;
ALTER TABLE events ADD COLUMN checked INTEGER;
";

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
        Place::Nothing if access == Access::Create => create_for_owner_only(path)?,
        Place::Nothing => {
            return Err(SourceError::new(
                SourceErrorKind::NotFound,
                format!("there is no archive at {}", path.display()),
            ));
        }
    }
    let opened = match access {
        Access::Read => stats_sqlite::open_read_only(path).map(ReadConnection::into_parts),
        Access::Write | Access::Create => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags);
            connection.map(|connection| (connection, Unchanging::default()))
        }
    };
    let (connection, unchanging) = opened.doing("open", path)?;
    connection.busy_timeout(busy_timeout).doing("open", path)?;
    teach_row_check(&connection).doing("open", path)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Else SQLite plans a statement anew whenever its parameters change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).doing("open", path)?;
    match look(&connection, path)? {
        Found::Archive(FORMAT) => {}
        Found::Archive(_) if access == Access::Read => {}
        Found::Archive(_) => upgrade(&connection).doing("open", path)?,
        Found::Nothing if access == Access::Create => create(&connection, path, busy_timeout)?,
        Found::Nothing => wait_for_tables(&connection, path, busy_timeout)?,
    }
    if access != Access::Read {
        close_to_others(path);
        // A commit survives a killed process always; after a power cut the last commits may be
        // missing, the file is consistent all the same.
        connection
            .execute_batch(
                // Moving pages from the log to the file waits for the disk: seldom, and many at once.
                "PRAGMA synchronous = NORMAL;
                 PRAGMA wal_autocheckpoint = 16384;
                 PRAGMA journal_size_limit = 67108864;",
            )
            .doing("open", path)?;
    }
    Ok((connection, unchanging))
}

/// A file without tables: another process is making it, if it holds some soon.
fn wait_for_tables(connection: &Connection, path: &Path, busy_timeout: Duration) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < busy_timeout.min(MAKING) {
        std::thread::sleep(Duration::from_millis(10));
        if matches!(look(connection, path)?, Found::Archive(_)) {
            return Ok(());
        }
    }
    let text = format!(
        "the archive {} is empty: nothing was imported yet, or making it was broken off",
        path.display()
    );
    Err(SourceError::new(SourceErrorKind::NotFound, text))
}

/// Making the tables takes no longer than this.
const MAKING: Duration = Duration::from_secs(3);

/// Why the place of an archive cannot hold one.
fn misplaced(error: PlaceError) -> SourceError {
    let kind = match error {
        PlaceError::NoFile(..) | PlaceError::NoAccess(_) => SourceErrorKind::Refused,
        PlaceError::Failed(..) => SourceErrorKind::Unreachable,
    };
    SourceError::caused_by(kind, "open the archive", error)
}

enum Found {
    /// An archive of this format.
    Archive(i64),
    Nothing,
}

/// Refuses files of other programs and of newer formats.
fn look(connection: &Connection, path: &Path) -> Result<Found> {
    // In one state of the file: another process may be making it at this moment.
    let snapshot = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Deferred)
        .doing("open", path)?;
    let number = |pragma: &str| {
        snapshot.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).doing("open", path)
    };
    let (application, format) = (number("application_id")?, number("user_version")?);
    if application != i64::from(APPLICATION_ID) {
        let tables: i64 = snapshot
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .doing("open", path)?;
        if application == 0 && format == 0 && tables == 0 {
            return Ok(Found::Nothing);
        }
        return Err(SourceError::new(
            SourceErrorKind::Damaged,
            format!("{} is no archive, but a database of another program", path.display()),
        ));
    }
    match format {
        OLDEST_FORMAT..=FORMAT => Ok(Found::Archive(format)),
        newer if newer > FORMAT => Err(SourceError::new(
            SourceErrorKind::NewerFormat,
            format!(
                "the archive {} has format {newer}, this program knows formats up to {FORMAT}: \
                 use the newer version that wrote it",
                path.display()
            ),
        )),
        other => Err(damaged(path, format_args!("it claims to have format {other}"))),
    }
}

/// Makes the tables, unless another process was faster.
fn create(connection: &Connection, path: &Path, busy_timeout: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        // The change to WAL does not wait for locks by itself.
        match try_create(connection) {
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == rusqlite::ErrorCode::DatabaseBusy
                    && started.elapsed() < busy_timeout =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other.doing("create", path),
        }
    }
}

fn try_create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;")?;
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let format: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.execute_batch(IMPORTS)?;
        transaction.execute(
            "INSERT INTO archive (only, history, sequence) VALUES (1, lower(hex(randomblob(16))), 0)",
            [],
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

/// Makes an archive of an older format one of the present format, unless another process was
/// faster.
fn upgrade(connection: &Connection) -> rusqlite::Result<()> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let format: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
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
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

/// Makes an empty file that only its owner may read, unless there is one. SQLite gives its `-wal`
/// and `-shm` companions the same rights.
fn create_for_owner_only(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            let kind = match error.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    SourceErrorKind::Refused
                }
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => SourceErrorKind::Full,
                _ => SourceErrorKind::Unreachable,
            };
            let doing = format!("create the archive {}", path.display());
            Err(SourceError::caused_by(kind, doing, error))
        }
    }
}

/// Takes the rights of others away. Best effort: a file of another owner keeps its rights, and opening it will say what is wrong.
#[cfg(unix)]
fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Ok(metadata) = path.metadata()
        && metadata.is_file()
        && metadata.permissions().mode() & 0o077 != 0
    {
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    }
}

#[cfg(not(unix))]
fn close_to_others(_path: &Path) {}

/// The format of a file: another process may bring it up to date at any time.
pub(super) fn format_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))
}
