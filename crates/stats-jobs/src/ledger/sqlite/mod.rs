//! The ledger of an installation without Redis: one SQLite file.

mod error;
mod file;
mod row;
mod schema;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Row, Transaction, params};
use stats_model::{Clock, SystemClock};
use stats_sqlite::Aside;

use self::file::LedgerFile;
pub use self::schema::SqliteLedgerOptions;
use super::book::{self, LONGEST_PAGE, Ledger, Lookup, NAMED, Progress, RunFilter, Wish};
use super::error::LedgerError;
use super::id::RunId;
use super::keep::{Keep, Sweep, Trimmed, Verdict};
use super::outcome::{JobOutcome, OutcomePage};
use super::record;
use super::run::{Run, RunState};
use super::worker::Worker;

/// A [`Ledger`] in a file (`ledger.db` in the data folder), readable by its owner only and used by
/// several processes at once.
///
/// The file may be deleted at any time, also while it is in use: what is written afterwards lies in a
/// new one. A damaged one is set aside by whoever writes next.
pub struct SqliteLedger {
    file: LedgerFile,
}

impl SqliteLedger {
    /// Opens the file at `path`; makes it when there is none, and when a damaged one had to be
    /// [set aside](Self::set_aside). Its folder must exist.
    ///
    /// # Errors
    /// [`Damaged`](super::LedgerErrorKind::Damaged) when the file is something else,
    /// [`NewerFormat`](super::LedgerErrorKind::NewerFormat) when a newer program wrote it, and when it cannot
    /// be made or opened.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, LedgerError> {
        Self::open_with(path, SqliteLedgerOptions::default(), Arc::new(SystemClock))
    }

    /// The same with options, and a clock that says when a damaged file was set aside.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        path: impl Into<PathBuf>,
        options: SqliteLedgerOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        Ok(Self { file: LedgerFile::open_to_write(path.into(), options, clock)? })
    }

    /// Opens the file that is at `path` only to read: also on a full disk, on a read-only file system
    /// and for a user who may not write.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when there is no file.
    pub fn open_read_only(
        path: impl Into<PathBuf>,
        options: SqliteLedgerOptions,
    ) -> Result<Self, LedgerError> {
        Ok(Self { file: LedgerFile::open_to_read(path.into(), options)? })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The damaged file that was set aside last, when the ledger was opened or since then.
    #[must_use]
    pub fn set_aside(&self) -> Option<Aside> {
        self.file.aside()
    }

    /// What SQLite finds wrong with the file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn quick_check(&self) -> Result<Vec<String>, LedgerError> {
        self.file.read("checking everything", |transaction| stats_sqlite::quick_check(transaction))
    }

    fn give_back_room(&self) -> Result<(), LedgerError> {
        self.file.tidy("giving back room", |connection| {
            let mut vacuum = connection.prepare("PRAGMA incremental_vacuum")?;
            let mut steps = vacuum.query([])?;
            while steps.next()?.is_some() {}
            Ok(())
        })
    }
}

impl Ledger for SqliteLedger {
    fn begin(&self, run: &Run) -> Result<(), LedgerError> {
        let begun = record::begun(run)?;
        let doing = format!("beginning {}", run.id);
        let is_new =
            self.file.write(&doing, |transaction| row::insert(transaction, run, &begun))?;
        if is_new { Ok(()) } else { Err(book::exists(&run.id)) }
    }

    fn progress(&self, id: &RunId, progress: &Progress<'_>) -> Result<Wish, LedgerError> {
        let outcomes: Vec<String> =
            progress.outcomes.iter().map(record::outcome).collect::<Result<_, _>>()?;
        let advance =
            |transaction: &Transaction<'_>| row::advance(transaction, id, progress, &outcomes);
        book::wish(id, self.file.write(&format!("writing how {id} goes on"), advance)?)
    }

    fn end(
        &self,
        id: &RunId,
        at: Timestamp,
        state: RunState,
        error: Option<&str>,
    ) -> Result<(), LedgerError> {
        book::check_end(id, state)?;
        let ended = self.file.write(&format!("ending {id}"), |transaction| {
            let update = "UPDATE runs SET last_sign = ?2, ended = ?2, state = ?3, error = ?4
                          WHERE id = ?1";
            let error = error.map(record::shortened);
            transaction.prepare_cached(update)?.execute(params![
                id.as_str(),
                at.as_millisecond(),
                state.name(),
                error
            ])
        })?;
        if ended == 0 { Err(book::forgotten(id)) } else { Ok(()) }
    }

    fn run(&self, prefix: &str) -> Result<Lookup, LedgerError> {
        if !RunId::can_begin_with(prefix) {
            return Ok(Lookup::Nothing);
        }
        let range = (prefix, RunId::after_all_with(prefix));
        let runs = self.file.read(&format!("looking for the run {prefix}"), |transaction| {
            let mut select = transaction.prepare_cached(&format!(
                "SELECT {} FROM runs WHERE id >= ?1 AND id < ?2 ORDER BY id DESC",
                row::COLUMNS
            ))?;
            readable(select.query_map(params![range.0, range.1], |row| Ok(row::run(row)))?, NAMED)
        })?;
        Ok(book::found(runs))
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<Run>, LedgerError> {
        let before = filter.before.as_ref().map(RunId::as_str);
        self.file.read("reading runs", |transaction| {
            let mut select = transaction.prepare_cached(&format!(
                "SELECT {} FROM runs WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC",
                row::COLUMNS
            ))?;
            let run = |row: &Row<'_>| Ok(row::run(row).filter(|run| filter.matches(run)));
            readable(select.query_map([before], run)?, limit)
        })
    }

    fn outcomes(&self, id: &RunId, after: u64, limit: usize) -> Result<OutcomePage, LedgerError> {
        let Ok(from) = i64::try_from(after) else {
            return Ok(OutcomePage { after, ..OutcomePage::default() });
        };
        let limit = limit.min(LONGEST_PAGE);
        self.file.read(&format!("reading outcomes of {id}"), |transaction| {
            let mut page = OutcomePage { after, ..OutcomePage::default() };
            let mut select = transaction.prepare_cached(
                "SELECT place, outcome FROM outcomes
                 WHERE run = (SELECT number FROM runs WHERE id = ?1) AND place > ?2
                 ORDER BY place LIMIT ?3",
            )?;
            let mut rows = select.query(params![id.as_str(), from, limit as i64])?;
            while let Some(row) = rows.next()? {
                let place: i64 = row.get(0)?;
                page.after = place.unsigned_abs();
                let outcome: Option<JobOutcome> =
                    row.get_ref(1)?.as_bytes().ok().and_then(record::read);
                page.outcomes.extend(outcome);
            }
            Ok(page)
        })
    }

    fn ask_to_cancel(&self, id: &RunId) -> Result<bool, LedgerError> {
        let asked = self.file.write(&format!("asking {id} to end"), |transaction| {
            transaction
                .prepare_cached(
                    "UPDATE runs SET cancel_asked = 1 WHERE id = ?1 AND state = 'running'",
                )?
                .execute([id.as_str()])
        })?;
        Ok(asked > 0)
    }

    fn alive(&self, worker: &Worker) -> Result<(), LedgerError> {
        let json = record::worker(worker)?;
        self.file.write("writing a sign of life", |transaction| {
            let replace = "INSERT OR REPLACE INTO workers (id, worker) VALUES (?1, ?2)";
            transaction.prepare_cached(replace)?.execute((&worker.id, &json)).map(drop)
        })
    }

    fn gone(&self, worker: &str) -> Result<(), LedgerError> {
        self.file.write("forgetting a worker", |transaction| {
            transaction.execute("DELETE FROM workers WHERE id = ?1", [worker]).map(drop)
        })
    }

    fn workers(&self) -> Result<Vec<Worker>, LedgerError> {
        self.file.read("reading workers", |transaction| {
            let mut select = transaction.prepare("SELECT id, worker FROM workers ORDER BY id")?;
            readable(select.query_map([], |row| Ok(worker(row)))?, usize::MAX)
        })
    }

    fn trim(&self, keep: &Keep, now: Timestamp) -> Result<Trimmed, LedgerError> {
        let trimmed = self.file.write("forgetting old runs", |transaction| {
            let mut sweep = Sweep::new(*keep, now);
            let mut trimmed = trim_runs(transaction, &mut sweep)?;
            trimmed.workers = trim_workers(transaction, &sweep)?;
            Ok(trimmed)
        })?;
        self.give_back_room()?;
        Ok(trimmed)
    }
}

impl fmt::Debug for SqliteLedger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqliteLedger").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// Those that could be read, up to `limit`.
fn readable<T>(
    rows: impl Iterator<Item = rusqlite::Result<Option<T>>>,
    limit: usize,
) -> rusqlite::Result<Vec<T>> {
    rows.filter_map(Result::transpose).take(limit).collect()
}

/// The worker of a row; `None` when it cannot be read.
fn worker(row: &Row<'_>) -> Option<Worker> {
    let worker: Worker = record::read(row.get_ref("worker").ok()?.as_bytes().ok()?)?;
    (row.get_ref("id").ok()?.as_bytes().ok()? == worker.id.as_bytes()).then_some(worker)
}

fn trim_runs(transaction: &Transaction<'_>, sweep: &mut Sweep) -> rusqlite::Result<Trimmed> {
    let mut select = transaction
        .prepare(&format!("SELECT number, kept, {} FROM runs ORDER BY id DESC", row::COLUMNS))?;
    let verdicts = select
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, sweep.judge(row::aged(row)))))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut trimmed = Trimmed::default();
    for (number, verdict) in verdicts {
        if verdict == Verdict::Kept {
            continue;
        }
        transaction.execute("DELETE FROM outcomes WHERE run = ?1", [number])?;
        if verdict == Verdict::Forgotten {
            transaction.execute("DELETE FROM runs WHERE number = ?1", [number])?;
            trimmed.runs += 1;
        } else {
            transaction.execute("UPDATE runs SET kept = 0 WHERE number = ?1", [number])?;
            trimmed.outcomes_of += 1;
        }
    }
    Ok(trimmed)
}

fn trim_workers(transaction: &Transaction<'_>, sweep: &Sweep) -> rusqlite::Result<u64> {
    let mut select = transaction.prepare("SELECT id, worker FROM workers")?;
    let is_kept = |row: &Row<'_>| worker(row).is_some_and(|it| sweep.keeps_worker(it.last_sign));
    let workers = select
        .query_map([], |row| Ok((row.get::<_, rusqlite::types::Value>(0)?, is_kept(row))))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut removed = 0;
    for (id, _) in workers.into_iter().filter(|(_, kept)| !kept) {
        removed += transaction.execute("DELETE FROM workers WHERE id = ?1", [id])?;
    }
    Ok(removed as u64)
}
