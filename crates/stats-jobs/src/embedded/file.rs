//! The file while it is in use.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use stats_model::Clock;
use stats_sqlite::WriteLimits;

use super::error::ResultExt;
use super::schema::QUEUES;
use crate::{QueueError, locked};

/// How the queues of a file behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// How long a message stays in the hand of whoever received it, unless it is kept. After that a
    /// worker that was killed is thought to be gone.
    pub lease: Duration,
    /// How long a call waits for another process that writes, before it is an error of kind
    /// [`Busy`](crate::QueueErrorKind::Busy).
    pub busy_timeout: Duration,
    /// How often a waiting call looks whether another process has sent something.
    pub look: Duration,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            busy_timeout: Duration::from_secs(10),
            look: Duration::from_millis(50),
        }
    }
}

/// The broker of an installation without one: a SQLite file, readable by its owner only, with
/// queues of any names in it. A copy of it is the same file.
#[derive(Clone)]
pub struct EmbeddedBroker(Arc<File>);

struct File {
    path: PathBuf,
    options: EmbeddedOptions,
    clock: Arc<dyn Clock>,
    connection: Mutex<Connection>,
}

impl EmbeddedBroker {
    /// Opens the file at `path`; makes it when there is none. Its folder must exist. `clock` decides
    /// which leases are over and which messages are due.
    ///
    /// # Errors
    /// [`Damaged`](crate::QueueErrorKind::Damaged) when the file is something else,
    /// [`NewerFormat`](crate::QueueErrorKind::NewerFormat) when a newer program wrote it, and when it
    /// cannot be made or opened.
    pub fn open(
        path: impl Into<PathBuf>,
        options: EmbeddedOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, QueueError> {
        let path = path.into();
        let limits = WriteLimits { busy_timeout: options.busy_timeout, max_bytes: None };
        let connection = Mutex::new(QUEUES.open_to_write(&path, limits)?.connection);
        Ok(Self(Arc::new(File { path, options, clock, connection })))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn options(&self) -> &EmbeddedOptions {
        &self.0.options
    }

    /// The present in milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.0.clock.now().as_millisecond()
    }

    /// Runs `work` as one transaction that no other writer can come between. It outlives the process, but
    /// perhaps not a lost power supply: what was taken or settled last then comes again, and in the order
    /// in which it was written nothing else is missing.
    pub(super) fn write<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, QueueError> {
        self.write_with("NORMAL", doing, work)
    }

    /// The same for what has to be there after a lost power supply, too: it waits for the disk.
    pub(super) fn write_durably<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, QueueError> {
        self.write_with("FULL", doing, work)
    }

    fn write_with<T>(
        &self,
        synchronous: &str,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, QueueError> {
        let mut connection = locked(&self.0.connection);
        let run = || {
            connection.pragma_update(None, "synchronous", synchronous)?;
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run().doing(|| self.doing(doing))
    }

    /// Runs `work` on one state of the file.
    pub(super) fn read<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, QueueError> {
        work(&locked(&self.0.connection)).doing(|| self.doing(doing))
    }

    pub(super) fn doing(&self, what: &str) -> String {
        format!("{what} in {}", self.0.path.display())
    }
}

impl std::fmt::Debug for EmbeddedBroker {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EmbeddedBroker").field("path", &self.0.path).finish_non_exhaustive()
    }
}
