//! Entries that live on or change hands without their bodies, and the notebook.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the store breaks the contract")]

use jiff::SignedDuration;
use stats_model::Category;

use super::{
    Harness, description, lasting, of_body, plain_body, put, soon, state, to_the_millisecond,
};
use crate::{EntryDescription, EntryFilter, EntryState, Memory, MemoryChanges, Note, Trouble};

/// An entry lives on with the same body, and everything else that is known of it stays.
pub fn an_entry_can_be_prolonged(harness: &dyn Harness) {
    let store = harness.store();
    let life = harness.short_life();
    let one = lasting(description(harness, "global", 2024, Category::UsageDelta), life);
    put(harness, &one, b"{\"old\":1}");
    let EntryState::Ours(before) = state(store, &one.key) else { panic!("not ours") };
    for expires in [None, Some(soon(harness, 5))] {
        assert!(store.prolong(&one.key, expires).expect("it is there"));
        let after = EntryDescription { expires, ..before.clone() };
        assert_eq!(state(store, &one.key), EntryState::Ours(after));
    }
    harness.pass(life);
    assert_eq!(plain_body(store, &one.key).as_deref(), Some(b"{\"old\":1}".as_slice()));

    let absent = description(harness, "global", 2023, Category::UsageDelta).key;
    assert!(!store.prolong(&absent, None).expect("nothing is there"));
    assert_eq!(state(store, &absent), EntryState::Absent);
}

/// Where an entry is still known after its time, it can be brought back.
pub fn an_expired_entry_can_be_prolonged_where_it_is_known(harness: &dyn Harness, known: bool) {
    let store = harness.store();
    let life = harness.short_life();
    let one = lasting(description(harness, "global", 2024, Category::UsageDelta), life);
    put(harness, &one, b"{\"old\":1}");
    harness.pass(life);
    assert_eq!(store.prolong(&one.key, Some(soon(harness, 5))).expect("a question"), known);
    assert_eq!(plain_body(store, &one.key).is_some(), known);
}

/// An entry becomes what it is told to be exactly when its body is the one that is described.
pub fn an_entry_is_adopted_with_its_own_body_only(harness: &dyn Harness) {
    let store = harness.store();
    let wanted = of_body(harness, b"{\"by\":\"them\"}");
    assert!(!store.adopt(&wanted).expect("nothing is there"));
    assert_eq!(state(store, &wanted.key), EntryState::Absent);

    let by_hand = EntryDescription { origin: None, expires: None, ..wanted.clone() };
    for other in [b"{\"by\":\"they\"}".as_slice(), b"{}"] {
        put(harness, &by_hand, other);
        let before = state(store, &wanted.key);
        assert!(!store.adopt(&wanted).expect("another body"));
        assert_eq!(state(store, &wanted.key), before);
    }
    put(harness, &by_hand, b"{\"by\":\"them\"}");
    assert!(store.adopt(&wanted).expect("the same body"));
    let EntryState::Ours(known) = state(store, &wanted.key) else { panic!("not ours") };
    let expected = EntryDescription { stored_length: known.stored_length, ..wanted.clone() };
    assert_eq!(known, expected);
    assert_eq!(plain_body(store, &wanted.key).as_deref(), Some(b"{\"by\":\"them\"}".as_slice()));
    assert_eq!(store.list(&EntryFilter::default()).expect("a list").len(), 1);
}

/// What was noted comes back until it is forgotten, in this and in another process.
pub fn notes_come_back_until_they_are_forgotten(harness: &dyn Harness) {
    let (notebook, other) = (harness.notebook(), harness.other_notebook());
    assert_eq!(notebook.recall().expect("an empty notebook"), Memory::default());
    notebook.forget_all().expect("nothing to forget");
    let now = to_the_millisecond(harness.now());
    let key = |year| description(harness, "global", year, Category::UsageDelta).key;
    let note = |year, trouble| Note {
        community: "global".to_owned(),
        year,
        category: Category::UsageDelta,
        since: now,
        last: now + SignedDuration::from_secs(5),
        attempts: year.unsigned_abs().into(),
        next: Some(now + SignedDuration::from_secs(60)),
        made_from: Some("0f".to_owned()),
        trouble,
    };
    let shelf = crate::ShelfMark { count: 3, max: u64::MAX, sum: 1 << 60 };
    let failed = note(2023, Trouble::failed(&"größe \"x\"\n".repeat(500)));
    let held = note(2024, Trouble::Held { shelf, then: 365, now: 3, length: 17 });
    let changes = MemoryChanges {
        notes: vec![(key(2023), failed.clone()), (key(2024), held.clone())],
        ..MemoryChanges::default()
    };
    notebook.remember(&changes).expect("a note is taken");
    let notes = other.recall().expect("what was noted").notes;
    assert_eq!(notes.into_iter().collect::<Vec<_>>().len(), 2);
    let notes = notebook.recall().expect("what was noted").notes;
    assert_eq!((notes.get(&key(2023)), notes.get(&key(2024))), (Some(&failed), Some(&held)));

    let again = note(2024, Trouble::failed("x"));
    let changes = MemoryChanges {
        notes: vec![(key(2024), again.clone())],
        forget: vec![key(2023), key(2020)],
        ..MemoryChanges::default()
    };
    other.remember(&changes).expect("a note is taken");
    let notes = notebook.recall().expect("what was noted").notes;
    assert_eq!(notes.into_iter().collect::<Vec<_>>(), [(key(2024), again)]);
    // Nothing of it is an entry, and entries do not touch it.
    assert_eq!(harness.store().list(&EntryFilter::default()).expect("a list"), []);
    harness.store().clear().expect("a clear");
    assert_eq!(notebook.recall().expect("what was noted").notes.len(), 1);
    notebook.forget_all().expect("all is forgotten");
    assert_eq!(other.recall().expect("nothing").notes.len(), 0);
}

/// The first year of a community is known once it was stored and told.
pub fn first_years_are_known(harness: &dyn Harness) {
    for year in [2024, 2021, 2023] {
        put(harness, &description(harness, "größe", year, Category::UsageDelta), b"{}");
    }
    let first_years = vec![("größe".to_owned(), 2021)];
    let changes = MemoryChanges { first_years, ..MemoryChanges::default() };
    harness.notebook().remember(&changes).expect("a year is noted");
    let known = harness.other_notebook().recall().expect("years").first_years;
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [("größe".to_owned(), 2021)]);
}
