//! What is not kept is forgotten.

use std::ops::ControlFlow;

use redis::{Cmd, Value, cmd};

use super::{PAGE, RedisLedger};
use crate::ledger::error::LedgerError;
use crate::ledger::keep::{Aged, Sweep, Trimmed, Verdict};
use crate::ledger::run::{Run, RunState};

impl RedisLedger {
    /// Forgets runs, and outcomes of runs.
    pub(super) fn trim_runs(&self, sweep: &mut Sweep) -> Result<Trimmed, LedgerError> {
        let doing = "forgetting old runs";
        let mut found = Vec::new();
        self.each_run("+".to_owned(), "-", doing, |id, run| {
            let aged = run.map(|Run { state, last_sign, .. }| (state, last_sign));
            found.push((id, aged));
            ControlFlow::Continue(())
        })?;
        let mut trimmed = Trimmed::default();
        for page in found.chunks(PAGE) {
            let lengths = page.iter().map(|(id, _)| {
                let mut length = cmd("LLEN");
                length.arg(self.names.outcomes_of(id));
                length
            });
            let lengths = self.connections.pipeline(&lengths.collect::<Vec<_>>(), doing)?;
            let mut forget = Vec::new();
            for ((id, aged), length) in page.iter().zip(lengths) {
                let outcomes = match length {
                    Value::Int(length) => u64::try_from(length).unwrap_or(0),
                    _ => 0,
                };
                let aged = aged.map(|(state, last_sign)| Aged {
                    running: state == RunState::Running,
                    last_sign,
                    outcomes,
                });
                let verdict = sweep.judge(aged);
                trimmed.runs += u64::from(verdict == Verdict::Forgotten);
                trimmed.outcomes_of += u64::from(verdict == Verdict::WithoutOutcomes);
                self.forget(id, verdict, &mut forget);
            }
            self.all(&forget, doing)?;
        }
        Ok(trimmed)
    }

    /// Forgets workers that are silent, or cannot be read.
    pub(super) fn trim_workers(&self, sweep: &Sweep) -> Result<u64, LedgerError> {
        let doing = "forgetting workers";
        let (workers, mut gone) = self.all_workers(doing)?;
        let silent = workers.into_iter().filter(|worker| !sweep.keeps_worker(worker.last_sign));
        gone.extend(silent.map(|worker| worker.id.into_bytes()));
        if gone.is_empty() {
            return Ok(0);
        }
        let mut forget = cmd("HDEL");
        forget.arg(self.names.workers()).arg(&gone);
        self.connections.command(&forget, doing)?;
        Ok(gone.len() as u64)
    }

    /// The commands that carry out a verdict.
    fn forget(&self, id: &str, verdict: Verdict, commands: &mut Vec<Cmd>) {
        if verdict == Verdict::Kept {
            return;
        }
        let mut unlink = cmd("UNLINK");
        unlink.arg(self.names.outcomes_of(id));
        if verdict == Verdict::Forgotten {
            unlink.arg(self.names.run(id));
        }
        commands.push(unlink);
        if verdict == Verdict::Forgotten {
            // Last: whatever breaks off before is found again.
            let mut remove = cmd("ZREM");
            remove.arg(self.names.runs()).arg(id);
            commands.push(remove);
        }
    }
}
