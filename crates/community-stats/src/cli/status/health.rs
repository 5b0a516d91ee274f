//! Whether all is well, and if not, why.

use stats_jobs::ledger::Worker;
use stats_service::{Board, Overview, StateName};

use super::super::table::count;
use crate::daemon::IN_VAIN;

/// What is wrong; nothing when all is well.
pub(super) struct Health(Vec<String>);

/// Whether a process makes what has to be made, and does not only perform tasks.
pub(super) fn keeps(worker: &Worker) -> bool {
    worker.role != "worker"
}

/// States that somebody has to do something about.
const WRONG: [StateName; 4] =
    [StateName::Dead, StateName::Failed, StateName::Held, StateName::Damaged];

impl Health {
    /// What is wrong with what was seen. What has to be made is no fault as long as somebody is there
    /// to make it.
    pub(super) fn of(overview: &Overview, workers: &[Worker]) -> Self {
        let counts = overview.board.counts();
        let mut wrong = Vec::new();
        for state in WRONG {
            if let Some(number) = counts.get(&state) {
                wrong.push(format!("{} {state}", count(*number)));
            }
        }
        let to_make = overview.board.to_make();
        if to_make > 0 && !workers.iter().any(keeps) {
            wrong.push(format!("{} to be made, and nobody does", count(to_make)));
        }
        let waiting = overview.board.untrue_waiting();
        if waiting > 0 {
            wrong.push(format!("{} not up to date, and waiting", count(waiting)));
        }
        let troubles = workers.iter().filter_map(|worker| worker.doing.strip_prefix(IN_VAIN));
        wrong.extend(troubles.map(str::to_owned));
        wrong.extend(overview.warnings.iter().cloned());
        Self(wrong)
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn reasons(&self) -> &[String] {
        &self.0
    }

    /// All of it in one line.
    pub(super) fn line(&self, board: &Board) -> String {
        let counts = board.counts();
        let all: u64 = counts.values().sum();
        let fresh = counts.get(&StateName::Fresh).copied().unwrap_or_default();
        let fresh = format!("{} of {} responses fresh", count(fresh), count(all));
        if self.is_healthy() {
            format!("healthy: {fresh}")
        } else {
            format!("not healthy: {}; {fresh}", self.0.join("; "))
        }
    }
}
