//! Runs begin, go on, end and are found.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the ledger breaks the contract")]

use std::time::Duration;

use serde_json::{Value, json};

use super::{Harness, all_ids, append, begun, look, outcome, run_at, seconds, start};
use crate::ledger::book::{Lookup, Progress, RunFilter, Wish};
use crate::ledger::error::{LedgerError, LedgerErrorKind, OfRun};
use crate::ledger::id::RunId;
use crate::ledger::run::{Run, RunState, Trigger};

fn kind(result: Result<impl std::fmt::Debug, LedgerError>) -> LedgerErrorKind {
    result.expect_err("it cannot be done").kind()
}

/// Everything that was said of a run comes back, in another process too.
pub fn what_was_begun_comes_back(harness: &dyn Harness) {
    let ledger = harness.ledger();
    assert_eq!(all_ids(ledger).len(), 0);
    let bare = run_at(1);
    let full = Run {
        asked_by: "größe \"x\"\n\\".to_owned(),
        request: json!({ "b": [1.5, u64::MAX, -1], "a": { "z": null, "a": "\u{0}" } }),
        resumes: Some(bare.id.clone()),
        last_sign: seconds(7),
        ended: Some(seconds(8)),
        state: RunState::Partly,
        planned: 360_000,
        done: u64::try_from(i64::MAX).expect("it is positive"),
        counts: [("stored".to_owned(), 7), ("größe:1".to_owned(), 1), (String::new(), 2)].into(),
        error: Some("it broke\n".to_owned()),
        cancel_asked: true,
        ..run_at(2)
    };
    let empty = Run { request: Value::Null, asked_by: String::new(), ..run_at(3) };
    for run in [&bare, &full, &empty] {
        ledger.begin(run).expect("a run is begun");
        assert_eq!(look(ledger, &run.id).as_ref(), Some(run));
        assert_eq!(look(&*harness.other(), &run.id).as_ref(), Some(run));
    }
    let all = harness.other().runs(&RunFilter::default(), 9).expect("runs are told");
    assert_eq!(all, [empty, full, bare]);
}

/// What is said while a run goes on is added, and its end is its end.
pub fn a_run_goes_on_and_ends(harness: &dyn Harness) {
    let (ledger, other) = (harness.ledger(), harness.other());
    let mut run = begun(ledger, 0);
    let told = [outcome(1, "stored"), outcome(2, "failed")];
    let progress = Progress {
        counted: [("current".to_owned(), 40), ("stored".to_owned(), 1)].into(),
        ..Progress::new(seconds(5), 100, 43, &told)
    };
    assert_eq!(ledger.progress(&run.id, &progress).expect("it goes on"), Wish::GoOn);
    let told = [outcome(3, "stored")];
    let progress = Progress::new(seconds(9), 90, 44, &told);
    assert_eq!(other.progress(&run.id, &progress).expect("it goes on"), Wish::GoOn);
    (run.planned, run.done, run.last_sign) = (90, 44, seconds(9));
    let counts = [("current", 40), ("failed", 1), ("stored", 3)];
    run.counts = counts.map(|(name, jobs)| (name.to_owned(), jobs)).into();
    assert_eq!(look(ledger, &run.id).as_ref(), Some(&run));

    ledger.end(&run.id, seconds(11), RunState::Failed, Some("no room")).expect("it ends");
    (run.state, run.ended, run.last_sign) = (RunState::Failed, Some(seconds(11)), seconds(11));
    run.error = Some("no room".to_owned());
    assert_eq!(look(&*other, &run.id).as_ref(), Some(&run));
    // What comes late is taken, and the run has ended all the same.
    append(ledger, &run.id, seconds(12), &[outcome(4, "stored")]);
    let late = look(&*other, &run.id).expect("it is there");
    assert_eq!((late.state, late.ended), (run.state, run.ended));
    assert_eq!(late.counts["stored"], 4);
}

/// There is one run under an id.
pub fn a_run_is_begun_once(harness: &dyn Harness) {
    let run = begun(harness.ledger(), 0);
    let again = Run { asked_by: "somebody else".to_owned(), ..run.clone() };
    assert_eq!(kind(harness.ledger().begin(&again)), LedgerErrorKind::Own(OfRun::Exists));
    assert_eq!(kind(harness.other().begin(&again)), LedgerErrorKind::Own(OfRun::Exists));
    assert_eq!(look(harness.ledger(), &run.id), Some(run));
}

/// Of many who begin a run under the same id at once, one does.
pub fn one_of_many_begins_a_run(harness: &dyn Harness) {
    for number in 0..10 {
        let began: Vec<u32> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|pid| {
                    scope.spawn(move || {
                        harness.other().begin(&Run { pid, ..run_at(number) }).is_ok().then_some(pid)
                    })
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().expect("no panic")).collect()
        });
        let run = look(harness.ledger(), &run_at(number).id).expect("one began it");
        assert_eq!(began, [run.pid]);
    }
}

/// Of a run that is not there, nothing can be written.
pub fn what_is_not_known_is_said(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let id = run_at(0).id;
    let told = [outcome(1, "stored")];
    let progress = Progress::new(start(), 1, 1, &told);
    assert_eq!(kind(ledger.progress(&id, &progress)), LedgerErrorKind::Own(OfRun::Forgotten));
    assert_eq!(
        kind(ledger.end(&id, start(), RunState::Done, None)),
        LedgerErrorKind::Own(OfRun::Forgotten)
    );
    assert!(!ledger.ask_to_cancel(&id).expect("it answers"));
    assert_eq!(ledger.run(id.as_str()).expect("it answers"), Lookup::Nothing);
    assert_eq!(ledger.outcomes(&id, 0, 9).expect("it answers").outcomes, []);
    assert_eq!(ledger.workers().expect("it answers"), []);
    ledger.gone("nobody").expect("nothing to forget");
    // None of that made a run.
    ledger.begin(&run_at(0)).expect("a run is begun");
    assert_eq!(look(ledger, &id), Some(run_at(0)));
    assert_eq!(ledger.outcomes(&id, 0, 9).expect("it answers").outcomes, []);
}

/// A run ends with an end, and no lost run is begun.
pub fn only_an_end_ends_a_run(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let run = begun(ledger, 0);
    for state in [RunState::Running, RunState::Lost] {
        let end = ledger.end(&run.id, seconds(1), state, None);
        assert_eq!(kind(end), LedgerErrorKind::Refused);
    }
    let lost = Run { state: RunState::Lost, ..run_at(1) };
    assert_eq!(kind(ledger.begin(&lost)), LedgerErrorKind::Refused);
    let request = Value::from("x".repeat(1 << 20));
    assert_eq!(kind(ledger.begin(&Run { request, ..run_at(1) })), LedgerErrorKind::Refused);
    assert_eq!(all_ids(ledger), std::slice::from_ref(&run.id));
    assert_eq!(look(ledger, &run.id), Some(run));
}

/// A run that was ended in its place and comes back says how it ended.
pub fn what_is_said_last_of_an_end_holds(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let run = begun(ledger, 0);
    harness
        .other()
        .end(&run.id, seconds(1), RunState::Interrupted, Some("no sign of life"))
        .expect("it ends");
    ledger.end(&run.id, seconds(2), RunState::Done, None).expect("it ends");
    let ended = Some(seconds(2));
    let expected = Run { state: RunState::Done, ended, last_sign: seconds(2), ..run };
    assert_eq!(look(ledger, &expected.id), Some(expected));
}

/// Whoever carries a run out hears that it is asked to end, as long as it goes on.
pub fn whoever_is_asked_to_cancel_hears_it(harness: &dyn Harness) {
    let (ledger, other) = (harness.ledger(), harness.other());
    let (run, neighbour) = (begun(ledger, 0), begun(ledger, 1));
    let say = |id: &RunId| {
        ledger.progress(id, &Progress::new(seconds(3), 0, 0, &[])).expect("it goes on")
    };
    assert_eq!(say(&run.id), Wish::GoOn);
    assert!(other.ask_to_cancel(&run.id).expect("it is asked"));
    assert!(other.ask_to_cancel(&run.id).expect("it is asked again"));
    assert!(look(&*other, &run.id).expect("it is there").cancel_asked);
    assert_eq!((say(&run.id), say(&neighbour.id)), (Wish::Cancel, Wish::GoOn));
    assert_eq!(say(&run.id), Wish::Cancel);
    ledger.end(&run.id, seconds(4), RunState::Cancelled, None).expect("it ends");
    assert!(!other.ask_to_cancel(&run.id).expect("it has ended"));
}

/// The beginning of an id is enough where no other begins so.
pub fn a_run_is_found_by_the_beginning_of_its_id(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let runs = [0, 1, 2].map(|random| {
        let id = RunId::of(start(), random * 0x10);
        let run = Run { id, ..run_at(0) };
        ledger.begin(&run).expect("a run is begun");
        run
    });
    let later = begun(ledger, 86_400);
    for run in runs.iter().chain([&later]) {
        assert_eq!(look(ledger, &run.id).as_ref(), Some(run));
        let text = run.id.as_str();
        assert_eq!(
            ledger.run(&text[..text.len() - 1]).expect("it answers"),
            Lookup::One(Box::new(run.clone()))
        );
    }
    let [first, second, third] = runs.each_ref().map(|run| run.id.clone());
    let several = Lookup::Several(vec![third.clone(), second.clone(), first.clone()]);
    assert_eq!(ledger.run(&first.as_str()[..20]).expect("it answers"), several);
    let several = Lookup::Several(vec![later.id.clone(), third, second, first]);
    assert_eq!(ledger.run("").expect("it answers"), several);
    assert_eq!(ledger.run(&later.id.as_str()[..8]).expect("it answers"), Lookup::One(later.into()));
    for nothing in ["3", "20261129T163002Z-g", "*", "%", "2026112_", "x", "größe"] {
        assert_eq!(ledger.run(nothing).expect("it answers"), Lookup::Nothing, "{nothing}");
    }
    let longer = format!("{}0", runs[0].id);
    assert_eq!(ledger.run(&longer).expect("it answers"), Lookup::Nothing);
}

/// Lists begin with the newest run, and go on where the last ended.
pub fn runs_are_told_the_newest_first(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let mut ids: Vec<RunId> = (0..250).map(|number| begun(ledger, number * 7).id).collect();
    ids.reverse();
    assert_eq!(all_ids(ledger), ids);
    let told = |before: Option<&RunId>, limit| {
        let filter = RunFilter { before: before.cloned(), ..RunFilter::default() };
        let runs = harness.other().runs(&filter, limit).expect("runs are told");
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(told(None, 0), []);
    assert_eq!(told(None, 3), ids[..3]);
    assert_eq!(told(ids.get(2), 120), ids[3..123]);
    assert_eq!(told(ids.get(248), 3), ids[249..]);
    assert_eq!(told(ids.last(), 3), []);
    // That run may be forgotten meanwhile.
    assert_eq!(told(Some(&RunId::of(seconds(10), 0)), 3), ids[248..]);
}

/// Each part of a filter leaves runs out.
pub fn runs_are_filtered(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let runs = [Trigger::Beat, Trigger::Message, Trigger::Command, Trigger::Retry];
    for (number, trigger) in (0..).zip(runs) {
        ledger.begin(&Run { trigger, ..run_at(number) }).expect("a run is begun");
    }
    ledger.end(&run_at(1).id, seconds(9), RunState::Done, None).expect("it ends");
    ledger.end(&run_at(2).id, seconds(9), RunState::Failed, None).expect("it ends");
    let told = |filter: RunFilter, limit| {
        let runs = ledger.runs(&filter, limit).expect("runs are told");
        runs.iter().map(|run| run.begun.duration_since(start()).as_secs()).collect::<Vec<_>>()
    };
    let all = RunFilter::default;
    let states = |states: &[RunState]| RunFilter { states: states.to_vec(), ..all() };
    assert_eq!(told(states(&[RunState::Running]), 9), [3, 0]);
    assert_eq!(told(states(&[RunState::Running]), 1), [3]);
    assert_eq!(told(states(&[RunState::Done, RunState::Failed]), 9), [2, 1]);
    assert_eq!(told(states(&[RunState::Partly]), 9), [0; 0]);
    let triggers = vec![Trigger::Beat, Trigger::Command];
    assert_eq!(told(RunFilter { triggers, ..all() }, 9), [2, 0]);
    assert_eq!(told(RunFilter { since: Some(seconds(2)), ..all() }, 9), [3, 2]);
    let before = Some(run_at(3).id);
    let since = Some(seconds(1));
    assert_eq!(told(RunFilter { since, before, ..states(&[RunState::Done]) }, 9), [1]);
}

/// A run whose process is gone, or that gave no sign of life for long, is lost.
pub fn lost_runs_are_told(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let patience = Duration::from_secs(60);
    let here = Run::begin(run_at(0).id, Trigger::Watch, "me", Value::Null, start());
    let mut ended = std::process::Command::new("true").spawn().expect("a process");
    ended.wait().expect("it ends");
    let gone = Run { id: run_at(1).id, pid: ended.id(), ..here.clone() };
    for run in [&here, &gone, &run_at(2)] {
        ledger.begin(run).expect("a run is begun");
    }
    let states = |at| {
        [0, 1, 2].map(|number| {
            let run = look(&*harness.other(), &run_at(number).id).expect("it is there");
            run.state_at(seconds(at), patience)
        })
    };
    let [lost, running] = [RunState::Lost, RunState::Running];
    assert_eq!(states(2), [running, lost, running]);
    assert_eq!(states(61), [lost, lost, running]);
    assert_eq!(states(63), [lost, lost, lost]);
    append(ledger, &run_at(2).id, seconds(30), &[]);
    assert_eq!(states(63), [lost, lost, running]);
    ledger.end(&gone.id, seconds(64), RunState::Interrupted, None).expect("it ends");
    assert_eq!(states(200), [lost, RunState::Interrupted, lost]);
}

/// Texts keep their first thousand characters.
pub fn very_long_texts_are_cut(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let (long, cut) = ("ö".repeat(1001), "ö".repeat(1000));
    let asked_by = long.clone();
    ledger.begin(&Run { asked_by, ..run_at(0) }).expect("a run is begun");
    let id = run_at(0).id;
    let mut told = outcome(1, &long);
    (told.job, told.detail) = (long.clone(), long.clone());
    append(ledger, &id, seconds(1), &[told]);
    ledger.end(&id, seconds(2), RunState::Failed, Some(&long)).expect("it ends");
    let run = look(ledger, &id).expect("it is there");
    assert_eq!((run.asked_by.as_str(), run.error.as_deref()), (cut.as_str(), Some(cut.as_str())));
    assert_eq!(run.counts.into_iter().collect::<Vec<_>>(), [(cut.clone(), 1)]);
    let page = ledger.outcomes(&id, 0, 9).expect("a page is read");
    let told = &page.outcomes[0];
    assert_eq!([&told.job, &told.outcome, &told.detail], [&cut; 3]);
}
