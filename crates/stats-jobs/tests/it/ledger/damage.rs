//! Altered bits in the file: whatever can still be read is told, and whoever writes has a ledger.
//! `COMMUNITY_STATS_FLIPS` is how many bits are altered, one after the other.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use stats_jobs::ledger::{
    JobOutcome, Keep, Ledger, LedgerError, LedgerErrorKind, OfRun, Progress, Run, RunFilter, RunId,
    SqliteLedger, SqliteLedgerOptions, Trigger, Worker,
};
use stats_model::ManualClock;

use super::sqlite::many;

fn flips() -> u64 {
    let given = std::env::var("COMMUNITY_STATS_FLIPS").ok();
    given.map_or(100, |text| text.parse().expect("a number"))
}

fn open(path: &Path) -> Result<SqliteLedger, LedgerError> {
    let clock = Arc::new(ManualClock::new(begun()));
    SqliteLedger::open_with(path, SqliteLedgerOptions::default(), clock)
}

fn begun() -> Timestamp {
    "2026-11-29T16:30:02Z".parse().unwrap()
}

fn run(number: u16) -> Run {
    Run::begin(RunId::of(begun(), number), Trigger::Command, "me@here", Value::Null, begun())
}

/// A file with runs, outcomes and workers, closed.
fn whole() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = open(&path).unwrap();
    for number in 0..40 {
        ledger.begin(&run(number)).unwrap();
        let outcomes = many(2, begun());
        let progress = Progress::new(begun(), 1, 1, &outcomes);
        ledger.progress(&run(number).id, &progress).unwrap();
        ledger.alive(&Worker::this_process(format!("{number}"), "stats", begun())).unwrap();
    }
    drop(ledger);
    std::fs::read(path).unwrap()
}

/// Asks for everything; how much came.
fn read_all(ledger: &dyn Ledger) -> Result<usize, LedgerError> {
    let runs = ledger.runs(&RunFilter::default(), 999)?;
    let mut outcomes: Vec<JobOutcome> = Vec::new();
    for run in &runs {
        outcomes.extend(ledger.outcomes(&run.id, 0, 99)?.outcomes);
        ledger.run(run.id.as_str())?;
    }
    Ok(runs.len() + outcomes.len() + ledger.workers()?.len())
}

/// Does what somebody does who works; the first call that finds the damage may fail, for which it
/// warns.
fn work(ledger: &dyn Ledger) {
    let mut failures = Vec::new();
    for number in 100..104 {
        let did = ledger
            .begin(&run(number))
            .and_then(|()| ledger.progress(&run(number).id, &Progress::new(begun(), 1, 1, &[])))
            .and_then(|_| read_all(ledger))
            .and_then(|_| ledger.trim(&Keep::default(), begun()));
        if let Err(error) = did {
            let kind = error.kind();
            assert!(
                matches!(kind, LedgerErrorKind::Damaged | LedgerErrorKind::Own(OfRun::Forgotten)),
                "{error:?}"
            );
            failures.push(error);
        }
    }
    assert!(failures.len() <= 2, "{failures:?}");
    read_all(ledger).unwrap();
}

#[test]
fn whoever_works_has_a_ledger_again_whatever_bit_was_altered() {
    let whole = whole();
    let folder = tempfile::tempdir().unwrap();
    let (mut told, mut newer) = (0, 0);
    for flip in 0..flips() {
        let bit = flip.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (whole.len() as u64 * 8);
        let path = folder.path().join(format!("{flip}/ledger.db"));
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        let mut bytes = whole.clone();
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        std::fs::write(&path, bytes).unwrap();
        let read = SqliteLedger::open_read_only(&path, SqliteLedgerOptions::default());
        told += read.and_then(|ledger| read_all(&ledger)).unwrap_or(0);
        match open(&path) {
            Ok(ledger) => work(&ledger),
            // The bit was one of the number of the format.
            Err(error) if error.kind() == LedgerErrorKind::NewerFormat => newer += 1,
            Err(error) => panic!("bit {bit}: {error:?}"),
        }
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
    assert!(newer <= 32, "{newer}");
    assert!(told as u64 > flips() * 100, "{told} of {}", flips() * 160);
}

#[test]
fn a_file_that_is_cut_is_no_obstacle() {
    let whole = whole();
    for length in [0, 1, 50, 99, 100, 1000, 4096, 5000, 8192, whole.len() - 4096, whole.len() - 1] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        std::fs::write(&path, &whole[..length]).unwrap();
        work(&open(&path).unwrap());
    }
}
