//! Files of one kind: made for their owner only, recognised by their numbers, opened by several
//! processes, and checked before anything is written.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use stats_model::{Fault, FaultKind};

use crate::check::table_check;
use crate::failure::fault;
use crate::layout::{Found, Layout};
use crate::place::{FileIdentity, close_to_others, file_identity, make_private, place};
use crate::read::{ReadConnection, open_read_only, with_suffix};
use crate::write::{limit_size, open_to_write, write_through_log};

/// A file that is taken away so often while it is opened gets no more tries.
const TRIES: u32 = 3;

/// What the files of one kind hold, and what they are called.
#[derive(Debug)]
pub struct FileKind {
    /// What people call it, without an article: `response store`.
    pub name: &'static str,
    /// The numbers that it is known by.
    pub layout: Layout,
    /// Makes its tables.
    pub tables: &'static str,
    /// Makes a file of an older format one of the present; see [`Layout::upgrade`].
    pub upgrade: fn(&Transaction<'_>, i32) -> rusqlite::Result<()>,
    /// The tables that are small enough to be checked whenever a file is opened to be written.
    pub checked: &'static [&'static str],
    /// Whether what was committed has to be there after a lost power supply, too: not where it can be
    /// made again.
    pub durable: bool,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteLimits {
    /// How long a call waits for another process that writes.
    pub busy_timeout: Duration,
    /// The size in bytes that the file may reach; `None`: as much as the disk holds.
    pub max_bytes: Option<u64>,
}

/// A connection that writes, and the file that it is to.
#[derive(Debug)]
pub struct WriteConnection {
    /// The connection.
    pub connection: Connection,
    /// The file: what lies at its path may be another one by now. `None` where files cannot be told
    /// apart.
    pub file: Option<FileIdentity>,
}

impl FileKind {
    /// Makes the file if there is none, checks that it is one of this kind and of a known format, and
    /// brings it up to the present one.
    ///
    /// # Errors
    /// When it cannot be made or opened, is something else, is damaged or of a newer format, or is
    /// taken away while it is opened.
    pub fn open_to_write<Own: Copy>(
        &self,
        path: &Path,
        limits: WriteLimits,
    ) -> Result<WriteConnection, Fault<Own>> {
        for _ in 0..TRIES {
            // Once more when it was just made, or taken away meanwhile: only so is it certain which
            // file the connection is to.
            let file = file_identity(path);
            let connection = self.make_or_open(path, limits)?;
            if cfg!(not(unix)) || (file.is_some() && file == file_identity(path)) {
                return Ok(WriteConnection { connection, file });
            }
        }
        let doing = format!("{} is taken away again and again", path.display());
        Err(Fault::new(FaultKind::Unreachable, doing))
    }

    fn make_or_open<Own: Copy>(
        &self,
        path: &Path,
        limits: WriteLimits,
    ) -> Result<Connection, Fault<Own>> {
        self.find_place(path)?;
        make_private(path).map_err(|error| {
            let doing = format!("creating the {} {}", self.name, path.display());
            Fault::caused_by(FaultKind::of_file(&error), doing, error)
        })?;
        for suffix in ["", "-wal", "-shm"] {
            close_to_others(&with_suffix(path, suffix));
        }
        let (connection, found) =
            self.make_tables(path, limits).map_err(|error| fault(&error, self.opening(path)))?;
        let format = self.recognise(found, path)?;
        let finish = || {
            if format < self.layout.present {
                self.layout.upgrade(&connection, self.upgrade)?;
            }
            limits.max_bytes.map_or(Ok(()), |bytes| limit_size(&connection, bytes))
        };
        finish().map_err(|error| fault(&error, self.opening(path)))?;
        Ok(connection)
    }

    /// Nothing is changed in a file that holds something before it is known to be ours.
    fn make_tables(
        &self,
        path: &Path,
        limits: WriteLimits,
    ) -> rusqlite::Result<(Connection, Found)> {
        let connection = open_to_write(path, limits.busy_timeout)?;
        write_through_log(&connection)?;
        if self.durable {
            connection.pragma_update(None, "synchronous", "FULL")?;
        }
        let mut found = self.layout.look(&connection)?;
        if found == Found::Nothing {
            let tables = |made: &Transaction<'_>| made.execute_batch(self.tables);
            self.layout.make(&connection, limits.busy_timeout, tables)?;
            found = self.layout.look(&connection)?;
        }
        Ok((connection, found))
    }

    /// A connection to read with, also where nothing may be written, and the format of the file.
    ///
    /// # Errors
    /// When there is none, it cannot be opened, is something else, is damaged or of a newer format.
    pub fn open_read_only<Own: Copy>(
        &self,
        path: &Path,
        busy_timeout: Duration,
    ) -> Result<(ReadConnection, i32), Fault<Own>> {
        self.find_place(path)?;
        let open = || {
            let connection = open_read_only(path, busy_timeout)?;
            let found = self.layout.look(connection.get())?;
            Ok((connection, found))
        };
        let (connection, found) = open().map_err(|error| fault(&error, self.opening(path)))?;
        Ok((connection, self.recognise(found, path)?))
    }

    /// Runs `work` on one state of the file, which is only read and may be taken away or replaced at any
    /// time. It may be run more than once.
    ///
    /// # Errors
    /// As [`open_read_only`](Self::open_read_only), when it cannot be read, and when it changes all the
    /// time.
    pub fn read<T, Own: Copy>(
        &self,
        path: &Path,
        busy_timeout: Duration,
        doing: impl Fn() -> String,
        work: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Fault<Own>> {
        for _ in 0..TRIES {
            let (mut reader, _) = self.open_read_only(path, busy_timeout)?;
            let result = reader.get_mut().transaction().and_then(|snapshot| work(&snapshot));
            if reader.holds() {
                return result.map_err(|error| fault(&error, doing()));
            }
        }
        let doing = format!("{}: it changes all the time", doing());
        Err(Fault::new(FaultKind::Busy, doing))
    }

    /// Whether there is a file that holds nothing: one whose making was broken off.
    #[must_use]
    pub fn is_unmade(&self, path: &Path, busy_timeout: Duration) -> bool {
        let opened = open_read_only(path, busy_timeout);
        opened.and_then(|it| self.layout.look(it.get())).is_ok_and(|found| found == Found::Nothing)
    }

    /// Whether the small tables are sound: seldom, and before anything is written.
    ///
    /// # Errors
    /// [`FaultKind::Damaged`] with the first finding, and when they cannot be read.
    pub fn check<Own: Copy>(&self, connection: &Connection, path: &Path) -> Result<(), Fault<Own>> {
        for table in self.checked {
            let findings = table_check(connection, table)
                .map_err(|error| fault(&error, self.opening(path)))?;
            if let Some(finding) = findings.first() {
                return Err(self.damaged(path, finding));
            }
        }
        Ok(())
    }

    /// An error of a file of which something says that it is damaged.
    #[must_use]
    pub fn damaged<Own: Copy>(&self, path: &Path, why: &str) -> Fault<Own> {
        let text = format!("the {} {} is damaged: {why}", self.name, path.display());
        Fault::new(FaultKind::Damaged, text)
    }

    fn find_place<Own: Copy>(&self, path: &Path) -> Result<(), Fault<Own>> {
        let found = place(path);
        found.map(drop).map_err(|error| Fault::caused_by(error.kind(), self.opening(path), error))
    }

    fn opening(&self, path: &Path) -> String {
        format!("opening the {} {}", self.name, path.display())
    }

    /// The format of a file that is one of ours.
    fn recognise<Own: Copy>(&self, found: Found, path: &Path) -> Result<i32, Fault<Own>> {
        let (name, path) = (self.name, path.display());
        let (kind, text) = match found {
            Found::Format(format) => return Ok(format),
            Found::Newer(version) => (
                FaultKind::NewerFormat,
                format!(
                    "the {name} {path} has format {version}, and this program knows formats up to \
                     {}: use the newer program, or another file",
                    self.layout.present
                ),
            ),
            Found::Impossible(version) => (
                FaultKind::Damaged,
                format!("the {name} {path} has the impossible format {version}"),
            ),
            Found::Nothing => (
                FaultKind::Unreachable,
                format!("the {name} {path} holds nothing yet: its making was broken off"),
            ),
            Found::Foreign => {
                let text = format!("{path} is a database of another program, not a {name}");
                (FaultKind::Damaged, text)
            }
        };
        Err(Fault::new(kind, text))
    }
}
