//! What cannot be derived again: runs, what came of their jobs, and who is alive.
//!
//! [`Ledger`] says what is kept and how; [`SqliteLedger`] keeps it in a file, [`RedisLedger`] in a Redis
//! database.

mod book;
pub mod contract;
mod error;
#[cfg(test)]
mod fuzz;
mod id;
mod keep;
mod outcome;
mod process;
mod record;
mod redis;
mod run;
mod sqlite;
mod worker;

pub use book::{Ledger, Lookup, Progress, RunFilter, Wish};
pub use error::{LedgerError, LedgerErrorKind, OfRun};
pub use id::{InvalidRunId, RunId};
pub use keep::{Keep, Trimmed};
pub use outcome::{JobOutcome, OutcomePage};
pub use redis::RedisLedger;
pub use run::{Run, RunState, Trigger};
pub use sqlite::{SqliteLedger, SqliteLedgerOptions};
pub use worker::Worker;
