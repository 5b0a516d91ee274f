//! Which operations of ports each process comes to: what is killed there is not left to chance.

use std::collections::BTreeSet;

use super::acts::Act;

/// Operations of ports that every process comes to which makes responses, with the store in a file.
const MAKING: [&str; 12] = [
    "plan.fingerprints",
    "plan.bookmarks",
    "plan.recall",
    "plan.describe",
    "shelf.read",
    "store.put",
    "look_back",
    "note.write",
    "ledger.begin",
    "ledger.progress",
    "ledger.end",
    "ledger.trim",
];
/// Those of a run that holds the lock.
const HOLDING: [&str; 4] = ["lock.take", "fence.store", "fence.notes", "lock.release"];

/// What else a process of this kind comes to.
const fn besides(act: Act) -> &'static [&'static str] {
    match act {
        Act::Generate => &[],
        Act::Keep => &["look.pulse", "ledger.alive", "ledger.gone"],
        Act::Work => &["queue.send", "result.store", "queue.acknowledge"],
    }
}

/// And beside Redis, in each run that holds the lock.
const MARKS: [&str; 5] =
    ["marks.read", "marks.set", "marks.clear", "marks.complete", "marks.remove"];

/// The points that have to be among those that were passed.
pub(super) fn required(act: Act, with_marks: bool) -> BTreeSet<String> {
    let mut operations = [&MAKING, besides(act)].concat();
    let mut points: BTreeSet<String> = BTreeSet::from(["inside shelf.read".to_owned()]);
    if act == Act::Work {
        points.insert("after queue.receive".to_owned());
    } else {
        operations.extend(HOLDING);
        operations.extend(MARKS.iter().filter(|_| with_marks));
        points.insert("inside store.put".to_owned());
        // A file has the first years from its entries, so that nothing has to be noted.
        points.extend(with_marks.then(|| "inside note.write".to_owned()));
    }
    let around = |operation: &&str| {
        ["before", "during", "after"].map(|place| format!("{place} {operation}"))
    };
    points.extend(operations.iter().flat_map(around));
    points
}

/// What time decides is no point that a process has to come to.
pub(super) fn depends_on_time(point: &str) -> bool {
    point.contains("lock.renew")
}
