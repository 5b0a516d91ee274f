//! What stands there by now and was not seen before is not written over.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the store breaks the contract")]

use std::time::Duration;

use jiff::SignedDuration;
use stats_model::Category;

use super::{Damage, Harness, body, description, lasting, plain_body, put, put_over, state};
use crate::{EntryDescription, EntryState, Seen};

/// The same made later, by hand.
fn by_hand(one: &EntryDescription, seconds: i64) -> EntryDescription {
    let created = one.created.map(|created| created + SignedDuration::from_secs(seconds));
    EntryDescription { created, origin: None, data_through: None, ..one.clone() }
}

/// An entry that came or changed since somebody looked stays, and one that did not is replaced.
pub fn only_what_was_seen_is_written_over(harness: &dyn Harness) {
    let (store, other) = (harness.store(), harness.other());
    let (old, new) = (b"{\"old\":1}".as_slice(), b"{\"new\":1}".as_slice());
    let day = Duration::from_secs(86_400);
    let endless = description(harness, "global", 2024, Category::UsageDelta);
    let ending = lasting(description(harness, "global", 2023, Category::UsageDelta), day);
    for one in [endless, ending] {
        let made = body(harness, new);
        // Nothing was there, and somebody stored something.
        let nothing = state(store, &one.key).seen();
        assert_eq!(nothing, Seen::Nothing);
        let hand = by_hand(&one, 1);
        other.put(&hand, &body(harness, old)).expect("a put by hand");
        let before = state(store, &one.key);
        assert!(!put_over(store, nothing, &one, &made));
        assert_eq!(state(store, &one.key), before);
        assert_eq!(plain_body(store, &one.key).as_deref(), Some(old));

        // The same bytes, stored again: that was meant, too.
        let seen = before.seen();
        other.put(&by_hand(&one, 2), &body(harness, old)).expect("a put by hand");
        assert!(!put_over(store, seen, &one, &made));
        assert_eq!(plain_body(store, &one.key).as_deref(), Some(old));

        // What was seen is replaced, also when it lives longer by now.
        let seen = state(store, &one.key).seen();
        let later = one.created.map(|created| created + SignedDuration::from_hours(48));
        assert!(other.prolong(&one.key, later).expect("it is there"));
        assert!(put_over(store, seen, &one, &made));
        assert_eq!(plain_body(store, &one.key).as_deref(), Some(new));
        // Whoever does not know whether that was done does it again.
        assert!(put_over(store, seen, &one, &made));

        // What is gone or damaged is nothing to spare.
        let seen = state(store, &one.key).seen();
        assert_eq!(other.delete(std::slice::from_ref(&one.key)).expect("a delete"), 1);
        assert!(put_over(store, seen, &one, &made));
        put(harness, &hand, old);
        harness.damage(&hand.key, Damage::UnknownFormat);
        assert!(put_over(store, Seen::Nothing, &one, &made));
        let EntryState::Ours(known) = state(store, &one.key) else { panic!("not ours") };
        assert_eq!((known.origin, known.expires), (one.origin, one.expires));
    }
}

/// Of several threads and processes that saw the same and store at once, one has its way, and what
/// it stored stands.
pub fn one_of_many_who_saw_the_same_writes_over_it(harness: &dyn Harness) {
    let other = harness.other();
    let stores = [harness.store(), &*other, harness.store(), &*other];
    for year in 2000..2020 {
        let one = description(harness, "global", year, Category::UsageDelta);
        put(harness, &one, b"{\"old\":1}");
        let seen = state(harness.store(), &one.key).seen();
        let won: Vec<usize> = std::thread::scope(|scope| {
            let writers: Vec<_> = stores
                .into_iter()
                .enumerate()
                .map(|(number, store)| {
                    let made = body(harness, format!("[{number}]").as_bytes());
                    let one = by_hand(&one, 1);
                    scope.spawn(move || put_over(store, seen, &one, &made))
                })
                .collect();
            let won = writers.into_iter().map(|writer| writer.join().expect("no panic"));
            won.enumerate().filter(|(_, won)| *won).map(|(number, _)| number).collect()
        });
        let [winner] = won.as_slice() else { panic!("{won:?}") };
        let expected = format!("[{winner}]");
        assert_eq!(plain_body(harness.store(), &one.key), Some(expected.into_bytes()));
    }
}
