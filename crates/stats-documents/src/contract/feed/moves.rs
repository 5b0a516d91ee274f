//! Cases about documents that change their places, and that come and go.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the source breaks the contract")]

use std::collections::BTreeMap;

use stats_model::{Fingerprint, Position, Shelf};

use super::FeedHarness;
use super::changes::assert_changed;
use crate::contract::answers::{KIND, all_fingerprints, ids, numbers, ok, shelf};
use crate::contract::given::{GivenDocument, given};
use crate::{Changes, Feed, ShelfFilter};

/// To another community and year; it is where it came to.
pub fn a_document_can_change_its_shelf(harness: &mut dyn FeedHarness) {
    harness.put(&[given(KIND, "x", "a", "2024-12-31", 1)]);
    let position = ok(harness.feed().position(KIND));
    harness.put(&[given(KIND, "x", "b", "2025-01-01", 1)]);
    let feed = harness.feed();
    assert!(ids(feed, &shelf(KIND, "a", 2024)).is_empty());
    assert_eq!(ids(feed, &shelf(KIND, "b", 2025)), ["x"]);
    assert_eq!(all_fingerprints(feed).len(), 1);
    assert_changed(feed, &position, "b");
}

/// Documents that are written over for another community or year, alone and together with others.
pub fn what_leaves_a_shelf_is_noticed(harness: &mut dyn FeedHarness) {
    let first: Vec<GivenDocument> = (1..=9)
        .map(|n| {
            let community = ["a", "b", "c"][n as usize % 3];
            given(KIND, &format!("x{n}"), community, &format!("2025-03-{n:02}"), n)
        })
        .collect();
    harness.put(&first);
    harness.put(&[given(KIND, "alone", "d", "2025-01-01", 1)]);
    let feed = harness.feed();
    let mut position = ok(feed.position(KIND));
    let mut remembered = all_fingerprints(feed);
    let another =
        |n: u32, community: &str, day: &str| given(KIND, &format!("x{n}"), community, day, 100 + n);
    let rounds = [
        // From `b` to `a`.
        vec![another(1, "a", "2025-03-01")],
        // The same way back, and one from `c` that nobody follows.
        vec![another(1, "b", "2025-03-01"), another(2, "b", "2025-03-02")],
        // Two change places.
        vec![another(3, "b", "2025-03-03"), another(4, "a", "2025-03-04")],
        // To another year of the same community.
        vec![another(5, "c", "2024-03-05")],
        // One leaves `c`, another comes to `a`: the sum stays the same.
        vec![another(8, "a", "2025-03-08"), given(KIND, "y", "a", "2025-04-01", 1)],
        // The last one of a shelf.
        vec![given(KIND, "alone", "a", "2025-01-01", 2)],
    ];
    for (round, documents) in rounds.iter().enumerate() {
        harness.put(documents);
        follow(harness.feed(), &mut remembered, &position);
        let feed = harness.feed();
        let all = all_fingerprints(feed);
        assert_eq!(remembered, all, "round {round}");
        for (shelf, fingerprint) in all {
            let manifest = numbers(feed, &shelf);
            assert_eq!(fingerprint, Fingerprint::of(manifest.into_values()), "{shelf}");
        }
        position = ok(feed.position(KIND));
    }
}

/// What a caller does who remembers the fingerprints of all shelves.
fn follow(feed: &dyn Feed, remembered: &mut BTreeMap<Shelf, Fingerprint>, since: &Position) {
    let mut ask = |filter: &ShelfFilter| {
        remembered.retain(|shelf, _| !filter.matches(shelf));
        remembered.extend(ok(feed.fingerprints(KIND, filter)));
        remembered.values().map(|it| it.count).sum::<u64>()
    };
    if let Changes::Communities(named) = ok(feed.changed_since(KIND, since)) {
        if named.is_empty() {
            return;
        }
        let communities = named.into_iter().collect();
        let counts = ask(&ShelfFilter { communities, ..ShelfFilter::default() });
        if counts == ok(feed.count(KIND)) {
            return;
        }
    }
    ask(&ShelfFilter::default());
}

/// A document that is there at one look and gone at the next one, when everything else is as it was
/// before it came.
pub fn a_document_comes_and_goes_and_is_seen_each_time(harness: &mut dyn FeedHarness) {
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1), given(KIND, "z", "b", "2025-01-02", 1)]);
    let before = everything(harness.feed());
    for day in ["2025-01-03", "2025-01-04"] {
        harness.put(&[given(KIND, "y", "a", day, 1)]);
        assert_eq!(ids(harness.feed(), &shelf(KIND, "a", 2025)), ["x", "y"]);
        assert_eq!(ok(harness.feed().count(KIND)), 3);
        harness.remove(KIND, &["y"]);
        assert_eq!(everything(harness.feed()), before);
    }
}

/// A document that came after one look and was gone before the next one; then it comes to stay,
/// elsewhere.
pub fn a_document_comes_and_goes_between_two_looks(harness: &mut dyn FeedHarness) {
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1), given(KIND, "z", "b", "2025-01-02", 1)]);
    let before = everything(harness.feed());
    let mut position = ok(harness.feed().position(KIND));
    for community in ["a", "b", "c"] {
        harness.put(&[given(KIND, "y", community, "2025-01-03", 1)]);
        harness.remove(KIND, &["y"]);
        let mut remembered = before.0.clone();
        follow(harness.feed(), &mut remembered, &position);
        assert_eq!(remembered, before.0);
        assert_eq!(everything(harness.feed()), before);
        position = ok(harness.feed().position(KIND));
    }
    let last = numbers(harness.feed(), &shelf(KIND, "b", 2025))["z"];
    harness.put(&[given(KIND, "y", "b", "2025-01-03", 1)]);
    let mut remembered = before.0;
    follow(harness.feed(), &mut remembered, &position);
    assert_eq!(remembered, all_fingerprints(harness.feed()));
    assert_changed(harness.feed(), &position, "b");
    assert!(numbers(harness.feed(), &shelf(KIND, "b", 2025))["y"] > last);
}

/// All fingerprints, the count of documents, and which there are of `a` and `b` in 2025.
fn everything(feed: &dyn Feed) -> (BTreeMap<Shelf, Fingerprint>, u64, [Vec<String>; 2]) {
    let of = |community| ids(feed, &shelf(KIND, community, 2025));
    (all_fingerprints(feed), ok(feed.count(KIND)), [of("a"), of("b")])
}
