//! The file of a ledger while it is in use: a connection to whatever lies at its path now. It may be
//! deleted or replaced at any time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use stats_model::Clock;
use stats_sqlite::{Aside, FileIdentity, file_identity, is_like_ours};

use super::error::ResultExt;
use super::schema::{self, APPLICATION_ID, SqliteLedgerOptions};
use crate::ledger::error::{LedgerError, LedgerErrorKind};

/// A file that changes so often while it is opened or read gets no more tries.
const TRIES: u32 = 3;

pub(super) struct LedgerFile {
    path: PathBuf,
    options: SqliteLedgerOptions,
    /// Says when a damaged file was set aside; `None` where nothing may be written.
    clock: Option<Arc<dyn Clock>>,
    writer: Mutex<Option<Writer>>,
    aside: Mutex<Option<Aside>>,
}

struct Writer {
    connection: Connection,
    file: Option<FileIdentity>,
}

impl LedgerFile {
    /// The file, made when it is missing, and set aside before when it is damaged: history can be lost.
    pub(super) fn open_to_write(
        path: PathBuf,
        options: SqliteLedgerOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let (writer, aside) = (Mutex::default(), Mutex::default());
        let file = Self { path, options, clock: Some(clock), writer, aside };
        let writer = file.open_sound()?;
        *locked(&file.writer) = Some(writer);
        Ok(file)
    }

    /// The file that is there, only to read.
    pub(super) fn open_to_read(
        path: PathBuf,
        options: SqliteLedgerOptions,
    ) -> Result<Self, LedgerError> {
        schema::open_read_only(&path, &options)?;
        let (writer, aside) = (Mutex::default(), Mutex::default());
        Ok(Self { path, options, clock: None, writer, aside })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The damaged file that was set aside last.
    pub(super) fn aside(&self) -> Option<Aside> {
        locked(&self.aside).clone()
    }

    /// Runs `work` as one transaction that no other writer can come between.
    pub(super) fn write<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        if self.clock.is_none() {
            let doing = format!("{}: it was opened only to read", self.doing(doing));
            return Err(LedgerError::new(LedgerErrorKind::Refused, doing));
        }
        self.with_writer(doing, TransactionBehavior::Immediate, work)
    }

    /// Runs `work` on one state of the ledger: what others write meanwhile is not seen.
    pub(super) fn read<T>(
        &self,
        doing: &str,
        work: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        if self.clock.is_some() {
            return self.with_writer(doing, TransactionBehavior::Deferred, work);
        }
        for _ in 0..TRIES {
            let mut reader = schema::open_read_only(&self.path, &self.options)?;
            let result = reader.get_mut().transaction().and_then(|snapshot| work(&snapshot));
            if reader.holds() {
                return result.doing(|| self.doing(doing));
            }
        }
        let doing = format!("{}: it changes all the time", self.doing(doing));
        Err(LedgerError::new(LedgerErrorKind::Busy, doing))
    }

    /// Does something outside of transactions.
    pub(super) fn tidy(
        &self,
        doing: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), LedgerError> {
        let mut slot = locked(&self.writer);
        let Some(writer) = slot.take() else { return Ok(()) };
        let result = work(&writer.connection).doing(|| self.doing(doing));
        self.put_back(&mut slot, writer, &result);
        result
    }

    fn with_writer<T>(
        &self,
        doing: &str,
        behaviour: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let mut slot = locked(&self.writer);
        let there = file_identity(&self.path);
        let mut writer = match slot.take().filter(|writer| writer.file == there) {
            Some(writer) => writer,
            None => self.open_sound()?,
        };
        let result = writer.run(behaviour, work).doing(|| self.doing(doing));
        self.put_back(&mut slot, writer, &result);
        result
    }

    /// Keeps a connection, unless the file turned out to be damaged: then the next call finds the mark,
    /// and sets the file aside.
    fn put_back<T>(
        &self,
        slot: &mut Option<Writer>,
        writer: Writer,
        result: &Result<T, LedgerError>,
    ) {
        match result {
            Err(error) if error.kind() == LedgerErrorKind::Damaged => {
                stats_sqlite::mark_damaged(&self.path, &text_of(error));
            }
            _ => *slot = Some(writer),
        }
    }

    fn open_sound(&self) -> Result<Writer, LedgerError> {
        let file = file_identity(&self.path);
        let error = match self.open_unless_damaged(file) {
            Ok(writer) => return Ok(writer),
            Err(error) => error,
        };
        let ours = is_like_ours(&self.path, APPLICATION_ID);
        if error.kind() != LedgerErrorKind::Damaged || !ours {
            return Err(error);
        }
        self.set_aside(file, &error)?;
        self.open()
    }

    fn open_unless_damaged(&self, file: Option<FileIdentity>) -> Result<Writer, LedgerError> {
        if let Some(why) = file.and_then(|_| stats_sqlite::marked_damaged(&self.path)) {
            let text = format!("the ledger {} is damaged: {why}", self.path.display());
            return Err(LedgerError::new(LedgerErrorKind::Damaged, text));
        }
        let writer = self.open()?;
        schema::check_structure(&writer.connection, &self.path)?;
        Ok(writer)
    }

    fn open(&self) -> Result<Writer, LedgerError> {
        for _ in 0..TRIES {
            // Once more when it was just made, or taken away meanwhile: only so is it certain which
            // file the connection is to.
            let file = file_identity(&self.path);
            let connection = schema::open(&self.path, &self.options)?;
            if cfg!(not(unix)) || (file.is_some() && file == file_identity(&self.path)) {
                return Ok(Writer { connection, file });
            }
        }
        let doing = format!("{} is taken away again and again", self.path.display());
        Err(LedgerError::new(LedgerErrorKind::Unreachable, doing))
    }

    /// Sets the damaged file aside, unless another process was faster.
    fn set_aside(
        &self,
        damaged: Option<FileIdentity>,
        error: &LedgerError,
    ) -> Result<(), LedgerError> {
        let Some(clock) = self.clock.as_ref().filter(|_| file_identity(&self.path) == damaged)
        else {
            return Ok(());
        };
        let stamp = clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let aside = stats_sqlite::set_aside(&self.path, &stamp, text_of(error));
        let aside = aside.map_err(|cause| {
            let doing = format!("setting the damaged ledger {} aside", self.path.display());
            LedgerError::caused_by(LedgerErrorKind::Refused, doing, cause)
        })?;
        *locked(&self.aside) = Some(aside);
        Ok(())
    }

    pub(super) fn doing(&self, what: &str) -> String {
        format!("{what} in {}", self.path.display())
    }
}

impl Writer {
    fn run<T>(
        &mut self,
        behaviour: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let transaction = self.connection.transaction_with_behavior(behaviour)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

/// Locks also after a thread panicked: what is guarded is never left half-changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error with its causes.
fn text_of(error: &LedgerError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        text = format!("{text}: {one}");
        cause = one.source();
    }
    text
}
