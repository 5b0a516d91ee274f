//! What a store does where other programs write into it, too.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the store breaks the contract")]

use std::time::Duration;

use sha2::{Digest, Sha256};
use stats_model::Category;

use super::{
    SharedHarness, body, damaged_reads, description, lasting, of_body, plain_body, put, put_over,
    soon, state, to_the_millisecond,
};
use crate::{EntryDescription, EntryFilter, EntryState, Seen};

/// An entry that another program wrote is served, is never taken for ours, and is removed like any.
pub fn entries_of_others_are_recognised(harness: &dyn SharedHarness) {
    let store = harness.store();
    let plain = br#"{"global": {"views": []}}"#;
    let never = description(harness, "global", 2024, Category::UsageDelta);
    let later = description(harness, "global", 2023, Category::UsageDelta);
    let expires = to_the_millisecond(harness.now()) + jiff::SignedDuration::from_hours(1);
    harness.write_as_another(&never.key, plain, None);
    harness.write_as_another(&later.key, plain, Some(expires));
    for (one, expires) in [(&never, None), (&later, Some(expires))] {
        let EntryState::Foreign(known) = state(store, &one.key) else {
            panic!("{:?}", state(store, &one.key));
        };
        assert_eq!((&known.key, known.plain_length), (&one.key, plain.len() as u64));
        assert_eq!((known.created, known.origin.as_ref()), (None, None));
        assert_eq!(known.expires, expires);
        let entry = store.get(&one.key).expect("a read").expect("an entry");
        assert_eq!(entry.body, plain);
        assert_eq!((entry.description.created, entry.description.origin), (None, None));
        assert_eq!(entry.description.sha256, Some(Sha256::digest(plain).into()));
    }
    assert_eq!(damaged_reads(harness), 0);
    assert_eq!(store.delete(&[never.key]).expect("a delete"), 1);
    assert_eq!(store.clear().expect("a clear"), 1);
    assert_eq!(state(store, &later.key), EntryState::Absent);
}

/// Our knowledge of an entry ends when another program writes over it, and ours returns with ours.
pub fn entries_of_others_over_ours_are_recognised(harness: &dyn SharedHarness) {
    let store = harness.store();
    let ours = description(harness, "global", 2024, Category::UsageDelta);
    let lasting_one = lasting(
        description(harness, "global", 2023, Category::UsageDelta),
        Duration::from_secs(3600),
    );
    for one in [&ours, &lasting_one] {
        put(harness, one, b"{\"by\":\"us\"}");
        harness.write_as_another(&one.key, b"{\"by\":\"somebody\"}", None);
        assert!(matches!(state(store, &one.key), EntryState::Foreign(_)));
        let entry = store.get(&one.key).expect("a read").expect("an entry");
        assert_eq!(entry.body, b"{\"by\":\"somebody\"}");
        assert_eq!((entry.description.created, entry.description.origin), (None, None));
        assert_eq!(entry.description.data_through, None);
        let listed = store.list(&EntryFilter::default()).expect("a list");
        assert!(listed.iter().all(|state| !matches!(state, EntryState::Ours(_))), "{listed:?}");

        put(harness, one, b"{\"by\":\"us\"}");
        assert!(matches!(state(store, &one.key), EntryState::Ours(_)));
        store.clear().expect("a clear");
    }
}

/// What another program left and is no complete JSON is damage: counted, never served.
pub fn what_others_write_and_is_no_json_is_damaged(harness: &dyn SharedHarness) {
    let store = harness.store();
    let one = description(harness, "global", 2024, Category::UsageDelta);
    for bytes in [b"".as_slice(), b"{\"cut\":[1,", b"\x80\x05pickle", b"{} {}", b"\"\xff\""] {
        harness.write_as_another(&one.key, bytes, None);
        let before = damaged_reads(harness);
        assert_eq!(store.get(&one.key).expect("no error of the store"), None, "{bytes:?}");
        assert_eq!(damaged_reads(harness), before + 1, "{bytes:?}");
    }
}

/// The same of what another program writes, of which nothing but its bytes may tell.
pub fn what_others_wrote_meanwhile_is_not_written_over(harness: &dyn SharedHarness) {
    let store = harness.store();
    let one = description(harness, "global", 2024, Category::UsageDelta);
    let made = body(harness, b"{\"by\":\"us\"}");
    let theirs = |plain: &[u8]| harness.write_as_another(&one.key, plain, None);
    theirs(b"{\"by\":1}");
    assert!(!put_over(store, Seen::Nothing, &one, &made));
    let seen = state(store, &one.key).seen();
    theirs(b"{\"by\":12}");
    assert!(!put_over(store, seen, &one, &made), "it has another length");

    let read = store.get(&one.key).expect("a read").expect("an entry");
    let read = EntryState::Foreign(read.description).seen();
    theirs(b"{\"by\":13}");
    assert!(!put_over(store, read, &one, &made), "it has other bytes");
    assert_eq!(plain_body(store, &one.key).as_deref(), Some(b"{\"by\":13}".as_slice()));
    theirs(b"{\"by\":12}");
    assert!(put_over(store, read, &one, &made));

    let ours = state(store, &one.key).seen();
    theirs(b"{\"by\":\"them\"}");
    assert!(!put_over(store, ours, &one, &made));
    let theirs = state(store, &one.key).seen();
    assert!(put_over(store, theirs, &one, &made));
    assert_eq!(plain_body(store, &one.key).as_deref(), Some(b"{\"by\":\"us\"}".as_slice()));
}

/// An entry of another program lives on, too, and stays theirs.
pub fn an_entry_of_others_can_be_prolonged(harness: &dyn SharedHarness) {
    let store = harness.store();
    let one = description(harness, "global", 2024, Category::UsageDelta);
    harness.write_as_another(&one.key, b"{\"by\":\"them\"}", Some(soon(harness, 1)));
    let expires = Some(soon(harness, 5));
    assert!(store.prolong(&one.key, expires).expect("it is there"));
    let EntryState::Foreign(known) = state(store, &one.key) else { panic!("not theirs") };
    assert_eq!(known.expires, expires);
}

/// An entry of another program becomes ours when its body is the one that is described.
pub fn an_entry_of_others_is_adopted_with_its_own_body_only(harness: &dyn SharedHarness) {
    let store = harness.store();
    let wanted = of_body(harness, b"{\"by\":\"them\"}");
    for other in [b"{\"by\":\"they\"}".as_slice(), b"{}"] {
        harness.write_as_another(&wanted.key, other, None);
        assert!(!store.adopt(&wanted).expect("another body"));
        assert!(matches!(state(store, &wanted.key), EntryState::Foreign(_)));
    }
    harness.write_as_another(&wanted.key, b"{\"by\":\"them\"}", Some(soon(harness, 2)));
    assert!(matches!(state(store, &wanted.key), EntryState::Foreign(_)));
    assert!(store.adopt(&wanted).expect("the same body"));
    let EntryState::Ours(known) = state(store, &wanted.key) else { panic!("not ours") };
    let expected = EntryDescription { stored_length: known.stored_length, ..wanted.clone() };
    assert_eq!(known, expected);
    assert_eq!(plain_body(store, &wanted.key).as_deref(), Some(b"{\"by\":\"them\"}".as_slice()));
    assert_eq!(store.list(&EntryFilter::default()).expect("a list").len(), 1);
}
