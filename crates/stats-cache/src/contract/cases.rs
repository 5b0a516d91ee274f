//! What a store does when nothing goes wrong.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the store breaks the contract")]

use stats_model::Category;

use super::{Harness, body, description, lasting, plain_body, put, state, to_the_millisecond};
use crate::{Body, BodyEncoding, EntryDescription, EntryFilter, EntryState};

/// A key under which nothing stands is absent everywhere.
pub fn absent_keys_are_no_error(harness: &dyn Harness) {
    let store = harness.store();
    let key = description(harness, "global", 2024, Category::UsageDelta).key;
    assert_eq!(store.get(&key).expect("a question"), None);
    assert_eq!(state(store, &key), EntryState::Absent);
    assert_eq!(store.describe(&[]).expect("no question"), []);
    assert_eq!(store.delete(&[key]).expect("nothing to delete"), 0);
    assert_eq!(store.delete(&[]).expect("nothing named"), 0);
    assert_eq!(store.list(&EntryFilter::default()).expect("an empty list"), []);
    assert_eq!(store.clear().expect("nothing to clear"), 0);
}

/// Of some keys those under which nothing stands are told, in their order.
pub fn what_is_gone_is_absent(harness: &dyn Harness) {
    let store = harness.store();
    let all: Vec<EntryDescription> = (2020..2024)
        .map(|year| description(harness, "global", year, Category::UsageDelta))
        .collect();
    let keys: Vec<String> = all.iter().map(|it| it.key.clone()).collect();
    assert_eq!(store.absent(&keys).expect("an answer"), keys);
    all[1..].iter().for_each(|it| put(harness, it, b"{}"));
    assert_eq!(store.absent(&keys).expect("an answer"), [keys[0].clone()]);
    assert_eq!(harness.other().delete(&keys[2..3]).expect("a deletion"), 1);
    assert_eq!(store.absent(&keys).expect("an answer"), [keys[0].clone(), keys[2].clone()]);
    assert_eq!(store.absent(&[]).expect("no question"), [""; 0]);
}

/// The body comes back to the byte, and lengths and hash are those of the body.
pub fn what_was_put_is_got(harness: &dyn Harness) {
    let store = harness.store();
    let plain = br#"{"global":{"views":[{"id":"global","data":[["01-01",5]]}]}}"#;
    let put_one = description(harness, "global", 2024, Category::UsageDelta);
    put(harness, &put_one, plain);

    let entry = store.get(&put_one.key).expect("a read").expect("an entry");
    assert_eq!(entry.body, plain);
    assert_eq!(entry.description.plain_length, plain.len() as u64);
    assert_eq!(entry.description.sha256, Some(body(harness, plain).sha256));
    assert!(entry.description.stored_length > 0);
    assert_eq!(state(store, &put_one.key), EntryState::Ours(entry.description));
}

/// Everything that was said about an entry is known afterwards, present or absent.
pub fn every_part_of_a_description_comes_back(harness: &dyn Harness) {
    let full = lasting(
        description(harness, "7d9c1e52-0b7a-4c9e-9a51-2f7f0e6c9d10", 2019, Category::RecordDelta),
        std::time::Duration::from_millis(30 * 86_400_000 + 123),
    );
    let bare = EntryDescription {
        created: None,
        data_through: None,
        origin: None,
        ..description(harness, "global", 987, Category::UsageDeltaDataViews)
    };
    for put_one in [full, bare] {
        let body = body(harness, b"{}");
        harness.store().put(&put_one, &body).expect("a put");
        let EntryState::Ours(got) = state(harness.store(), &put_one.key) else {
            panic!("{:?}", state(harness.store(), &put_one.key));
        };
        let expected = EntryDescription {
            plain_length: 2,
            stored_length: got.stored_length,
            sha256: Some(body.sha256),
            ..put_one
        };
        assert_eq!(got, expected);
    }
}

/// A body in an encoding that the store does not use is recoded, not refused.
pub fn bodies_in_another_encoding_are_taken(harness: &dyn Harness) {
    let plain = br#"{"a":[1,2,3]}"#;
    for encoding in [BodyEncoding::Plain, BodyEncoding::Zstd] {
        let put_one = description(harness, "global", 2024, Category::UsageDelta);
        let body = Body::from_plain(encoding, plain).expect("a body");
        harness.store().put(&put_one, &body).expect("a put");
        assert_eq!(plain_body(harness.store(), &put_one.key).as_deref(), Some(plain.as_slice()));
    }
}

/// After an overwrite nothing of the old entry is left, in body or description.
pub fn a_put_replaces_the_whole_entry(harness: &dyn Harness) {
    let store = harness.store();
    let old = lasting(
        description(harness, "global", 2024, Category::UsageDelta),
        std::time::Duration::from_secs(3600),
    );
    put(harness, &old, b"{\"a much longer body than the next\":1}");
    let new = EntryDescription { expires: None, data_through: None, origin: None, ..old };
    put(harness, &new, b"{}");

    let entry = store.get(&new.key).expect("a read").expect("an entry");
    assert_eq!(entry.body, b"{}");
    assert_eq!(entry.description.expires, None);
    assert_eq!(entry.description.data_through, None);
    assert_eq!(entry.description.origin, None);
    assert_eq!(store.list(&EntryFilter::default()).expect("a list").len(), 1);
}

/// Until `expires` an entry is served, from then on it is not.
pub fn an_entry_ends_when_its_time_is_over(harness: &dyn Harness, keeps_expired: bool) {
    let store = harness.store();
    let life = harness.short_life();
    let short = lasting(description(harness, "global", 2024, Category::UsageDelta), life);
    let long = lasting(description(harness, "global", 2023, Category::UsageDelta), life * 100);
    put(harness, &short, b"{}");
    put(harness, &long, b"{}");
    assert!(plain_body(store, &short.key).is_some());
    assert_eq!(state(store, &short.key).description().map(|it| it.expires), Some(short.expires));

    harness.pass(life);
    assert_eq!(plain_body(store, &short.key), None);
    let state_after = state(store, &short.key);
    if keeps_expired {
        assert!(matches!(state_after, EntryState::Expired(_)), "{state_after:?}");
    } else {
        assert_eq!(state_after, EntryState::Absent);
    }
    assert!(plain_body(store, &long.key).is_some());
    let listed = store.list(&EntryFilter::default()).expect("a list");
    let standing = listed.iter().filter(|state| state.stands()).count();
    assert_eq!((standing, listed.len()), (1, 1 + usize::from(keeps_expired)));
}

/// An entry that arrives after its own end replaces the old one and is not served.
pub fn an_entry_stored_too_late_is_not_served(harness: &dyn Harness) {
    let old = description(harness, "global", 2024, Category::UsageDelta);
    put(harness, &old, b"{}");
    let late = EntryDescription {
        expires: Some(to_the_millisecond(harness.now()) - jiff::SignedDuration::from_secs(5)),
        ..old
    };
    put(harness, &late, b"{}");
    assert_eq!(plain_body(harness.store(), &late.key), None);
    assert!(!state(harness.store(), &late.key).stands());
}

/// The number returned is that of the entries that existed, each counted once.
pub fn deleting_counts_what_was_there(harness: &dyn Harness) {
    let store = harness.store();
    let keys: Vec<String> = (2020..2024)
        .map(|year| {
            let one = description(harness, "global", year, Category::UsageDelta);
            put(harness, &one, b"{}");
            one.key
        })
        .collect();
    let absent = description(harness, "nobody", 2020, Category::UsageDelta).key;
    let named = [keys[0].clone(), absent, keys[2].clone(), keys[0].clone()];
    assert_eq!(store.delete(&named).expect("a delete"), 2);
    assert_eq!(store.delete(&named).expect("again"), 0);
    let left: Vec<bool> =
        store.describe(&keys).expect("states").iter().map(EntryState::stands).collect();
    assert_eq!(left, [false, true, false, true]);
    assert_eq!(store.list(&EntryFilter::default()).expect("a list").len(), 2);
}

/// One state for each key asked, also for keys that are asked twice, and for thousands.
pub fn states_come_in_the_order_of_the_keys(harness: &dyn Harness) {
    let store = harness.store();
    let names: Vec<EntryDescription> = (0..3000)
        .map(|number| {
            description(harness, &format!("community-{number}"), 2024, Category::UsageDelta)
        })
        .collect();
    for one in names.iter().step_by(100) {
        put(harness, one, b"{}");
    }
    let mut asked: Vec<String> = names.iter().rev().map(|one| one.key.clone()).collect();
    asked.push(names[100].key.clone());
    asked.push(names[100].key.clone());
    let states = store.describe(&asked).expect("states");
    assert_eq!(states.len(), asked.len());
    for (index, (key, state)) in asked.iter().zip(&states).enumerate() {
        let number = if index < 3000 { 2999 - index } else { 100 };
        match state {
            EntryState::Ours(one) if number % 100 == 0 => assert_eq!(&one.key, key),
            EntryState::Absent if number % 100 != 0 => {}
            other => panic!("community-{number}: {other:?}"),
        }
    }
}

/// Filters combine, and entries are sorted by community, year and category.
pub fn lists_are_filtered_and_sorted(harness: &dyn Harness) {
    let categories =
        [Category::UsageSnapshot, Category::RecordDelta, Category::UsageDeltaDataViews];
    for community in ["global", "b", "a"] {
        for year in [2024, 987, 2023] {
            for category in categories.into_iter().rev() {
                put(harness, &description(harness, community, year, category), b"{}");
            }
        }
    }
    let names = |filter: &EntryFilter| -> Vec<(String, i16, Category)> {
        let states = harness.store().list(filter).expect("a list");
        let descriptions = states.iter().filter_map(EntryState::description);
        descriptions.map(|one| (one.community.clone(), one.year, one.category)).collect()
    };

    let all = names(&EntryFilter::default());
    assert_eq!(all.len(), 27);
    assert!(all.is_sorted(), "{all:?}");

    let filter = EntryFilter {
        communities: vec!["global".to_owned(), "a".to_owned(), "nobody".to_owned()],
        years: vec![2023, 987],
        categories: vec![Category::RecordDelta],
    };
    let expected = [("a", 987), ("a", 2023), ("global", 987), ("global", 2023)]
        .map(|(community, year)| (community.to_owned(), year, Category::RecordDelta));
    assert_eq!(names(&filter), expected);

    let nobody = EntryFilter { communities: vec!["nobody".to_owned()], ..EntryFilter::default() };
    assert_eq!(names(&nobody), []);
}

/// After clearing, nothing is left and the store works on.
pub fn clearing_leaves_nothing(harness: &dyn Harness) {
    let store = harness.store();
    let one = description(harness, "global", 2024, Category::UsageDelta);
    for year in 2000..2024 {
        put(
            harness,
            &EntryDescription {
                key: crate::response_key(harness.prefix(), "global", year, Category::UsageDelta)
                    .into(),
                year,
                ..one.clone()
            },
            b"{}",
        );
    }
    assert_eq!(store.clear().expect("a clear"), 24);
    assert_eq!(store.list(&EntryFilter::default()).expect("a list"), []);
    assert_eq!(store.summary().expect("a summary").entries, 0);
    put(harness, &one, b"{\"again\":1}");
    assert_eq!(plain_body(store, &one.key).as_deref(), Some(b"{\"again\":1}".as_slice()));
}

/// Counts and sums are those of what was stored.
pub fn a_summary_adds_up(harness: &dyn Harness) {
    let store = harness.store();
    let empty = store.summary().expect("a summary");
    assert_eq!((empty.entries, empty.expired, empty.plain_bytes, empty.stored_bytes), (0, 0, 0, 0));
    assert!(!empty.store.is_empty());
    for (year, plain) in [(2022, b"{}".as_slice()), (2023, b"[1]"), (2024, b"\"1234567\"")] {
        put(harness, &description(harness, "global", year, Category::UsageDelta), plain);
    }
    let summary = store.summary().expect("a summary");
    assert_eq!((summary.entries, summary.expired, summary.plain_bytes), (3, 0, 14));
    assert!(summary.stored_bytes > 0);
}

/// Nothing in a name has a meaning to the store.
pub fn unusual_names_are_only_names(harness: &dyn Harness) {
    let names = ["*", "größe", "a\"b'c\\d", "", "a b", "x%y_z", "{tag}", "図書館", "a:b", "[a-z]?"];
    for (number, name) in names.iter().enumerate() {
        let one = description(harness, name, 2024, Category::UsageDelta);
        put(harness, &one, number.to_string().as_bytes());
    }
    for (number, name) in names.iter().enumerate() {
        let filter =
            EntryFilter { communities: vec![(*name).to_owned()], ..EntryFilter::default() };
        let found = harness.store().list(&filter).expect("a list");
        assert_eq!(found.len(), 1, "{name}");
        let key = &found[0].description().expect("a description").key;
        assert_eq!(plain_body(harness.store(), key), Some(number.to_string().into_bytes()));
    }
}

/// What one process stores or removes, another one sees.
pub fn another_process_sees_the_same(harness: &dyn Harness) {
    let other = harness.other();
    let one = description(harness, "global", 2024, Category::UsageDelta);
    put(harness, &one, b"{\"by\":1}");
    assert_eq!(plain_body(&*other, &one.key).as_deref(), Some(b"{\"by\":1}".as_slice()));
    assert!(matches!(state(&*other, &one.key), EntryState::Ours(_)));
    other.put(&one, &body(harness, b"{\"by\":2}")).expect("a put by the other");
    assert_eq!(plain_body(harness.store(), &one.key).as_deref(), Some(b"{\"by\":2}".as_slice()));
    assert!(matches!(state(harness.store(), &one.key), EntryState::Ours(_)));
    assert_eq!(other.delete(std::slice::from_ref(&one.key)).expect("a delete"), 1);
    assert_eq!(state(harness.store(), &one.key), EntryState::Absent);
}
