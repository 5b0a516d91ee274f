//! Records of any bytes are read or count as forgotten.

use std::collections::BTreeMap;

use jiff::Timestamp;
use stats_testkit::fuzz;

use super::outcome::JobOutcome;
use super::record::{self, Course};
use super::run::RunState;
use super::worker::Worker;

fn course() -> Course {
    Course {
        last_sign: Timestamp::UNIX_EPOCH,
        ended: None,
        state: RunState::Running,
        planned: 0,
        done: 0,
        counts: BTreeMap::new(),
        error: None,
        cancel_asked: false,
    }
}

fn fuzz_ledger_record(data: &[u8]) {
    const ID: &str = "20261129T165000Z-804f2a";
    if let Some(run) = record::run(ID, data, course()) {
        assert_eq!(run.id.as_str(), ID);
        let written = record::begun(&run).expect("it was read");
        assert_eq!(record::run(ID, written.as_bytes(), course()), Some(run));
    }
    if let Some(outcome) = record::read::<JobOutcome>(data) {
        let written = record::outcome(&outcome).expect("it was read");
        assert_eq!(record::read(written.as_bytes()), Some(outcome));
    }
    if let Some(worker) = record::read::<Worker>(data) {
        let written = record::worker(&worker).expect("it was read");
        assert_eq!(record::read(written.as_bytes()), Some(worker));
    }
}

#[test]
fn records() {
    fuzz::run("ledger-record", fuzz_ledger_record).unwrap();
}
