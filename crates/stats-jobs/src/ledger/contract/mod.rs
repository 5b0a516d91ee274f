//! The conformance suite of [`Ledger`]: what every ledger has to do, checked on the ledger itself.
//!
//! An implementation has a [`Harness`] for its tests and calls
//! [`ledger_contract!`](crate::ledger_contract), which makes one test of every case:
//!
//! ```text
//! stats_jobs::ledger_contract!(MyHarness::start);
//! ```
//!
//! A bug found in one ledger becomes a case for all.

mod forgetting;
mod outcomes;
mod runs;
mod workers;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

pub use self::forgetting::*;
pub use self::outcomes::*;
pub use self::runs::*;
pub use self::workers::*;
use super::book::{Ledger, Lookup, Progress, RunFilter};
use super::id::RunId;
use super::outcome::JobOutcome;
use super::run::{Run, Trigger};

/// A ledger under test with everything a test has to be able to do to it.
///
/// Each test gets its own, empty.
pub trait Harness: Sync {
    /// The ledger.
    fn ledger(&self) -> &dyn Ledger;

    /// A second way into the same place, as another process would have it.
    fn other(&self) -> Box<dyn Ledger>;

    /// Writes something else in place of the text of a record, past the ledger.
    fn spoil(&self, record: Record<'_>, text: &[u8]);
}

/// One record of a ledger.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// What was written down when a run began.
    Begun(&'a RunId),
    /// How a run stands.
    State(&'a RunId),
    /// An outcome of a run, of which the first is 1.
    Outcome(&'a RunId, u64),
    /// A worker.
    Worker(&'a str),
}

/// Makes a test of each case of the suite. The argument is an expression that can be called without
/// arguments and returns `Option<impl Harness>`; with `None` the test is skipped, and whoever returns
/// it says why.
#[macro_export]
macro_rules! ledger_contract {
    ($start:expr) => {
        $crate::ledger_contract!($start,
            what_was_begun_comes_back
            a_run_goes_on_and_ends
            a_run_is_begun_once
            one_of_many_begins_a_run
            what_is_not_known_is_said
            only_an_end_ends_a_run
            what_is_said_last_of_an_end_holds
            whoever_is_asked_to_cancel_hears_it
            a_run_is_found_by_the_beginning_of_its_id
            runs_are_told_the_newest_first
            runs_are_filtered
            lost_runs_are_told
            very_long_texts_are_cut
            outcomes_come_back_in_their_order
            outcomes_are_paged_while_they_are_written
            many_append_at_once
            counts_agree_with_outcomes
            outcomes_of_one_run_are_not_those_of_another
            very_many_outcomes_at_once_are_taken
            unreadable_runs_count_as_forgotten
            unreadable_outcomes_hide_no_other
            unreadable_workers_hide_no_other
            workers_are_known_while_they_live
            the_newest_runs_are_kept
            old_runs_are_forgotten
            runs_that_go_on_are_kept
            outcomes_of_older_runs_are_forgotten_first
            silent_workers_are_forgotten
            an_empty_ledger_can_be_trimmed
        );
    };
    ($start:expr, $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                if let Some(harness) = ($start)() {
                    $crate::ledger::contract::$case(&harness);
                }
            }
        )+
    };
}

/// When the runs of the suite begin.
fn start() -> Timestamp {
    Timestamp::from_millisecond(1_796_056_202_345).expect("a time of this century")
}

fn seconds(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}

/// The run that begins so many seconds after [`start`], elsewhere.
fn run_at(after: u64) -> Run {
    let begun = seconds(after);
    let id = RunId::of(begun, u16::try_from(after % 65_536).expect("it is smaller"));
    let request = json!({ "communities": ["global"], "years": [2024, 2025], "größe": null });
    Run {
        host: "elsewhere".to_owned(),
        pid: 4711,
        ..Run::begin(id, Trigger::Schedule, "stats@elsewhere", request, begun)
    }
}

fn begun(ledger: &dyn Ledger, after: u64) -> Run {
    let run = run_at(after);
    ledger.begin(&run).expect("a run is begun");
    run
}

fn outcome(number: u64, name: &str) -> JobOutcome {
    JobOutcome {
        job: format!("global/{number}/usage-delta-category"),
        outcome: name.to_owned(),
        detail: if number.is_multiple_of(2) { String::new() } else { format!("größe {number}") },
        at: seconds(number),
        duration_ms: number * 3,
        bytes: number << 20,
    }
}

fn outcomes(numbers: std::ops::Range<u64>, name: &str) -> Vec<JobOutcome> {
    numbers.map(|number| outcome(number, name)).collect()
}

fn append(ledger: &dyn Ledger, id: &RunId, at: Timestamp, outcomes: &[JobOutcome]) {
    ledger.progress(id, &Progress::new(at, 0, 0, outcomes)).expect("a run goes on");
}

/// The run as it stands in the ledger.
fn look(ledger: &dyn Ledger, id: &RunId) -> Option<Run> {
    match ledger.run(id.as_str()).expect("the ledger answers") {
        Lookup::Nothing => None,
        Lookup::One(run) => Some(*run),
        Lookup::Several(ids) => panic!("{ids:?} for {id}"),
    }
}

fn all_ids(ledger: &dyn Ledger) -> Vec<RunId> {
    let runs = ledger.runs(&RunFilter::default(), usize::MAX).expect("runs are told");
    runs.into_iter().map(|run| run.id).collect()
}

/// All outcomes, read in pages of `limit`.
fn all_outcomes(ledger: &dyn Ledger, id: &RunId, limit: usize) -> Vec<JobOutcome> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = ledger.outcomes(id, after, limit).expect("a page is read");
        assert!(page.outcomes.len() <= limit);
        all.extend(page.outcomes);
        if page.after == after {
            return all;
        }
        after = page.after;
    }
}
