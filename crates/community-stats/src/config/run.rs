//! What keeps the matrix true while the program runs by itself.

use std::num::NonZeroU16;
use std::time::Duration;

use super::section::section;
use super::times::Times;
use super::types::choice;

choice! {
    /// How log lines are written.
    LogForm: "\"text\" or \"json\"" {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// Where it is remembered what runs did, and who is at work.
    LedgerKind: "\"sqlite\" or \"redis\"" {
        /// The file `data.ledger`.
        Sqlite = "sqlite",
        /// The Redis database of the responses, outside of what belongs to the cache.
        Redis = "redis",
    }
}

section! {
    /// What `run` does: how often it looks, and how much it does at once.
    RunSettings = "run" {
        /// How often the source is asked whether anything moved: one question.
        interval: Duration = Duration::from_secs(30), [];

        /// When everything is compared, besides: a cron expression, UTC. Empty: never.
        schedule: Times = Times::default(), [];

        /// After so long everything is compared in any case, so that no error lives longer.
        compare_all: Duration = Duration::from_secs(600), [];

        /// How long before its end an entry that is as it should be is given a longer life; at most
        /// half of its life.
        prolong_ahead: Duration = Duration::from_secs(2 * 86_400), [];

        /// How often a response that cannot be made is tried, with pauses that grow up to an hour,
        /// before it is given up until what it is made from changes.
        attempts: NonZeroU16 = NonZeroU16::MIN.saturating_add(4), [];

        /// How many responses one run makes at most; 0 for all.
        max_cells: u16 = 0, [];

        /// How long one run lasts at most; 0 for as long as it takes.
        max_duration: Duration = Duration::ZERO, [];

        /// How many runs are remembered.
        keep_runs: u16 = 1000, [];

        /// For how long runs are remembered.
        keep_for: Duration = Duration::from_secs(90 * 86_400), [];

        /// Where it is remembered what runs did and who is at work: `sqlite`, the file `data.ledger`, or
        /// `redis`, beside the responses, for all hosts together. Unset it is where the responses are.
        ledger: Option<LedgerKind> = None, [];

        /// How log lines are written: `text` or `json`.
        log: LogForm = LogForm::Text, [];
    }
}
