//! Cases about numbers: manifests, fingerprints, positions, and what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use stats_model::{DocumentKind, Fingerprint, Position, PositionMark, Shelf};

use super::{GivenDocument, Harness, KIND, given, ids, ok, shelf, visited};
use crate::{Changes, DocumentSource, ShelfFilter, SourceErrorKind};

pub(super) fn fingerprints_are_those_of_the_manifests(harness: &mut dyn Harness) {
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
    let source = harness.source();
    let fingerprints = ok(source.fingerprints(KIND, &ShelfFilter::default()));
    assert_eq!(fingerprints.values().map(|it| it.count).sum::<u64>(), 59);
    assert_eq!(ok(source.count(KIND)), 59);
    for (shelf, fingerprint) in fingerprints {
        let manifest = numbers(source, &shelf);
        assert_eq!(fingerprint, Fingerprint::of(manifest.into_values()), "{shelf}");
    }
}

pub(super) fn filters_select_fingerprints(harness: &mut dyn Harness) {
    let mut documents = Vec::new();
    for community in ["a", "b", "c"] {
        for year in 2022..=2024 {
            let id = format!("{community}-{year}");
            documents.push(given(KIND, &id, community, &format!("{year}-06-01"), 1));
        }
    }
    harness.put(&documents);
    let source = harness.source();
    let all = ok(source.fingerprints(KIND, &ShelfFilter::default()));
    let lists = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
    for communities in [lists(&[]), lists(&["b"]), lists(&["c", "a", "unknown"]), lists(&["*"])] {
        for years in [vec![], vec![2023], vec![2024, 1999]] {
            let filter = ShelfFilter { communities: communities.clone(), years };
            let mut expected = all.clone();
            expected.retain(|shelf, _| filter.matches(shelf));
            assert_eq!(ok(source.fingerprints(KIND, &filter)), expected, "{filter:?}");
        }
    }
}

pub(super) fn nothing_changes_without_writes(harness: &mut dyn Harness) {
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1)]);
    let source = harness.source();
    let position = ok(source.position(KIND));
    assert_eq!(ok(source.position(KIND)), position);
    assert_eq!(
        ok(source.changed_since(KIND, &position)),
        Changes::Communities(BTreeSet::new()),
        "changes since the present position"
    );
}

pub(super) fn equal_writes_keep_their_numbers(harness: &mut dyn Harness) {
    if !harness.equal_writes_are_unchanged() {
        return;
    }
    let documents =
        [given(KIND, "x", "a", "2025-01-01", 1), given(KIND, "y", "a", "2025-01-02", 1)];
    harness.put(&documents);
    let a = shelf(KIND, "a", 2025);
    let position = ok(harness.source().position(KIND));
    let before = numbers(harness.source(), &a);
    harness.put(&documents);
    assert_eq!(numbers(harness.source(), &a), before);
    assert_eq!(ok(harness.source().position(KIND)), position);
}

pub(super) fn a_replacement_gets_a_higher_number(harness: &mut dyn Harness) {
    harness.put(&[
        given(KIND, "x", "a", "2025-01-01", 1),
        given(KIND, "y", "a", "2025-01-02", 1),
        given(KIND, "z", "b", "2025-01-02", 1),
    ]);
    let (a, b) = (shelf(KIND, "a", 2025), shelf(KIND, "b", 2025));
    let position = ok(harness.source().position(KIND));
    let before = numbers(harness.source(), &a);
    let other = fingerprint(harness.source(), &b);
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 2)]);
    let source = harness.source();
    let after = numbers(source, &a);
    assert_eq!(after["y"], before["y"]);
    assert!(after["x"] > before["x"] && after["x"] > before["y"]);
    assert_eq!(fingerprint(source, &b), other);
    assert_ne!(ok(source.position(KIND)), position);
    assert_changed(source, &position, "a");
    let content = String::from_utf8_lossy(&visited(source, &a, None)[0].source).into_owned();
    assert_eq!(content, given(KIND, "x", "a", "2025-01-01", 2).source);
}

pub(super) fn a_removal_is_seen(harness: &mut dyn Harness) {
    harness.put(&[
        given(KIND, "x", "a", "2025-01-01", 1),
        given(KIND, "y", "a", "2025-01-02", 1),
        given(KIND, "z", "b", "2025-01-02", 1),
    ]);
    let a = shelf(KIND, "a", 2025);
    let position = ok(harness.source().position(KIND));
    let before = fingerprint(harness.source(), &a);
    harness.remove(KIND, &["y"]);
    assert_eq!(ids(harness.source(), &a), ["x"]);
    let after = fingerprint(harness.source(), &a);
    assert!(after.count < before.count && after.sum < before.sum);
    assert_ne!(ok(harness.source().position(KIND)), position);
    assert_changed(harness.source(), &position, "a");
    // The last document of a shelf too.
    let position = ok(harness.source().position(KIND));
    harness.remove(KIND, &["z"]);
    let source = harness.source();
    let b = shelf(KIND, "b", 2025);
    assert!(!ok(source.fingerprints(KIND, &ShelfFilter::default())).contains_key(&b));
    assert!(ids(source, &b).is_empty());
    assert_changed(source, &position, "b");
    // And what comes back has a number of its own.
    let last = fingerprint(harness.source(), &a).max;
    harness.put(&[given(KIND, "z", "b", "2025-01-02", 1)]);
    assert!(fingerprint(harness.source(), &b).max > last);
}

pub(super) fn a_document_can_change_its_shelf(harness: &mut dyn Harness) {
    harness.put(&[given(KIND, "x", "a", "2024-12-31", 1)]);
    let position = ok(harness.source().position(KIND));
    harness.put(&[given(KIND, "x", "b", "2025-01-01", 1)]);
    let source = harness.source();
    assert!(ids(source, &shelf(KIND, "a", 2024)).is_empty());
    assert_eq!(ids(source, &shelf(KIND, "b", 2025)), ["x"]);
    assert_eq!(ok(source.fingerprints(KIND, &ShelfFilter::default())).len(), 1);
    assert_changed(source, &position, "b");
}

/// Documents that are written over for another community or year, alone and together with others.
pub(super) fn what_leaves_a_shelf_is_noticed(harness: &mut dyn Harness) {
    let first: Vec<GivenDocument> = (1..=9)
        .map(|n| {
            let community = ["a", "b", "c"][n as usize % 3];
            given(KIND, &format!("x{n}"), community, &format!("2025-03-{n:02}"), n)
        })
        .collect();
    harness.put(&first);
    harness.put(&[given(KIND, "alone", "d", "2025-01-01", 1)]);
    let source = harness.source();
    let mut position = ok(source.position(KIND));
    let mut remembered = ok(source.fingerprints(KIND, &ShelfFilter::default()));
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
        follow(harness.source(), &mut remembered, &position);
        let source = harness.source();
        let all = ok(source.fingerprints(KIND, &ShelfFilter::default()));
        assert_eq!(remembered, all, "round {round}");
        for (shelf, fingerprint) in all {
            let manifest = numbers(source, &shelf);
            assert_eq!(fingerprint, Fingerprint::of(manifest.into_values()), "{shelf}");
        }
        position = ok(source.position(KIND));
    }
}

/// What a caller does who remembers the fingerprints of all shelves.
fn follow(
    source: &dyn DocumentSource,
    remembered: &mut BTreeMap<Shelf, Fingerprint>,
    since: &Position,
) {
    let mut ask = |filter: &ShelfFilter| {
        remembered.retain(|shelf, _| !filter.matches(shelf));
        remembered.extend(ok(source.fingerprints(KIND, filter)));
        remembered.values().map(|it| it.count).sum::<u64>()
    };
    if let Changes::Communities(named) = ok(source.changed_since(KIND, since)) {
        assert!(!named.is_empty());
        let communities = named.into_iter().collect();
        let counts = ask(&ShelfFilter { communities, ..ShelfFilter::default() });
        if counts == ok(source.count(KIND)) {
            return;
        }
    }
    ask(&ShelfFilter::default());
}

pub(super) fn unknown_positions_mean_everything(harness: &mut dyn Harness) {
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1)]);
    let source = harness.source();
    let mark = PositionMark::written("somewhere else", 0);
    for unknown in [Position::default(), Position(vec![mark])] {
        assert_eq!(ok(source.changed_since(KIND, &unknown)), Changes::Everything);
    }
    // From the future of this history: it went back.
    let mut future = ok(source.position(KIND));
    for mark in &mut future.0 {
        mark.sequence += 1_000_000;
    }
    assert_eq!(ok(source.changed_since(KIND, &future)), Changes::Everything);
}

fn numbers(source: &dyn DocumentSource, shelf: &Shelf) -> BTreeMap<String, u64> {
    ok(source.manifest(shelf)).into_iter().map(|entry| (entry.id, entry.sequence)).collect()
}

fn fingerprint(source: &dyn DocumentSource, shelf: &Shelf) -> Fingerprint {
    let all = ok(source.fingerprints(shelf.kind, &ShelfFilter::default()));
    all.get(shelf).copied().unwrap_or_default()
}

/// Asserts that `changed_since` names `community`, alone or with others.
fn assert_changed(source: &dyn DocumentSource, since: &Position, community: &str) {
    match ok(source.changed_since(KIND, since)) {
        Changes::Everything => {}
        Changes::Communities(communities) => {
            assert!(communities.contains(community), "{community} is not among {communities:?}");
        }
    }
}

/// A document that is there at one look and gone at the next one, when everything else is as it was
/// before it came.
pub(super) fn a_document_comes_and_goes(harness: &mut dyn Harness) {
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1), given(KIND, "z", "b", "2025-01-02", 1)]);
    let (a, b) = (shelf(KIND, "a", 2025), shelf(KIND, "b", 2025));
    let all = |harness: &dyn Harness| {
        let fingerprints = ok(harness.source().fingerprints(KIND, &ShelfFilter::default()));
        (fingerprints, ok(harness.source().count(KIND)), ids(harness.source(), &a))
    };
    let before = all(harness);
    for day in ["2025-01-03", "2025-01-04"] {
        harness.put(&[given(KIND, "y", "a", day, 1)]);
        assert_eq!(ids(harness.source(), &a), ["x", "y"]);
        assert_eq!(ok(harness.source().count(KIND)), 3);
        harness.remove(KIND, &["y"]);
        assert_eq!(all(harness), before);
        assert_eq!(ids(harness.source(), &b), ["z"]);
    }
}

pub(super) fn a_kind_without_index_is_no_empty_kind(harness: &mut dyn Harness) {
    let other = DocumentKind::RecordSnapshot;
    harness.put(&[given(KIND, "x", "a", "2025-01-01", 1), given(other, "x", "a", "2025-01-01", 1)]);
    assert_eq!(ids(harness.source(), &shelf(KIND, "a", 2025)), ["x"]);
    let position = ok(harness.source().position(KIND));
    if !harness.remove_kind(KIND) {
        return;
    }
    let source = harness.source();
    let a = shelf(KIND, "a", 2025);
    let missing = [
        source.position(KIND).err(),
        source.changed_since(KIND, &position).err(),
        source.count(KIND).err(),
        source.fingerprints(KIND, &ShelfFilter::default()).err(),
        source.manifest(&a).err(),
        source.documents(&a, None, &mut |_| ControlFlow::Continue(())).err(),
    ];
    for error in missing {
        let error = error.expect("nothing empty is taken for the truth");
        assert_eq!(error.kind(), SourceErrorKind::NotFound, "{error}: {error:?}");
    }
    assert_eq!(ids(source, &shelf(other, "a", 2025)), ["x"], "another kind");
    assert_eq!(ok(source.count(other)), 1);
}
