//! Who is alive.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the ledger breaks the contract")]

use std::time::Duration;

use super::{Harness, seconds};
use crate::ledger::keep::Keep;
use crate::ledger::worker::Worker;

pub(super) fn worker(id: &str, at: u64) -> Worker {
    Worker {
        host: "elsewhere".to_owned(),
        pid: 4711,
        ..Worker::this_process(id, "stats", seconds(at))
    }
}

/// A worker is known from its first sign of life until it leaves, and its last sign is what counts.
pub fn workers_are_known_while_they_live(harness: &dyn Harness) {
    let (ledger, other) = (harness.ledger(), harness.other());
    let (one, two) = (worker("b größe", 0), worker("a:1", 1));
    for one in [&one, &two] {
        ledger.alive(one).expect("a sign of life");
    }
    assert_eq!(other.workers().expect("workers"), [two.clone(), one.clone()]);
    let busy = Worker {
        last_sign: seconds(30),
        doing: "global/2025/usage-delta-category".to_owned(),
        ..one.clone()
    };
    other.alive(&busy).expect("a sign of life");
    assert_eq!(ledger.workers().expect("workers"), [two.clone(), busy.clone()]);
    let minute = Duration::from_secs(60);
    assert!(two.is_lost(seconds(62), minute) && !busy.is_lost(seconds(62), minute));
    other.gone("a:1").expect("it leaves");
    assert_eq!(ledger.workers().expect("workers"), [busy]);
    ledger.gone("b größe").expect("it leaves");
    assert_eq!(other.workers().expect("workers"), []);
}

/// A worker that leaves without a word is forgotten after some time.
pub fn silent_workers_are_forgotten(harness: &dyn Harness) {
    let ledger = harness.ledger();
    for (id, at) in [("a", 0), ("b", 10), ("c", 100)] {
        ledger.alive(&worker(id, at)).expect("a sign of life");
    }
    let keep = Keep { silence: Duration::from_secs(50), ..Keep::default() };
    assert_eq!(ledger.trim(&keep, seconds(60)).expect("it is trimmed").workers, 1);
    let left = harness.other().workers().expect("workers");
    assert_eq!(left, [worker("b", 10), worker("c", 100)]);
    assert_eq!(ledger.trim(&keep, seconds(60)).expect("it is trimmed").workers, 0);
}
