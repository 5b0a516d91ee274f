//! What came of jobs.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the ledger breaks the contract")]

use std::collections::BTreeMap;

use super::{Harness, all_outcomes, append, begun, look, outcome, outcomes, run_at, seconds};
use crate::ledger::book::Progress;
use crate::ledger::outcome::OutcomePage;

/// Everything that was said of jobs comes back as it was written.
pub fn outcomes_come_back_in_their_order(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let id = begun(ledger, 0).id;
    append(ledger, &id, seconds(1), &outcomes(0..5, "stored"));
    append(&*harness.other(), &id, seconds(2), &[]);
    append(&*harness.other(), &id, seconds(2), &outcomes(5..7, "größe \"x\"\n"));
    let mut all = outcomes(0..5, "stored");
    all.extend(outcomes(5..7, "größe \"x\"\n"));
    for limit in [1, 2, 7, 100, usize::MAX] {
        assert_eq!(all_outcomes(ledger, &id, limit), all);
    }
    let page = |after, limit| harness.other().outcomes(&id, after, limit).expect("a page is read");
    assert_eq!(page(2, 3), OutcomePage { outcomes: all[2..5].to_vec(), after: 5 });
    for (after, limit) in [(0, 0), (7, 3), (8, 3), (u64::MAX, 3)] {
        assert_eq!(page(after, limit), OutcomePage { outcomes: Vec::new(), after });
    }
}

/// Pages follow each other without gap or overlap while more is written.
pub fn outcomes_are_paged_while_they_are_written(harness: &dyn Harness) {
    let id = begun(harness.ledger(), 0).id;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let ledger = harness.other();
            for number in 0..100 {
                append(
                    &*ledger,
                    &id,
                    seconds(1),
                    &outcomes(number * 10..number * 10 + 10, "stored"),
                );
            }
        });
        let (mut seen, mut after) = (0, 0);
        while seen < 1000 {
            let page = harness.ledger().outcomes(&id, after, 7).expect("a page is read");
            for one in &page.outcomes {
                assert_eq!(*one, outcome(seen, "stored"));
                seen += 1;
            }
            assert_eq!(page.after, after + page.outcomes.len() as u64);
            after = page.after;
        }
        assert_eq!(harness.ledger().outcomes(&id, after, 7).expect("a page").outcomes, []);
    });
}

/// Several threads and processes append to one run, and nothing gets lost.
pub fn many_append_at_once(harness: &dyn Harness) {
    let id = begun(harness.ledger(), 0).id;
    std::thread::scope(|scope| {
        for writer in 0..4_u64 {
            let id = &id;
            scope.spawn(move || {
                let other = harness.other();
                let ledger = if writer % 2 == 0 { harness.ledger() } else { &*other };
                for batch in 0..25_u64 {
                    let first = (writer * 25 + batch) * 4;
                    let told = outcomes(first..first + 4, &format!("writer-{writer}"));
                    append(ledger, id, seconds(batch), &told);
                }
            });
        }
    });
    let all = all_outcomes(harness.ledger(), &id, 33);
    let mut jobs: Vec<u64> = all.iter().map(|one| one.duration_ms / 3).collect();
    // What was written in one call stands together.
    assert!(jobs.chunks(4).all(|batch| batch.windows(2).all(|two| two[1] == two[0] + 1)));
    jobs.sort_unstable();
    assert_eq!(jobs, (0..400).collect::<Vec<_>>());
    let run = look(harness.ledger(), &id).expect("it is there");
    let expected = (0..4).map(|writer| (format!("writer-{writer}"), 100));
    assert_eq!(run.counts, expected.collect::<BTreeMap<_, _>>());
}

/// Counts are those of the outcomes and of what was only counted.
pub fn counts_agree_with_outcomes(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let id = begun(ledger, 0).id;
    for (number, name) in (0_u64..).zip(["stored", "failed", "stored", "", "count:stored"]) {
        let told = [outcome(number, name)];
        let counted = [("current".to_owned(), number)].into();
        let progress = Progress { counted, ..Progress::new(seconds(1), 9, number, &told) };
        ledger.progress(&id, &progress).expect("it goes on");
    }
    let run = look(ledger, &id).expect("it is there");
    let expected = [("", 1), ("count:stored", 1), ("current", 10), ("failed", 1), ("stored", 2)];
    let counts: Vec<(&str, u64)> =
        run.counts.iter().map(|(name, jobs)| (name.as_str(), *jobs)).collect();
    assert_eq!(counts, expected);
    assert_eq!((run.planned, run.done), (9, 4));
}

/// Each run has its own.
pub fn outcomes_of_one_run_are_not_those_of_another(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let (one, two) = (begun(ledger, 0).id, begun(ledger, 1).id);
    append(ledger, &one, seconds(1), &outcomes(0..3, "stored"));
    append(ledger, &two, seconds(1), &outcomes(3..5, "failed"));
    append(ledger, &one, seconds(1), &outcomes(5..6, "stored"));
    assert_eq!(all_outcomes(ledger, &two, 9), outcomes(3..5, "failed"));
    assert_eq!(all_outcomes(ledger, &one, 9).len(), 4);
    assert_eq!(all_outcomes(ledger, &run_at(2).id, 9), []);
}

/// A batch may be large, and a page never is.
pub fn very_many_outcomes_at_once_are_taken(harness: &dyn Harness) {
    let ledger = harness.ledger();
    let id = begun(ledger, 0).id;
    let many = outcomes(0..12_345, "stored");
    let counted = [("current".to_owned(), 5)].into();
    let progress = Progress { counted, ..Progress::new(seconds(1), 12_350, 12_350, &many) };
    ledger.progress(&id, &progress).expect("it goes on");
    let page = ledger.outcomes(&id, 0, usize::MAX).expect("a page is read");
    assert_eq!((page.outcomes.len(), page.after), (10_000, 10_000));
    assert_eq!(all_outcomes(ledger, &id, usize::MAX), many);
    let run = look(ledger, &id).expect("it is there");
    assert_eq!((run.counts["stored"], run.counts["current"]), (12_345, 5));
    assert_eq!(run.done, 12_350);
}
