//! The numbers that a database carries: whose it is, and in which format.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

/// Between two tries to make the tables.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// What the databases of one kind are known by, and the formats of them that are read.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// `PRAGMA application_id`: tells them from the files of other programs.
    pub application_id: i32,
    /// The oldest `PRAGMA user_version` that is read; 1 at least.
    pub oldest: i32,
    /// The one that is written.
    pub present: i32,
}

/// What the numbers of a database say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// No table was ever made in it.
    Nothing,
    /// One of ours, in this format, which is read.
    Format(i32),
    /// One of ours, in this format of a newer program.
    Newer(i32),
    /// One of ours, in this format, which there never was.
    Impossible(i32),
    /// A database of another program.
    Foreign,
}

impl Layout {
    /// What lies in a database, in one state of it: another process may be making it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn look(&self, connection: &Connection) -> rusqlite::Result<Found> {
        let snapshot = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
        self.found(&snapshot)
    }

    /// Makes `tables`, unless another process was faster: nothing, or all of them and the numbers.
    ///
    /// # Errors
    /// When it cannot be written, or another process keeps it busy for longer than `patience`.
    pub fn make(
        &self,
        connection: &Connection,
        patience: Duration,
        tables: impl Fn(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let started = Instant::now();
        loop {
            match self.try_to_make(connection, &tables) {
                // The change to WAL does not always wait for other processes by itself.
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && started.elapsed() < patience =>
                {
                    thread::sleep(BETWEEN_TRIES);
                }
                result => return result,
            }
        }
    }

    fn try_to_make(
        &self,
        connection: &Connection,
        tables: impl Fn(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        // Has to come before the first page is written. Room of what is removed can then be given
        // back.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Whoever gets the write lock second finds it done.
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        if self.found(&transaction)? == Found::Nothing {
            tables(&transaction)?;
            transaction.pragma_update(None, "application_id", self.application_id)?;
            transaction.pragma_update(None, "user_version", self.present)?;
        }
        transaction.commit()
    }

    /// Makes a database of an older format one of the present, unless another process was faster:
    /// `steps` are told the format that they begin with.
    ///
    /// # Errors
    /// When it cannot be written. It then is as it was.
    pub fn upgrade(
        &self,
        connection: &Connection,
        steps: impl FnOnce(&Transaction<'_>, i32) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        let format = number(&transaction, "user_version")?;
        if format < self.present {
            steps(&transaction, format)?;
            transaction.pragma_update(None, "user_version", self.present)?;
        }
        transaction.commit()
    }

    fn found(&self, connection: &Connection) -> rusqlite::Result<Found> {
        let application_id = number(connection, "application_id")?;
        let format = number(connection, "user_version")?;
        if application_id != self.application_id {
            let is_fresh = application_id == 0 && format == 0;
            let never_made = is_fresh && number(connection, "schema_version")? == 0;
            return Ok(if never_made { Found::Nothing } else { Found::Foreign });
        }
        Ok(if format > self.present {
            Found::Newer(format)
        } else if format < self.oldest {
            Found::Impossible(format)
        } else {
            Found::Format(format)
        })
    }
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{make_private, open_to_write};

    const OURS: Layout = Layout { application_id: 0x4353_7473, oldest: 1, present: 3 };

    fn connection(path: &Path) -> Connection {
        make_private(path).expect("the folder is ours");
        open_to_write(path, Duration::from_secs(10)).expect("it was made")
    }

    fn make(connection: &Connection) -> rusqlite::Result<()> {
        OURS.make(connection, Duration::from_secs(10), |transaction| {
            transaction.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (7)")
        })
    }

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("it was made")
    }

    #[test]
    fn numbers_say_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection(&folder.path().join("a.db"));
        assert_eq!(OURS.look(&connection).unwrap(), Found::Nothing);
        make(&connection).unwrap();
        assert_eq!(OURS.look(&connection).unwrap(), Found::Format(3));
        for (format, found) in [
            (1, Found::Format(1)),
            (4, Found::Newer(4)),
            (0, Found::Impossible(0)),
            (-1, Found::Impossible(-1)),
        ] {
            connection.pragma_update(None, "user_version", format).unwrap();
            assert_eq!(OURS.look(&connection).unwrap(), found);
        }
        for application_id in [0, 1] {
            connection.pragma_update(None, "application_id", application_id).unwrap();
            connection.pragma_update(None, "user_version", 0).unwrap();
            assert_eq!(OURS.look(&connection).unwrap(), Found::Foreign);
        }
    }

    #[test]
    fn who_makes_it_second_finds_it_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| make(&connection(&path)).unwrap());
            }
        });
        let connection = connection(&path);
        assert_eq!(OURS.look(&connection).unwrap(), Found::Format(3));
        assert_eq!(rows(&connection), 1);
        let mode = |pragma: &str| -> String {
            connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap()
        };
        assert_eq!(mode("journal_mode"), "wal");
        assert_eq!(number(&connection, "auto_vacuum").unwrap(), 2, "incremental");
    }

    #[test]
    fn a_making_that_is_broken_off_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = connection(&path);
        OURS.make(&connection, Duration::ZERO, |transaction| {
            transaction.execute_batch("CREATE TABLE t (a); CREATE TABLE t (a)")
        })
        .unwrap_err();
        assert_eq!(OURS.look(&connection).unwrap(), Found::Nothing);
        make(&connection).unwrap();
        assert_eq!(rows(&connection), 1);
    }

    #[test]
    fn an_upgrade_is_made_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection(&folder.path().join("a.db"));
        make(&connection).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let add = "INSERT INTO t VALUES (8)";
        OURS.upgrade(&connection, |transaction, _| {
            transaction.execute_batch(&format!("{add}; no statement"))
        })
        .unwrap_err();
        assert_eq!((OURS.look(&connection).unwrap(), rows(&connection)), (Found::Format(1), 1));
        for _ in 0..2 {
            OURS.upgrade(&connection, |transaction, format| {
                assert_eq!(format, 1);
                transaction.execute_batch(add)
            })
            .unwrap();
        }
        assert_eq!((OURS.look(&connection).unwrap(), rows(&connection)), (Found::Format(3), 2));
    }
}
