//! The file of a ledger while it is in use: a connection to whatever lies at its path now. It may be
//! deleted or replaced at any time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use stats_model::{Clock, chain};
use stats_sqlite::{Aside, Remade, WriteConnection, WriteLimits, file_identity};

use super::error::ResultExt;
use super::schema::{LEDGER, SqliteLedgerOptions};
use crate::ledger::error::{LedgerError, LedgerErrorKind, OfRun};

pub(super) struct LedgerFile {
    path: PathBuf,
    options: SqliteLedgerOptions,
    /// Says when a damaged file was set aside; `None` where nothing may be written.
    clock: Option<Arc<dyn Clock>>,
    writer: Mutex<Option<WriteConnection>>,
    aside: Mutex<Option<Aside>>,
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
        LEDGER.open_read_only::<OfRun>(&path, options.busy_timeout)?;
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
        LEDGER.read(&self.path, self.options.busy_timeout, || self.doing(doing), work)
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
        let result = run(&mut writer.connection, behaviour, work).doing(|| self.doing(doing));
        self.put_back(&mut slot, writer, &result);
        result
    }

    /// Keeps a connection, unless the file turned out to be damaged: then the next call finds the mark,
    /// and sets the file aside.
    fn put_back<T>(
        &self,
        slot: &mut Option<WriteConnection>,
        writer: WriteConnection,
        result: &Result<T, LedgerError>,
    ) {
        match result {
            Err(error) if error.kind() == LedgerErrorKind::Damaged => {
                stats_sqlite::mark_damaged(&self.path, &chain(error));
            }
            _ => *slot = Some(writer),
        }
    }

    fn open_sound(&self) -> Result<WriteConnection, LedgerError> {
        let SqliteLedgerOptions { busy_timeout, max_bytes } = self.options;
        let now = self.clock.as_ref().map(|clock| clock.now());
        let stamp = now.map(|now| now.strftime("%Y%m%dT%H%M%SZ").to_string()).unwrap_or_default();
        let application_id = LEDGER.layout.application_id;
        let (path, name) = (self.path.as_path(), LEDGER.name);
        let (writer, aside) = Remade { path, name, application_id, stamp: &stamp }.open(|| {
            let writer = LEDGER.open_to_write(path, WriteLimits { busy_timeout, max_bytes })?;
            LEDGER.check(&writer.connection, path)?;
            Ok(writer)
        })?;
        if aside.is_some() {
            *locked(&self.aside) = aside;
        }
        Ok(writer)
    }

    pub(super) fn doing(&self, what: &str) -> String {
        format!("{what} in {}", self.path.display())
    }
}

fn run<T>(
    connection: &mut Connection,
    behaviour: TransactionBehavior,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(behaviour)?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

/// Locks also after a thread panicked: what is guarded is never left half-changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
