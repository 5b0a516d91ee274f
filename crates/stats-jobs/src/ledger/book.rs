//! What a ledger does.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::error::{LedgerError, LedgerErrorKind, OfRun};
use super::id::RunId;
use super::keep::{Keep, Trimmed};
use super::outcome::{JobOutcome, OutcomePage};
use super::run::{Run, RunState, Trigger};
use super::worker::Worker;

/// How far a run has come.
#[derive(Debug, Clone)]
pub struct Progress<'a> {
    /// When this is said; a sign of life.
    pub at: Timestamp,
    /// How many jobs the run has before it, all in all.
    pub planned: u64,
    /// How many of those are behind it, all in all.
    pub done: u64,
    /// What came of jobs since the last time.
    pub outcomes: &'a [JobOutcome],
    /// Outcomes of further jobs since the last time, of which only the number is kept, by name.
    pub counted: BTreeMap<String, u64>,
}

impl<'a> Progress<'a> {
    /// A run that has `done` of `planned` jobs behind it, the last with these outcomes.
    #[must_use]
    pub const fn new(at: Timestamp, planned: u64, done: u64, outcomes: &'a [JobOutcome]) -> Self {
        Self { at, planned, done, outcomes, counted: BTreeMap::new() }
    }
}

/// What whoever carries out a run is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nobody wants it to end.
    GoOn,
    /// Somebody asked that it end.
    Cancel,
}

/// What is found under the beginning of an id.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// Nothing.
    Nothing,
    /// One run.
    One(Box<Run>),
    /// Several, of which the newest ten are named.
    Several(Vec<RunId>),
}

/// Which runs are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Those in one of these states by their own account; all when it is empty. A lost run says that
    /// it is running.
    pub states: Vec<RunState>,
    /// Those with one of these triggers; all when it is empty.
    pub triggers: Vec<Trigger>,
    /// Those that began then or later.
    pub since: Option<Timestamp>,
    /// Those that are older than this one: the last of a list asks for the next.
    pub before: Option<RunId>,
}

impl RunFilter {
    /// Whether a run is one of those.
    #[must_use]
    pub fn matches(&self, run: &Run) -> bool {
        (self.states.is_empty() || self.states.contains(&run.state))
            && (self.triggers.is_empty() || self.triggers.contains(&run.trigger))
            && self.since.is_none_or(|since| run.begun >= since)
            && self.before.as_ref().is_none_or(|before| run.id < *before)
    }
}

/// Remembers what cannot be derived again: runs, what came of their jobs, and who is alive. Several
/// processes use it at once.
///
/// It is history, not duty: losing it loses what can be told about the past, and nothing that has to be
/// done. So whoever works warns when a call fails, and goes on.
///
/// The suite in [`contract`](super::contract) checks every implementation:
///
/// * What was written comes back, in whole or not at all, also when the process is killed right after.
/// * A record that cannot be read counts as forgotten and hides no other.
/// * Each call is made in whole or not at all, except that of very many outcomes some may have been
///   written when a call fails.
/// * Memory and time do not grow with the number of outcomes of a run.
pub trait Ledger: Send + Sync {
    /// Writes a run down.
    ///
    /// # Errors
    /// [`Exists`](super::OfRun::Exists) when there is one with this id: another id has to be
    /// made. And when it cannot be written.
    fn begin(&self, run: &Run) -> Result<(), LedgerError>;

    /// Writes down how far a run has come, and adds to its outcomes and counts; says what is wished. A
    /// run that has ended stays so.
    ///
    /// # Errors
    /// [`Forgotten`](super::OfRun::Forgotten) when there is no such run, and when it cannot
    /// be written. The same outcomes may be given again then; some may stand there twice.
    fn progress(&self, id: &RunId, progress: &Progress<'_>) -> Result<Wish, LedgerError>;

    /// Writes down that a run ended then, and why if something went wrong. What is said last holds.
    ///
    /// # Errors
    /// [`Refused`](super::LedgerErrorKind::Refused) when the state is no end,
    /// [`Forgotten`](super::OfRun::Forgotten) when there is no such run, and when it cannot
    /// be written.
    fn end(
        &self,
        id: &RunId,
        at: Timestamp,
        state: RunState,
        error: Option<&str>,
    ) -> Result<(), LedgerError>;

    /// The run whose id begins with `prefix`.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    fn run(&self, prefix: &str) -> Result<Lookup, LedgerError>;

    /// Runs, the newest first, up to `limit`.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<Run>, LedgerError>;

    /// What came of the jobs of a run, in the order in which it was written: up to `limit` that come
    /// after the place `after`, which is 0 for the first and otherwise where the last page ended. A page
    /// never has more than ten thousand. Of a run that is not known there are none.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    fn outcomes(&self, id: &RunId, after: u64, limit: usize) -> Result<OutcomePage, LedgerError>;

    /// Asks that a run end; false when none goes on under this id.
    ///
    /// # Errors
    /// When it cannot be written.
    fn ask_to_cancel(&self, id: &RunId) -> Result<bool, LedgerError>;

    /// Writes down a sign of life, in place of the one before.
    ///
    /// # Errors
    /// When it cannot be written.
    fn alive(&self, worker: &Worker) -> Result<(), LedgerError>;

    /// Forgets a worker, who leaves.
    ///
    /// # Errors
    /// When it cannot be written.
    fn gone(&self, worker: &str) -> Result<(), LedgerError>;

    /// Those who gave a sign of life and did not leave, by id.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    fn workers(&self) -> Result<Vec<Worker>, LedgerError>;

    /// Forgets what is not to be kept at `now`, and records that cannot be read.
    ///
    /// # Errors
    /// When it cannot be written.
    fn trim(&self, keep: &Keep, now: Timestamp) -> Result<Trimmed, LedgerError>;
}

/// No page is longer.
pub(super) const LONGEST_PAGE: usize = 10_000;
/// So many runs are named when the beginning of an id is not enough.
pub(super) const NAMED: usize = 10;

/// What is found, of the first runs that can be read.
pub(super) fn found(mut runs: Vec<Run>) -> Lookup {
    match runs.len() {
        0 => Lookup::Nothing,
        1 => Lookup::One(Box::new(runs.remove(0))),
        _ => Lookup::Several(runs.into_iter().take(NAMED).map(|run| run.id).collect()),
    }
}

/// Why a run cannot be begun.
pub(super) fn exists(id: &RunId) -> LedgerError {
    let doing = format!("beginning {id}: there is a run with this id");
    LedgerError::new(LedgerErrorKind::Own(OfRun::Exists), doing)
}

/// That there is no such run.
pub(super) fn forgotten(id: &RunId) -> LedgerError {
    let doing = format!("there is no run {id}, or none any more");
    LedgerError::new(LedgerErrorKind::Own(OfRun::Forgotten), doing)
}

/// What is wished of a run; `None` when there is none.
pub(super) fn wish(id: &RunId, cancel_asked: Option<bool>) -> Result<Wish, LedgerError> {
    match cancel_asked {
        Some(true) => Ok(Wish::Cancel),
        Some(false) => Ok(Wish::GoOn),
        None => Err(forgotten(id)),
    }
}

/// Whether a run can be ended with this state.
pub(super) fn check_end(id: &RunId, state: RunState) -> Result<(), LedgerError> {
    if state.is_end() {
        return Ok(());
    }
    let doing = format!("ending {id}: '{state}' is no end");
    Err(LedgerError::new(LedgerErrorKind::Refused, doing))
}
