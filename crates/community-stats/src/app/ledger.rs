//! What is remembered of runs.

use std::sync::Arc;
use std::time::Duration;

use stats_cache::{RedisClient, RedisOptions};
use stats_jobs::ledger::{
    Ledger, RedisLedger, Run, RunFilter, RunState, SqliteLedger, SqliteLedgerOptions,
};
use stats_service::RunAtWork;

use super::parts::{App, AppError, make_folder_of};
use super::told::warn;
use crate::config::LedgerKind;
use crate::connections::redis_address;

/// Whoever gave no sign of life for so long is not there any more.
pub const SILENT: Duration = Duration::from_secs(60);

/// So many runs that go on are told of at most.
const RUNS: usize = 100;

impl App {
    /// Says which runs go on, as often as it is asked; none where no ledger can be read.
    pub(super) fn runs_at_work(&self) -> impl Fn() -> Vec<RunAtWork> + Send + Sync + 'static {
        let ledger = self.ledger_to_read().ok().flatten();
        let clock = Arc::clone(&self.clock);
        move || {
            let Some(ledger) = &ledger else { return Vec::new() };
            let filter = RunFilter { states: vec![RunState::Running], ..RunFilter::default() };
            let goes_on = |run: &Run| run.state_at(clock.now(), SILENT) == RunState::Running;
            let runs = ledger.runs(&filter, RUNS).unwrap_or_default();
            runs.into_iter().filter(goes_on).map(at_work).collect()
        }
    }

    /// The ledger: in a file, which is made when it is not there, or in Redis, which is not asked yet.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn ledger_to_write(&self) -> Result<Arc<dyn Ledger>, AppError> {
        match self.settings.ledger() {
            LedgerKind::Redis => self.ledger_in_redis(),
            LedgerKind::Sqlite => self.ledger_in_a_file(),
        }
    }

    /// The ledger as it is; `None` when there is none yet, or one is just being made.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn ledger_to_read(&self) -> Result<Option<Arc<dyn Ledger>>, AppError> {
        if self.settings.ledger() == LedgerKind::Redis {
            return self.ledger_in_redis().map(Some);
        }
        let path = self.settings.data.ledger_path();
        let is_made = path.metadata().is_ok_and(|file| file.is_dir() || file.len() > 0);
        if !is_made {
            return Ok(None);
        }
        let ledger = SqliteLedger::open_read_only(path, SqliteLedgerOptions::default())?;
        Ok(Some(Arc::new(ledger)))
    }

    fn ledger_in_a_file(&self) -> Result<Arc<dyn Ledger>, AppError> {
        let path = self.settings.data.ledger_path();
        make_folder_of(&path)?;
        let clock = Arc::clone(&self.clock);
        let ledger = SqliteLedger::open_with(path, SqliteLedgerOptions::default(), clock)?;
        if let Some(aside) = ledger.set_aside() {
            warn(&format!(
                "{}; it was set aside as {}, and what was remembered of runs is lost",
                aside.why,
                aside.path.display()
            ));
        }
        Ok(Arc::new(ledger))
    }

    /// Beside the responses, so that whoever shares those shares it, too.
    fn ledger_in_redis(&self) -> Result<Arc<dyn Ledger>, AppError> {
        let address = redis_address(&self.settings.cache.redis_targets().responses);
        let client = RedisClient::prepare(address, RedisOptions::default())?;
        let prefix = &self.settings.cache.prefix;
        Ok(Arc::new(RedisLedger::beside(prefix, move || client.open())))
    }
}

/// A run as the service knows runs.
fn at_work(run: Run) -> RunAtWork {
    let by = format!("run {} (process {} on {})", run.id, run.pid, run.host);
    RunAtWork { request: run.request, since: run.begun, by }
}
