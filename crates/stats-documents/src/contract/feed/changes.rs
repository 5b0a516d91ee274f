//! Cases about numbers: manifests, fingerprints, positions, and what changed.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the source breaks the contract")]

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use stats_model::{DocumentKind, Fingerprint, Position, PositionMark};

use super::FeedHarness;
use crate::contract::answers::{
    KIND, all_fingerprints, fingerprint, ids, numbers, ok, shelf, visited,
};
use crate::contract::given::{GivenDocument, given};
use crate::{Amiss, Changes, Feed, ShelfFilter, SourceErrorKind};

/// Fingerprints, counts and manifests are of the same documents.
pub fn fingerprints_are_those_of_the_manifests(harness: &mut dyn FeedHarness) {
    let documents: Vec<GivenDocument> = (1..=60)
        .map(|n| {
            let community = ["a", "b", "c"][n % 3];
            given(
                KIND,
                &format!("{community}-{n}"),
                community,
                &format!("20{:02}-01-05", 20 + n % 4),
                1,
            )
        })
        .collect();
    harness.put(&documents);
    harness
        .put(&[given(KIND, "a-3", "a", "2023-01-05", 9), given(KIND, "b-1", "b", "2021-01-05", 9)]);
    harness.remove(KIND, &["b-4", "c-60", "nothing"]);
    let feed = harness.feed();
    let fingerprints = all_fingerprints(feed);
    assert_eq!(fingerprints.values().map(|it| it.count).sum::<u64>(), 59);
    assert_eq!(ok(feed.count(KIND)), 59);
    for (shelf, fingerprint) in fingerprints {
        let manifest = numbers(feed, &shelf);
        assert_eq!(fingerprint, Fingerprint::of(manifest.into_values()), "{shelf}");
    }
}

/// By community, by year, and by both.
pub fn filters_select_fingerprints(harness: &mut dyn FeedHarness) {
    let mut documents = Vec::new();
    for community in ["a", "b", "c"] {
        for year in 2022..=2024 {
            let id = format!("{community}-{year}");
            documents.push(given(KIND, &id, community, &format!("{year}-06-01"), 1));
        }
    }
    harness.put(&documents);
    let feed = harness.feed();
    let all = all_fingerprints(feed);
    let lists = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
    for communities in [lists(&[]), lists(&["b"]), lists(&["c", "a", "unknown"]), lists(&["*"])] {
        for years in [vec![], vec![2023], vec![2024, 1999]] {
            let filter = ShelfFilter { communities: communities.clone(), years };
            let mut expected = all.clone();
            expected.retain(|shelf, _| filter.matches(shelf));
            assert_eq!(ok(feed.fingerprints(KIND, &filter)), expected, "{filter:?}");
        }
    }
}

/// The present position is one since which nothing changed.
pub fn nothing_changes_without_writes(harness: &mut dyn FeedHarness) {
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1)]);
    let feed = harness.feed();
    let position = ok(feed.position(KIND));
    assert_eq!(ok(feed.position(KIND)), position);
    assert_eq!(
        ok(feed.changed_since(KIND, &position)),
        Changes::Communities(BTreeSet::new()),
        "changes since the present position"
    );
}

/// Documents that are written again with the same bytes are unchanged, or else new ones.
pub fn equal_writes_keep_numbers_or_raise_them(
    harness: &mut dyn FeedHarness,
    keep_their_numbers: bool,
) {
    let documents =
        [given(KIND, "x", "a", "2025-01-01", 1), given(KIND, "y", "a", "2025-01-02", 1)];
    harness.put(&documents);
    let a = shelf(KIND, "a", 2025);
    let position = ok(harness.feed().position(KIND));
    let before = numbers(harness.feed(), &a);
    harness.put(&documents);
    let after = numbers(harness.feed(), &a);
    if keep_their_numbers {
        assert_eq!(after, before);
        assert_eq!(ok(harness.feed().position(KIND)), position);
    } else {
        assert!(after.keys().eq(before.keys()));
        assert!(after.values().min() > before.values().max(), "{before:?}, {after:?}");
        assert_ne!(ok(harness.feed().position(KIND)), position);
        assert_changed(harness.feed(), &position, "a");
    }
}

/// The others keep theirs.
pub fn a_replacement_gets_a_higher_number(harness: &mut dyn FeedHarness) {
    harness.put(&[
        given(KIND, "x", "a", "2025-01-01", 1),
        given(KIND, "y", "a", "2025-01-02", 1),
        given(KIND, "z", "b", "2025-01-02", 1),
    ]);
    let (a, b) = (shelf(KIND, "a", 2025), shelf(KIND, "b", 2025));
    let position = ok(harness.feed().position(KIND));
    let before = numbers(harness.feed(), &a);
    let other = fingerprint(harness.feed(), &b);
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 2)]);
    let feed = harness.feed();
    let after = numbers(feed, &a);
    assert_eq!(after["y"], before["y"]);
    assert!(after["x"] > before["x"] && after["x"] > before["y"]);
    assert_eq!(fingerprint(feed, &b), other);
    assert_ne!(ok(feed.position(KIND)), position);
    assert_changed(feed, &position, "a");
    let content = String::from_utf8_lossy(&visited(feed, &a, None)[0].source).into_owned();
    assert_eq!(content, given(KIND, "x", "a", "2025-01-01", 2).source);
}

/// In manifest, fingerprint, position and what changed.
pub fn a_removal_is_seen(harness: &mut dyn FeedHarness) {
    harness.put(&[
        given(KIND, "x", "a", "2025-01-01", 1),
        given(KIND, "y", "a", "2025-01-02", 1),
        given(KIND, "z", "b", "2025-01-02", 1),
    ]);
    let a = shelf(KIND, "a", 2025);
    let position = ok(harness.feed().position(KIND));
    let before = fingerprint(harness.feed(), &a);
    harness.remove(KIND, &["y"]);
    assert_eq!(ids(harness.feed(), &a), ["x"]);
    let after = fingerprint(harness.feed(), &a);
    assert!(after.count < before.count && after.sum < before.sum);
    assert_ne!(ok(harness.feed().position(KIND)), position);
    assert_changed(harness.feed(), &position, "a");
    // The last document of a shelf too.
    let position = ok(harness.feed().position(KIND));
    harness.remove(KIND, &["z"]);
    let feed = harness.feed();
    let b = shelf(KIND, "b", 2025);
    assert!(!all_fingerprints(feed).contains_key(&b));
    assert!(ids(feed, &b).is_empty());
    assert_changed(feed, &position, "b");
    // And what comes back has a number of its own.
    let last = fingerprint(harness.feed(), &a).max;
    harness.put(&[given(KIND, "z", "b", "2025-01-02", 1)]);
    assert!(fingerprint(harness.feed(), &b).max > last);
}

/// Positions of other histories, and of the future of this one.
pub fn unknown_positions_mean_everything(harness: &mut dyn FeedHarness) {
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1)]);
    let feed = harness.feed();
    let mark = PositionMark::written("somewhere else", 0);
    for unknown in [Position::default(), Position(vec![mark])] {
        assert_eq!(ok(feed.changed_since(KIND, &unknown)), Changes::Everything);
    }
    // From the future of this history: it went back.
    let mut future = ok(feed.position(KIND));
    for mark in &mut future.0 {
        mark.sequence += 1_000_000;
    }
    assert_eq!(ok(feed.changed_since(KIND, &future)), Changes::Everything);
}

/// Asserts that `changed_since` names `community`, alone or with others.
pub(super) fn assert_changed(feed: &dyn Feed, since: &Position, community: &str) {
    match ok(feed.changed_since(KIND, since)) {
        Changes::Everything => {}
        Changes::Communities(communities) => {
            assert!(communities.contains(community), "{community} is not among {communities:?}");
        }
    }
}

/// A kind without index cannot answer. One without documents is empty, where there are no indices.
/// Others are as they were.
pub fn a_kind_that_is_gone_is_empty_or_no_answer(
    harness: &mut dyn FeedHarness,
    kinds_have_indices: bool,
) {
    let other = DocumentKind::RecordSnapshot;
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1), given(other, "x", "a", "2025-01-01", 1)]);
    let (here, there) = (shelf(KIND, "a", 2025), shelf(other, "a", 2025));
    assert_eq!(ids(harness.feed(), &here), ["x"]);
    let position = ok(harness.feed().position(KIND));
    harness.remove_kind(KIND);
    let feed = harness.feed();
    if kinds_have_indices {
        let missing = [
            feed.position(KIND).err(),
            feed.changed_since(KIND, &position).err(),
            feed.count(KIND).err(),
            feed.fingerprints(KIND, &ShelfFilter::default()).err(),
            feed.manifest(&here).err(),
            feed.documents(&here, None, &mut |_| ControlFlow::Continue(())).err(),
        ];
        for error in missing {
            let error = error.expect("nothing empty is taken for the truth");
            assert_eq!(error.kind(), SourceErrorKind::Own(Amiss::NotFound), "{error}: {error:?}");
        }
    } else {
        assert_changed(feed, &position, "a");
        assert!(ids(feed, &here).is_empty() && all_fingerprints(feed).is_empty());
        assert_eq!(ok(feed.count(KIND)), 0);
    }
    assert_eq!(ids(feed, &there), ["x"], "another kind");
    assert_eq!(ok(feed.count(other)), 1);
}
