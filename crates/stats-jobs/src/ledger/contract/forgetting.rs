//! What is forgotten: what cannot be read, and what is too old.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the ledger breaks the contract")]

use std::time::Duration;

use super::workers::worker;
use super::{
    Harness, Record, all_ids, all_outcomes, append, begun, look, outcomes, run_at, seconds,
};
use crate::ledger::book::{Ledger, Lookup};
use crate::ledger::keep::{Keep, Trimmed};
use crate::ledger::run::RunState;

/// What can stand in a record that is not ours, or not any more.
const SPOILT: [&[u8]; 5] = [b"", b"{", b"{\"v\":99}", b"{\"v\":1}", b"\xff\xfe"];

fn ended(ledger: &dyn Ledger, after: u64) -> crate::ledger::RunId {
    let id = begun(ledger, after).id;
    ledger.end(&id, seconds(after), RunState::Done, None).expect("it ends");
    id
}

/// A run that cannot be read is not told, and the others are; it is removed some day.
pub fn unreadable_runs_count_as_forgotten(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let runs = [0, 1, 2, 3].map(|number| begun(ledger, number).id);
    let [good, bad, strange, last] = &runs;
    append(ledger, bad, seconds(9), &outcomes(0..3, "stored"));
    harness.spoil(Record::State(strange), b"weird");
    for text in SPOILT {
        harness.spoil(Record::Begun(bad), text);
        assert_eq!(all_ids(ledger), [last.clone(), good.clone()]);
        assert_eq!(ledger.run(bad.as_str()).expect("it answers"), Lookup::Nothing);
        assert_eq!(
            ledger.run(&good.as_str()[..8]).expect("it answers"),
            Lookup::Several(vec![last.clone(), good.clone()])
        );
    }
    let trimmed = ledger.trim(&Keep::default(), seconds(9)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed { runs: 2, ..Trimmed::default() });
    assert_eq!(all_outcomes(ledger, bad, 9), []);
    ledger.begin(&run_at(1)).expect("there is none any more");
    assert_eq!(all_ids(ledger), [last.clone(), bad.clone(), good.clone()]);
}

/// Of the outcomes of a run those that can be read are told.
pub fn unreadable_outcomes_hide_no_other(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let id = begun(ledger, 0).id;
    let all = outcomes(0..6, "stored");
    append(ledger, &id, seconds(1), &all);
    for text in SPOILT {
        harness.spoil(Record::Outcome(&id, 2), text);
        harness.spoil(Record::Outcome(&id, 6), text);
        for limit in [1, 2, 9] {
            let expected = [&all[..1], &all[2..5]].concat();
            assert_eq!(all_outcomes(ledger, &id, limit), expected);
        }
    }
    append(ledger, &id, seconds(1), &outcomes(6..7, "stored"));
    assert_eq!(all_outcomes(ledger, &id, 2).len(), 5);
}

/// Of the workers those that can be read are told; the others are removed some day, and known again by
/// their next sign.
pub fn unreadable_workers_hide_no_other(harness: &dyn Harness) {
    let ledger = harness.ledger();
    for id in ["a", "b"] {
        ledger.alive(&worker(id, 0)).expect("a sign of life");
    }
    for text in SPOILT {
        harness.spoil(Record::Worker("a"), text);
        assert_eq!(ledger.workers().expect("workers"), [worker("b", 0)]);
    }
    ledger.alive(&worker("a", 1)).expect("a sign of life");
    assert_eq!(ledger.workers().expect("workers").len(), 2);
    harness.spoil(Record::Worker("a"), b"?");
    let trimmed = ledger.trim(&Keep::default(), seconds(9)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed { workers: 1, ..Trimmed::default() });
}

/// Of many runs the newest are kept, with what came of their jobs.
pub fn the_newest_runs_are_kept(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let ids: Vec<_> = (0..230).map(|number| ended(ledger, number)).collect();
    for id in &ids {
        append(ledger, id, seconds(300), &outcomes(0..2, "stored"));
    }
    let keep = Keep { runs: 3, ..Keep::default() };
    let trimmed = ledger.trim(&keep, seconds(400)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed { runs: 227, ..Trimmed::default() });
    let mut kept = all_ids(&*harness.other());
    kept.reverse();
    assert_eq!(kept, ids[227..]);
    assert_eq!(all_outcomes(ledger, &ids[229], 9).len(), 2);
    assert_eq!(all_outcomes(ledger, &ids[0], 9), []);
    let trimmed = ledger.trim(&keep, seconds(400)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed::default());
}

/// What gave its last sign of life long ago is forgotten, however few there are.
pub fn old_runs_are_forgotten(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let ids = [0, 10, 20].map(|number| ended(ledger, number));
    append(ledger, &ids[0], seconds(95), &outcomes(0..1, "stored"));
    let keep = Keep { age: Duration::from_secs(100), ..Keep::default() };
    let trimmed = ledger.trim(&keep, seconds(120)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed { runs: 1, ..Trimmed::default() });
    assert_eq!(all_ids(ledger), [ids[2].clone(), ids[0].clone()]);
    // A clock that was put back makes nothing old.
    let trimmed = ledger.trim(&keep, seconds(0)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed::default());
}

/// A run that goes on is kept however many came later; one that fell silent is not.
pub fn runs_that_go_on_are_kept(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let (silent, lively) = (begun(ledger, 0).id, begun(ledger, 1).id);
    append(ledger, &lively, seconds(90), &outcomes(0..5, "stored"));
    let later = [2, 3, 4].map(|number| ended(ledger, number));
    let silence = Duration::from_secs(50);
    let keep = Keep { runs: 2, outcomes: 1, silence, ..Keep::default() };
    let trimmed = ledger.trim(&keep, seconds(100)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed { runs: 2, ..Trimmed::default() });
    assert_eq!(all_ids(ledger), [later[2].clone(), later[1].clone(), lively.clone()]);
    assert_eq!(all_outcomes(ledger, &lively, 9).len(), 5);
    assert_eq!(look(ledger, &silent), None);
}

/// Where there are too many outcomes, those of older runs go, and their counts stay.
pub fn outcomes_of_older_runs_are_forgotten_first(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let ids = [0, 1, 2, 3].map(|number| ended(ledger, number));
    for id in &ids[..3] {
        append(ledger, id, seconds(9), &outcomes(0..10, "stored"));
    }
    let keep = Keep { outcomes: 20, ..Keep::default() };
    let trimmed = ledger.trim(&keep, seconds(9)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed { outcomes_of: 1, ..Trimmed::default() });
    let left = ids.each_ref().map(|id| all_outcomes(&*harness.other(), id, 9).len());
    assert_eq!(left, [0, 10, 10, 0]);
    assert_eq!(look(ledger, &ids[0]).expect("it is there").counts["stored"], 10);
    let trimmed = ledger.trim(&keep, seconds(9)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed::default());
}

/// There may be nothing to forget.
pub fn an_empty_ledger_can_be_trimmed(harness: &dyn Harness) {
    let trimmed = harness.ledger().trim(&Keep::default(), seconds(0)).expect("it is trimmed");
    assert_eq!(trimmed, Trimmed::default());
}
