//! The file: made for its owner only, recognised by its numbers, opened by several processes.

use std::time::Duration;

use stats_sqlite::{FileKind, Layout};

/// How a ledger in a file behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteLedgerOptions {
    /// How long a call waits for another process that writes, before it is an error of kind
    /// [`Busy`](stats_model::FaultKind::Busy).
    pub busy_timeout: Duration,
    /// The size in bytes that the file may reach; beyond, writing is an error of kind
    /// [`Full`](stats_model::FaultKind::Full). `None`: as much as the disk holds.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteLedgerOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(10), max_bytes: None }
    }
}

/// `CSle`: tells our files from other SQLite databases.
const APPLICATION_ID: i32 = 0x4353_6c65;

/// `told` counts the outcomes that were ever written of a run, `kept` those that are there. Times are
/// milliseconds since 1970. What is read as a whole is JSON.
const TABLES: &str = "
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    begun TEXT NOT NULL,
    last_sign INTEGER NOT NULL,
    ended INTEGER,
    state TEXT NOT NULL,
    planned INTEGER NOT NULL,
    done INTEGER NOT NULL,
    counts TEXT NOT NULL,
    error TEXT,
    cancel_asked INTEGER NOT NULL,
    told INTEGER NOT NULL,
    kept INTEGER NOT NULL
) STRICT;
CREATE TABLE outcomes (
    run INTEGER NOT NULL,
    place INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    worker TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What the file of a ledger is. What is wrong with the outcomes shows when they are read.
pub(super) const LEDGER: FileKind = FileKind {
    name: "ledger",
    layout: Layout { application_id: APPLICATION_ID, oldest: 1, present: 1 },
    tables: TABLES,
    // There is one format.
    upgrade: |_, _| Ok(()),
    checked: &["runs", "workers"],
    // Losing the last lines loses history, never a duty.
    durable: false,
};
