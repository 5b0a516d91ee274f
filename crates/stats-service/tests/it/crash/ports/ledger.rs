//! What is remembered of runs.

use jiff::Timestamp;
use stats_jobs::ledger::{
    Keep, Ledger, LedgerError, Lookup, OutcomePage, Progress, Run, RunFilter, RunId, RunState,
    Trimmed, Wish, Worker,
};

use super::Pointed;

impl Ledger for Pointed<dyn Ledger> {
    fn begin(&self, run: &Run) -> Result<(), LedgerError> {
        self.points.around("ledger.begin", || self.port.begin(run))
    }

    fn progress(&self, id: &RunId, progress: &Progress<'_>) -> Result<Wish, LedgerError> {
        self.points.around("ledger.progress", || self.port.progress(id, progress))
    }

    fn end(
        &self,
        id: &RunId,
        at: Timestamp,
        state: RunState,
        error: Option<&str>,
    ) -> Result<(), LedgerError> {
        self.points.around("ledger.end", || self.port.end(id, at, state, error))
    }

    fn run(&self, prefix: &str) -> Result<Lookup, LedgerError> {
        self.port.run(prefix)
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<Run>, LedgerError> {
        self.port.runs(filter, limit)
    }

    fn outcomes(&self, id: &RunId, after: u64, limit: usize) -> Result<OutcomePage, LedgerError> {
        self.port.outcomes(id, after, limit)
    }

    fn ask_to_cancel(&self, id: &RunId) -> Result<bool, LedgerError> {
        self.port.ask_to_cancel(id)
    }

    fn alive(&self, worker: &Worker) -> Result<(), LedgerError> {
        self.points.around("ledger.alive", || self.port.alive(worker))
    }

    fn gone(&self, worker: &str) -> Result<(), LedgerError> {
        self.points.around("ledger.gone", || self.port.gone(worker))
    }

    fn workers(&self) -> Result<Vec<Worker>, LedgerError> {
        self.port.workers()
    }

    fn trim(&self, keep: &Keep, now: Timestamp) -> Result<Trimmed, LedgerError> {
        self.points.around("ledger.trim", || self.port.trim(keep, now))
    }
}
