//! What a store does under load, when bytes are damaged, or writes fail.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the store breaks the contract")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use stats_model::Category;

use super::{Damage, Harness, body, damaged_reads, description, lasting, plain_body, put, state};
use crate::{CacheStore, EntryDescription, EntryFilter, EntryState};

/// While an entry is overwritten, readers in this and in another process get an old or a new one,
/// whole, with its own description.
pub fn readers_never_see_a_mixture(harness: &dyn Harness) {
    const ROUNDS: u32 = 60;
    let one = description(harness, "global", 2024, Category::UsageDelta);
    let other = harness.other();
    let done = AtomicBool::new(false);
    let plain = |round: u32| format!("[{}{round}]", "7,".repeat(20_000 + 500 * round as usize));
    let version =
        |round: u32| EntryDescription { data_through: Some(round.to_string()), ..one.clone() };
    put(harness, &version(0), plain(0).as_bytes());
    let read = |store: &dyn CacheStore| {
        // Slow readers get their turn, too.
        for turn in 0.. {
            if turn >= 2 && done.load(Ordering::Relaxed) {
                return;
            }
            let entry = store.get(&one.key).expect("a read").expect("an entry at any time");
            let round: u32 =
                entry.description.data_through.expect("a round").parse().expect("digits");
            assert!(entry.body == plain(round).as_bytes(), "the body is not that of round {round}");
            let EntryState::Ours(known) = state(store, &one.key) else {
                panic!("not ours: {:?}", state(store, &one.key));
            };
            let round: u32 = known.data_through.expect("a round").parse().expect("digits");
            assert_eq!(known.plain_length, plain(round).len() as u64);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| read(harness.store()));
        scope.spawn(|| read(&*other));
        for round in 1..=ROUNDS {
            put(harness, &version(round), plain(round).as_bytes());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(damaged_reads(harness), 0);
}

/// Several threads and processes store different entries at once; all of them stand afterwards.
pub fn writers_on_many_keys_do_not_disturb_each_other(harness: &dyn Harness) {
    let other = harness.other();
    let stores = [harness.store(), &*other, harness.store(), &*other];
    std::thread::scope(|scope| {
        for (number, store) in stores.into_iter().enumerate() {
            scope.spawn(move || {
                for year in 2000..2025 {
                    let community = format!("community-{number}");
                    let one = description(harness, &community, year, Category::RecordSnapshot);
                    let plain = format!("[{number},{year}]");
                    store.put(&one, &body(harness, plain.as_bytes())).expect("a put");
                }
            });
        }
    });
    let listed = harness.store().list(&EntryFilter::default()).expect("a list");
    assert_eq!(listed.len(), 100);
    for state in listed {
        let one = state.description().expect("a description");
        let number = one.community.strip_prefix("community-").expect("a number");
        let expected = format!("[{number},{}]", one.year);
        assert_eq!(plain_body(harness.store(), &one.key), Some(expected.into_bytes()));
    }
}

/// 30 MB come back as they were.
pub fn a_big_body_comes_back(harness: &dyn Harness) {
    let one = description(harness, "global", 2024, Category::UsageSnapshot);
    let mut plain = Vec::with_capacity(31_000_000);
    plain.push(b'[');
    let mut number: u64 = 42;
    while plain.len() < 30_000_000 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        plain.extend_from_slice(format!("[\"12-31\",{}],", number >> 33).as_bytes());
    }
    plain.extend_from_slice(b"0]");
    put(harness, &one, &plain);
    let entry = harness.store().get(&one.key).expect("a read").expect("an entry");
    assert!(entry.body == plain, "the big body differs");
    assert_eq!(entry.description.sha256, Some(Sha256::digest(&plain).into()));
}

/// Damage of every sort is found by `get`, counted there, and the entry is as good as absent; the
/// others are not touched, and storing it again repairs it.
pub fn damaged_entries_are_counted_and_absent(harness: &dyn Harness) {
    let store = harness.store();
    let whole = description(harness, "whole", 2024, Category::UsageDelta);
    put(harness, &whole, b"{\"whole\":true}");
    for damage in Damage::ALL {
        let one = lasting(
            description(harness, &format!("{damage:?}"), 2024, Category::UsageDelta),
            Duration::from_secs(86_400),
        );
        put(harness, &one, b"{\"numbers\":[11,12,13,14,15,16,17,18,19]}");
        harness.damage(&one.key, damage);
        let before = damaged_reads(harness);
        assert_eq!(store.get(&one.key).expect("no error of the store"), None, "{damage:?}");
        assert_eq!(damaged_reads(harness), before + 1, "{damage:?}");
        let known = state(store, &one.key);
        let EntryState::Damaged(found) = &known else { panic!("{damage:?}: {known:?}") };
        assert_eq!(found.key, one.key, "{damage:?}");
        let listed = store.list(&EntryFilter::default()).expect("a list in spite of damage");
        assert!(listed.contains(&known), "{damage:?}: {listed:?}");

        put(harness, &one, b"{\"repaired\":true}");
        assert_eq!(plain_body(store, &one.key).as_deref(), Some(b"{\"repaired\":true}".as_slice()));
    }
    assert!(plain_body(store, &whole.key).is_some());
}

/// What is damaged is listed with its key, by which it is removed.
pub fn damaged_entries_can_be_removed(harness: &dyn Harness) {
    let store = harness.store();
    for damage in Damage::ALL {
        let one = lasting(
            description(harness, "global", 2024, Category::UsageDelta),
            Duration::from_secs(86_400),
        );
        put(harness, &one, b"{\"numbers\":[11,12,13,14,15,16,17,18,19]}");
        harness.damage(&one.key, damage);
        assert_eq!(store.get(&one.key).expect("no error of the store"), None, "{damage:?}");
        let listed = store.list(&EntryFilter::default()).expect("a list in spite of damage");
        let [EntryState::Damaged(found)] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!(store.delete(std::slice::from_ref(&found.key)).expect("a delete"), 1);
        assert_eq!(store.list(&EntryFilter::default()).expect("a list"), [], "{damage:?}");
    }
}

/// When a put fails, what stood there stands, and the next put works.
pub fn a_failed_put_leaves_the_old_entry(harness: &dyn Harness) {
    let store = harness.store();
    let old = description(harness, "global", 2024, Category::UsageDelta);
    put(harness, &old, b"{\"old\":1}");
    harness.refuse_writes(true);
    let new = EntryDescription { data_through: None, ..old.clone() };
    store.put(&new, &body(harness, b"{\"new\":1}")).expect_err("a put that must fail");
    let absent = description(harness, "global", 2023, Category::UsageDelta);
    store.put(&absent, &body(harness, b"{\"new\":1}")).expect_err("a put that must fail");

    let entry = store.get(&old.key).expect("a read").expect("the old entry");
    assert_eq!(entry.body, b"{\"old\":1}");
    assert_eq!(entry.description.data_through, old.data_through);
    assert_eq!(state(store, &absent.key), EntryState::Absent);

    harness.refuse_writes(false);
    put(harness, &new, b"{\"new\":1}");
    assert_eq!(plain_body(store, &old.key).as_deref(), Some(b"{\"new\":1}".as_slice()));
}
