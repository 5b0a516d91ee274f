//! Reading without leave or room to write.
//!
//! SQLite wants to write beside a database in WAL mode even when it only reads: the `-shm` file, in
//! which readers and writers meet. Where that is not possible (a read-only file system, a folder of
//! somebody else, a full disk) and no `-wal` file holds changes, nobody writes either, and the file
//! can be read as one that does not change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::write::prepare;

/// A connection that only reads.
#[derive(Debug)]
pub struct ReadConnection {
    connection: Connection,
    unchanging: Unchanging,
}

/// What a connection takes for granted about its file.
#[derive(Debug, Default)]
pub struct Unchanging {
    /// The `-wal` file that must not appear; `None` when SQLite looks after that itself.
    log: Option<PathBuf>,
}

impl Unchanging {
    /// Whether what was read can be believed: false when somebody has begun to write to a file that
    /// was taken for one that does not change. Ask after reading.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.log.as_ref().is_none_or(|log| is_empty(log))
    }
}

impl ReadConnection {
    /// The connection.
    #[must_use]
    pub const fn get(&self) -> &Connection {
        &self.connection
    }

    /// The connection, for transactions.
    pub const fn get_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Whether what was read can be believed; see [`Unchanging::holds`].
    #[must_use]
    pub fn holds(&self) -> bool {
        self.unchanging.holds()
    }

    /// The connection, and what it takes for granted.
    #[must_use]
    pub fn into_parts(self) -> (Connection, Unchanging) {
        (self.connection, self.unchanging)
    }
}

/// Opens the database at `path` only to read, and makes sure that it can be read.
///
/// # Errors
/// What SQLite says, also about a file that is none of its own.
pub fn open_read_only(path: &Path, busy_timeout: Duration) -> rusqlite::Result<ReadConnection> {
    let opened = open(path)?;
    prepare(opened.get(), busy_timeout)?;
    Ok(opened)
}

fn open(path: &Path) -> rusqlite::Result<ReadConnection> {
    let open = |name: &Path, flags| -> rusqlite::Result<Connection> {
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(name, flags)?;
        // The first look at the tables is what fails.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    let error = match open(path, OpenFlags::empty()) {
        Ok(connection) => {
            return Ok(ReadConnection { connection, unchanging: Unchanging::default() });
        }
        Err(error) => error,
    };
    let log = with_suffix(path, "-wal");
    if !wants_to_write(&error) || !is_empty(&log) {
        return Err(error);
    }
    let Some(name) = path.to_str() else { return Err(error) };
    let name = format!("file:{}?immutable=1", escaped(name));
    let connection = open(Path::new(&name), OpenFlags::SQLITE_OPEN_URI)?;
    Ok(ReadConnection { connection, unchanging: Unchanging { log: Some(log) } })
}

/// Whether SQLite failed at what it writes to read.
fn wants_to_write(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
        )
    )
}

fn is_empty(file: &Path) -> bool {
    match file.metadata() {
        Ok(found) => found.len() == 0,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// The name of a file beside another.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A path inside a URI.
fn escaped(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_signs_of_uris_is_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b#c%20.db");
        let written = Connection::open(&path).unwrap();
        written.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (7)").unwrap();
        let name = format!("file:{}?immutable=1", escaped(path.to_str().unwrap()));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let read = Connection::open_with_flags(name, flags).unwrap();
        let seven: i64 = read.query_row("SELECT a FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(seven, 7);
    }
}
