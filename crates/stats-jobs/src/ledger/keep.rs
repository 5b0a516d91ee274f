//! How much of the past is kept.

use std::time::Duration;

use jiff::Timestamp;

use super::run::is_silent;

const DAY: Duration = Duration::from_secs(86_400);

/// How much of the past is kept. A run that goes on is kept in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So many runs, the newest.
    pub runs: usize,
    /// No run whose last sign of life is older.
    pub age: Duration,
    /// So many outcomes of all runs, those of the newest runs; of the others only the counts.
    pub outcomes: u64,
    /// What gave no sign of life for so long counts as gone: runs that did not end, and workers.
    pub silence: Duration,
}

impl Default for Keep {
    /// A thousand runs of the last 90 days, with a million outcomes.
    fn default() -> Self {
        Self { runs: 1000, age: DAY * 90, outcomes: 1_000_000, silence: DAY }
    }
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Runs, with their outcomes, and records that cannot be read.
    pub runs: u64,
    /// Runs of which only the outcomes were forgotten.
    pub outcomes_of: u64,
    /// Workers.
    pub workers: u64,
}

/// What has to be known of a run to say whether it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aged {
    pub(super) running: bool,
    pub(super) last_sign: Timestamp,
    pub(super) outcomes: u64,
}

/// What becomes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Kept,
    WithoutOutcomes,
    Forgotten,
}

/// Goes through all runs, the newest first.
pub(super) struct Sweep {
    keep: Keep,
    now: Timestamp,
    runs: usize,
    outcomes: u64,
}

impl Sweep {
    pub(super) const fn new(keep: Keep, now: Timestamp) -> Self {
        Self { keep, now, runs: 0, outcomes: 0 }
    }

    /// What becomes of the next older run; `None` is one that cannot be read.
    pub(super) fn judge(&mut self, run: Option<Aged>) -> Verdict {
        let Some(run) = run else { return Verdict::Forgotten };
        let goes_on = run.running && !is_silent(run.last_sign, self.now, self.keep.silence);
        let is_old = is_silent(run.last_sign, self.now, self.keep.age);
        if !goes_on && (is_old || self.runs >= self.keep.runs) {
            return Verdict::Forgotten;
        }
        self.runs += 1;
        self.outcomes = self.outcomes.saturating_add(run.outcomes);
        if run.outcomes > 0 && !goes_on && self.outcomes > self.keep.outcomes {
            return Verdict::WithoutOutcomes;
        }
        Verdict::Kept
    }

    /// Whether a worker is kept that gave its last sign of life then.
    pub(super) fn keeps_worker(&self, last_sign: Timestamp) -> bool {
        !is_silent(last_sign, self.now, self.keep.silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn run(running: bool, days_ago: u32, outcomes: u64) -> Option<Aged> {
        Some(Aged { running, last_sign: NOW - DAY * days_ago, outcomes })
    }

    #[test]
    fn the_newest_are_kept_and_those_that_go_on() {
        let keep = Keep { runs: 3, age: DAY * 10, outcomes: 100, silence: DAY };
        let mut sweep = Sweep::new(keep, NOW);
        let verdicts = [
            run(false, 0, 60),
            None,
            run(false, 3, 40),
            run(false, 11, 0),
            run(true, 9, 0),
            run(false, 9, 0),
            run(true, 2, 0),
            run(true, 1, 5),
        ]
        .map(|run| sweep.judge(run));
        let [kept, forgotten] = [Verdict::Kept, Verdict::Forgotten];
        let expected = [kept, forgotten, kept, forgotten, kept, forgotten, forgotten, kept];
        assert_eq!(verdicts, expected);
    }

    #[test]
    fn outcomes_of_older_runs_go_first_and_runs_that_go_on_keep_theirs() {
        let keep = Keep { outcomes: 100, ..Keep::default() };
        let mut sweep = Sweep::new(keep, NOW);
        let verdicts = [
            run(true, 0, 200),
            run(false, 0, 0),
            run(false, 1, 1),
            run(true, 1, 7),
            run(true, 2, 7),
        ]
        .map(|run| sweep.judge(run));
        let [kept, without] = [Verdict::Kept, Verdict::WithoutOutcomes];
        assert_eq!(verdicts, [kept, kept, without, kept, without]);
    }
}
