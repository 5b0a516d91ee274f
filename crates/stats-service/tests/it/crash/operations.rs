//! Which operations of ports each process comes to: what is killed there is not left to chance.

use std::collections::BTreeSet;

use super::acts::Act;

/// Operations of ports that every process of this kind comes to, with the store in a file.
const OPERATIONS: [&[&str]; 3] = [
    &[
        "lock.take",
        "fence.store",
        "fence.notes",
        "plan.fingerprints",
        "plan.bookmarks",
        "plan.recall",
        "plan.describe",
        "shelf.read",
        "store.put",
        "look_back",
        "note.write",
        "lock.release",
        "ledger.begin",
        "ledger.progress",
        "ledger.end",
        "ledger.trim",
    ],
    &[
        "look.pulse",
        "lock.take",
        "fence.store",
        "fence.notes",
        "plan.fingerprints",
        "plan.bookmarks",
        "plan.recall",
        "plan.describe",
        "shelf.read",
        "store.put",
        "look_back",
        "note.write",
        "lock.release",
        "ledger.alive",
        "ledger.begin",
        "ledger.progress",
        "ledger.end",
        "ledger.trim",
        "ledger.gone",
    ],
    &[
        "queue.send",
        "plan.fingerprints",
        "plan.bookmarks",
        "plan.recall",
        "plan.describe",
        "shelf.read",
        "store.put",
        "look_back",
        "note.write",
        "result.store",
        "queue.acknowledge",
        "ledger.begin",
        "ledger.progress",
        "ledger.end",
        "ledger.trim",
    ],
];
/// And beside Redis, in each run that holds the lock.
const MARKS: [&str; 5] =
    ["marks.read", "marks.set", "marks.clear", "marks.complete", "marks.remove"];

/// The points that have to be among those that were passed.
pub(super) fn required(act: Act, with_marks: bool) -> BTreeSet<String> {
    let mut operations = OPERATIONS[act as usize].to_vec();
    let mut points: BTreeSet<String> = BTreeSet::from(["inside shelf.read".to_owned()]);
    if act == Act::Work {
        points.insert("after queue.receive".to_owned());
    } else {
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
