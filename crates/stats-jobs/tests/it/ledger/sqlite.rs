//! The ledger in a file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;
use stats_jobs::ledger::contract::{Harness, Record};
use stats_jobs::ledger::{
    JobOutcome, Keep, Ledger, LedgerError, LedgerErrorKind, Lookup, OfRun, Progress, Run,
    RunFilter, RunId, SqliteLedger, SqliteLedgerOptions, Trigger, Worker,
};
use stats_model::ManualClock;
use stats_testkit::wait;
use tempfile::TempDir;

struct SqliteHarness {
    folder: TempDir,
    ledger: SqliteLedger,
}

impl SqliteHarness {
    fn start() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let ledger = open(&folder).unwrap();
        Some(Self { folder, ledger })
    }

    fn raw(&self) -> Connection {
        Connection::open(path(&self.folder)).unwrap()
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("ledger.db")
}

fn open(folder: &TempDir) -> Result<SqliteLedger, LedgerError> {
    open_with(folder, SqliteLedgerOptions::default())
}

fn open_with(folder: &TempDir, options: SqliteLedgerOptions) -> Result<SqliteLedger, LedgerError> {
    let clock = ManualClock::new("2026-11-29T16:30:02Z".parse().unwrap());
    SqliteLedger::open_with(path(folder), options, Arc::new(clock))
}

impl Harness for SqliteHarness {
    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    fn other(&self) -> Box<dyn Ledger> {
        Box::new(open(&self.folder).unwrap())
    }

    fn spoil(&self, record: Record<'_>, text: &[u8]) {
        let connection = self.raw();
        // No UTF-8 necessarily, and a text all the same.
        let changed = match record {
            Record::Begun(id) => connection.execute(
                "UPDATE runs SET begun = CAST(?2 AS TEXT) WHERE id = ?1",
                params![id.as_str(), text],
            ),
            Record::State(id) => connection.execute(
                "UPDATE runs SET state = CAST(?2 AS TEXT) WHERE id = ?1",
                params![id.as_str(), text],
            ),
            Record::Outcome(id, place) => connection.execute(
                "UPDATE outcomes SET outcome = CAST(?3 AS TEXT)
                 WHERE run = (SELECT number FROM runs WHERE id = ?1) AND place = ?2",
                params![id.as_str(), place as i64, text],
            ),
            Record::Worker(id) => connection.execute(
                "UPDATE workers SET worker = CAST(?2 AS TEXT) WHERE id = ?1",
                params![id, text],
            ),
        };
        assert_eq!(changed.unwrap(), 1);
    }
}

mod contract {
    stats_jobs::ledger_contract!(super::SqliteHarness::start);
}

fn run_at(second: i64) -> Run {
    let begun = Timestamp::from_second(1_796_056_202 + second).unwrap();
    Run::begin(RunId::of(begun, 0), Trigger::Command, "me@here", Value::Null, begun)
}

fn ids(ledger: &dyn Ledger) -> Vec<RunId> {
    let runs = ledger.runs(&RunFilter::default(), 99).unwrap();
    runs.into_iter().map(|run| run.id).collect()
}

pub(super) fn many(count: u64, at: Timestamp) -> Vec<JobOutcome> {
    let one = |number| JobOutcome {
        job: format!("global/{number}/usage-delta-category"),
        outcome: "stored".to_owned(),
        detail: String::new(),
        at,
        duration_ms: 1,
        bytes: number,
    };
    (0..count).map(one).collect()
}

#[test]
#[cfg(unix)]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let harness = SqliteHarness::start().unwrap();
    harness.ledger.begin(&run_at(0)).unwrap();
    let mut names = Vec::new();
    for file in std::fs::read_dir(harness.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["ledger.db", "ledger.db-shm", "ledger.db-wal"]);
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let harness = SqliteHarness::start().unwrap();
    harness.raw().pragma_update(None, "user_version", 2).unwrap();
    let error = open(&harness.folder).unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::NewerFormat);
    assert!(error.to_string().contains("has format 2"), "{error}");
}

#[test]
fn files_that_are_something_else_are_left_alone() {
    let folder = TempDir::new().unwrap();
    Connection::open(path(&folder)).unwrap().execute_batch("CREATE TABLE runs (a)").unwrap();
    let before = std::fs::read(path(&folder)).unwrap();
    let error = open(&folder).unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::Damaged);
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(std::fs::read(path(&folder)).unwrap(), before);
    let nowhere = SqliteLedger::open(folder.path().join("nowhere/ledger.db")).unwrap_err();
    assert_eq!(nowhere.kind(), LedgerErrorKind::Unreachable);
}

#[test]
fn a_damaged_file_is_set_aside_and_history_begins_anew() {
    let harness = SqliteHarness::start().unwrap();
    harness.ledger.begin(&run_at(0)).unwrap();
    drop(harness.ledger);
    let mut bytes = std::fs::read(path(&harness.folder)).unwrap();
    bytes[4096..].fill(0x5a);
    std::fs::write(path(&harness.folder), &bytes).unwrap();

    let ledger = open(&harness.folder).unwrap();
    assert_eq!(ids(&ledger), []);
    let aside = ledger.set_aside().unwrap();
    assert_eq!(aside.path, harness.folder.path().join("ledger.db.damaged-20261129T163002Z"));
    assert_eq!(std::fs::read(&aside.path).unwrap(), bytes);
    ledger.begin(&run_at(1)).unwrap();
    let again = open(&harness.folder).unwrap();
    assert_eq!((ids(&again), again.set_aside()), (vec![run_at(1).id], None));
}

#[test]
fn damage_that_shows_while_the_file_is_in_use_ends_with_the_next_call() {
    let harness = SqliteHarness::start().unwrap();
    harness.ledger.begin(&run_at(0)).unwrap();
    harness.raw().execute_batch("DROP TABLE outcomes").unwrap();
    let error = harness.ledger.outcomes(&run_at(0).id, 0, 9).unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::Damaged);
    harness.ledger.begin(&run_at(1)).unwrap();
    assert_eq!(ids(&harness.ledger), [run_at(1).id]);
    assert!(harness.ledger.set_aside().is_some());
}

#[test]
fn what_one_process_sets_aside_another_leaves_too() {
    let harness = SqliteHarness::start().unwrap();
    let other = open(&harness.folder).unwrap();
    other.begin(&run_at(0)).unwrap();
    harness.ledger.begin(&run_at(1)).unwrap();
    stats_sqlite::mark_damaged(&path(&harness.folder), "somebody found it so");
    let third = open(&harness.folder).unwrap();
    assert!(third.set_aside().is_some());
    for (ledger, second) in [(&other, 2), (&harness.ledger, 3), (&third, 4)] {
        ledger.begin(&run_at(second)).unwrap();
    }
    let expected = [4, 3, 2].map(|second| run_at(second).id);
    for ledger in [&other, &harness.ledger, &third] {
        assert_eq!(ids(ledger), expected);
    }
}

#[test]
fn a_file_that_is_taken_away_is_made_again() {
    let harness = SqliteHarness::start().unwrap();
    harness.ledger.begin(&run_at(0)).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(harness.folder.path().join(format!("ledger.db{suffix}"))).unwrap();
    }
    let progress = Progress::new(run_at(0).begun, 0, 0, &[]);
    let error = harness.ledger.progress(&run_at(0).id, &progress).unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::Own(OfRun::Forgotten));
    harness.ledger.begin(&run_at(1)).unwrap();
    assert_eq!(ids(&*harness.other()), [run_at(1).id]);
}

#[test]
fn a_full_ledger_says_so_and_keeps_what_it_has() {
    let folder = TempDir::new().unwrap();
    let options = SqliteLedgerOptions { max_bytes: Some(200_000), ..Default::default() };
    let ledger = open_with(&folder, options).unwrap();
    let run = run_at(0);
    ledger.begin(&run).unwrap();
    ledger.progress(&run.id, &Progress::new(run.begun, 0, 0, &many(100, run.begun))).unwrap();
    let too_many = many(5_000, run.begun);
    let error = ledger.progress(&run.id, &Progress::new(run.begun, 0, 0, &too_many)).unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::Full);
    assert_eq!(ledger.outcomes(&run.id, 0, 999).unwrap().outcomes.len(), 100);
    let Lookup::One(found) = ledger.run(run.id.as_str()).unwrap() else { panic!() };
    assert_eq!(found.counts["stored"], 100);
}

#[test]
fn another_process_that_writes_for_long_makes_it_busy() {
    let harness = SqliteHarness::start().unwrap();
    let busy_timeout = Duration::from_millis(50);
    let options = SqliteLedgerOptions { busy_timeout, ..Default::default() };
    let hasty = open_with(&harness.folder, options).unwrap();
    let blocker = harness.raw();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(hasty.begin(&run_at(0)).unwrap_err().kind(), LedgerErrorKind::Busy);
    assert_eq!(ids(&hasty), []);
    blocker.execute_batch("ROLLBACK").unwrap();
    hasty.begin(&run_at(0)).unwrap();
}

#[test]
fn whoever_only_reads_sees_what_is_written_and_writes_nothing() {
    let harness = SqliteHarness::start().unwrap();
    let options = SqliteLedgerOptions::default();
    let reader = SqliteLedger::open_read_only(path(&harness.folder), options.clone()).unwrap();
    assert_eq!(ids(&reader), []);
    harness.ledger.begin(&run_at(0)).unwrap();
    assert_eq!(ids(&reader), [run_at(0).id]);
    let refused = [
        reader.begin(&run_at(1)),
        reader.ask_to_cancel(&run_at(0).id).map(drop),
        reader.alive(&Worker::this_process("a", "b", run_at(0).begun)),
        reader.trim(&Keep::default(), run_at(0).begun).map(drop),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().kind(), LedgerErrorKind::Refused);
    }
    let unmade = harness.folder.path().join("unmade.db");
    std::fs::write(&unmade, "").unwrap();
    let error = SqliteLedger::open_read_only(unmade, options.clone()).unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::Unreachable);
    assert!(error.to_string().contains("holds nothing yet"), "{error}");
    let nothing = SqliteLedger::open_read_only(harness.folder.path().join("none.db"), options);
    assert_eq!(nothing.unwrap_err().kind(), LedgerErrorKind::Unreachable);
    assert!(!harness.folder.path().join("none.db").exists());
}

#[test]
fn room_of_what_is_forgotten_is_given_back() {
    let harness = SqliteHarness::start().unwrap();
    let run = run_at(0);
    harness.ledger.begin(&run).unwrap();
    let outcomes = many(20_000, run.begun);
    harness.ledger.progress(&run.id, &Progress::new(run.begun, 0, 0, &outcomes)).unwrap();
    let pages = |name: &str| -> i64 {
        harness.raw().pragma_query_value(None, name, |row| row.get(0)).unwrap()
    };
    assert!(pages("page_count") > 500);
    let later = run.begun + SignedDuration::from_hours(24 * 91);
    assert_eq!(harness.ledger.trim(&Keep::default(), later).unwrap().runs, 1);
    assert_eq!(pages("freelist_count"), 0);
    assert!(pages("page_count") < 20);
}

/// Names the file to the process that is killed.
const VICTIM: &str = "COMMUNITY_STATS_TEST_LEDGER";
const BATCH: u64 = 7;

#[test]
#[ignore = "is run, and killed, by the test below"]
fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(VICTIM) else { return };
    let ledger = SqliteLedger::open(Path::new(&path)).unwrap();
    let run = run_at(0);
    ledger.begin(&run).unwrap();
    let outcomes = many(BATCH, run.begun);
    loop {
        ledger.progress(&run.id, &Progress::new(run.begun, 0, 0, &outcomes)).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_a_ledger_that_agrees_with_itself() {
    let harness = SqliteHarness::start().unwrap();
    let run = run_at(0);
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::sqlite::writes_until_it_is_killed", "--ignored"])
        .env(VICTIM, path(&harness.folder))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let written = || harness.ledger.outcomes(&run.id, 0, 10_000).unwrap().after;
    wait::until("the process has written something", || written() > 100);
    victim.kill().unwrap();
    victim.wait().unwrap();

    let fresh = harness.other();
    let (mut count, mut after) = (0, 0);
    loop {
        let page = fresh.outcomes(&run.id, after, 10_000).unwrap();
        count += page.outcomes.len() as u64;
        if page.after == after {
            break;
        }
        after = page.after;
    }
    assert_eq!(count, after);
    assert_eq!(count % BATCH, 0, "a half batch");
    let Lookup::One(found) = fresh.run(run.id.as_str()).unwrap() else { panic!() };
    assert_eq!(found.counts["stored"], count);
    let findings: String =
        harness.raw().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(findings, "ok");
    fresh.progress(&run.id, &Progress::new(run.begun, 0, 0, &many(1, run.begun))).unwrap();
}
