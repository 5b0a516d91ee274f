//! Connections that write.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// So many pages wait in the log: moving them to the file waits for the disk, seldom and many at
/// once.
const PAGES_IN_LOG: i64 = 16_384;
/// The log gives back what it needs beyond this.
const BYTES_OF_LOG: i64 = 64 << 20;
/// The most pages that a database can have.
const MOST_PAGES: u64 = 0xffff_fffe;

/// A connection to the file that is at `path`, to read and to write. Nothing is changed in it yet:
/// it may be somebody else's.
///
/// # Errors
/// What SQLite says.
pub fn open_to_write(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection, busy_timeout)?;
    Ok(connection)
}

/// What every connection is told.
pub(crate) fn prepare(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(busy_timeout)?;
    // Else SQLite plans a statement anew whenever its parameters change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Has a connection write through the log: a commit survives a killed process always; a lost power
/// supply can take back the last ones, never damage the file.
///
/// # Errors
/// When SQLite does not take it.
pub fn write_through_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", PAGES_IN_LOG)?;
    connection.pragma_update(None, "journal_size_limit", BYTES_OF_LOG)
}

/// Limits the file to `bytes`; one that is larger already keeps its size.
///
/// # Errors
/// When SQLite does not take it.
pub fn limit_size(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page_size: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = (bytes / page_size.max(1)).clamp(1, MOST_PAGES);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kind_of, make_private, open_read_only};

    #[test]
    fn connections_are_told_how_to_behave() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        make_private(&path).unwrap();
        let writing = open_to_write(&path, Duration::from_millis(1_234)).unwrap();
        writing.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        write_through_log(&writing).unwrap();
        let reading = open_read_only(&path, Duration::from_millis(1_234)).unwrap();
        for connection in [&writing, reading.get()] {
            let number = |pragma: &str| -> i64 {
                connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap()
            };
            assert_eq!(number("busy_timeout"), 1_234);
            assert!(connection.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).unwrap());
            if std::ptr::eq(connection, &raw const writing) {
                assert_eq!(number("synchronous"), 1);
                assert_eq!(number("wal_autocheckpoint"), 16_384);
                assert_eq!(number("journal_size_limit"), 64 << 20);
            }
        }
        writing.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        reading.get().execute_batch("INSERT INTO t VALUES (1)").unwrap_err();
    }

    #[test]
    fn what_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        open_to_write(&path, Duration::ZERO).unwrap_err();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_grows_up_to_its_limit_and_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        make_private(&path).unwrap();
        let connection = open_to_write(&path, Duration::ZERO).unwrap();
        connection.execute_batch("CREATE TABLE t (a)").unwrap();
        limit_size(&connection, 64 << 10).unwrap();
        let fill = "INSERT INTO t VALUES (zeroblob(40000))";
        connection.execute_batch(fill).unwrap();
        let error = connection.execute_batch(fill).unwrap_err();
        assert_eq!(kind_of(&error), stats_model::FaultKind::<()>::Full);
        for lower_or_none in [0, u64::MAX] {
            limit_size(&connection, lower_or_none).unwrap();
            let rows: i64 =
                connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
            assert_eq!(rows, 1);
        }
        connection.execute_batch(fill).unwrap();
    }
}
