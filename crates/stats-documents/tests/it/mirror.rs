//! An archive as the mirror of an index: origins, memory, eviction.

use stats_documents::archive::Put;
use stats_documents::contract::given;
use stats_documents::{ArchiveOptions, Changes, Documents, Feed};
use stats_model::{DocumentKind, Position, Shelf};
use stats_testkit::wait;

use crate::support::{Place, fingerprints};

const KIND: DocumentKind = DocumentKind::UsageSnapshot;

fn mirror() -> Place {
    Place::with(ArchiveOptions { track_use: true, ..ArchiveOptions::default() })
}

fn shelf(community: &str) -> Shelf {
    Shelf { kind: KIND, community: community.to_owned(), year: 2025 }
}

fn put(place: &Place, community: &str, n: u32, value: u32, origin: u64) -> Put {
    let id = format!("{community}-{n}");
    let document = given(KIND, &id, community, &format!("2025-01-{n:02}"), value);
    let mut writer = place.archive.writer().unwrap();
    let put = writer.put_document(KIND, &id, document.source.as_bytes(), Some(origin)).unwrap();
    writer.commit().unwrap();
    put
}

/// A document of 8 KB that hardly compresses.
fn put_large(place: &Place, community: &str, n: u32, value: u32) {
    let id = format!("{community}-{n}");
    let mut source = given(KIND, &id, community, &format!("2025-01-{n:02}"), value).source;
    source.pop();
    source.push_str(",\"x\":\"");
    for n in 0..500u64 {
        let noise = (n + 1 + u64::from(value) * 500).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        source.push_str(&format!("{noise:016x}"));
    }
    source.push_str("\"}");
    let mut writer = place.archive.writer().unwrap();
    writer.put_document(KIND, &id, source.as_bytes(), Some(1)).unwrap();
    writer.commit().unwrap();
}

fn remember(place: &Place, shelf: &Shelf, value: &str) {
    let mut writer = place.archive.writer().unwrap();
    writer.remember_of_shelf(shelf, Some(value)).unwrap();
    writer.commit().unwrap();
}

/// Uses are told apart by milliseconds.
fn let_a_moment_pass() {
    let now = || jiff::Timestamp::now().as_millisecond();
    let then = now();
    wait::until("the next millisecond", || now() > then);
}

#[test]
fn origins_are_kept_also_for_unchanged_documents() {
    let place = mirror();
    assert_eq!(put(&place, "a", 1, 1, 100), Put::New);
    assert_eq!(put(&place, "a", 2, 1, 200), Put::New);
    let position = place.archive.position(KIND).unwrap();
    assert_eq!(put(&place, "a", 1, 1, 300), Put::Unchanged);
    assert_eq!(place.archive.position(KIND).unwrap(), position);
    let origins: Vec<(u64, Option<u64>)> = place
        .archive
        .mirrored(&shelf("a"))
        .unwrap()
        .into_iter()
        .map(|entry| (entry.sequence, entry.origin))
        .collect();
    assert_eq!(origins, [(1, Some(300)), (2, Some(200))]);
}

#[test]
fn what_is_remembered_of_a_shelf_is_forgotten_with_every_change() {
    let place = mirror();
    put(&place, "a", 1, 1, 100);
    put(&place, "b", 1, 1, 100);
    let remembered = |community| place.archive.remembered_of_shelf(&shelf(community)).unwrap();
    type Change = fn(&Place);
    let changes: [Change; 4] = [
        |place| assert_eq!(put(place, "a", 1, 2, 100), Put::Replaced),
        |place| assert_eq!(put(place, "a", 2, 1, 100), Put::New),
        |place| assert_eq!(put(place, "a", 2, 1, 101), Put::Unchanged),
        |place| {
            let mut writer = place.archive.writer().unwrap();
            assert!(writer.remove_document(KIND, "a-2").unwrap());
            writer.commit().unwrap();
        },
    ];
    for change in changes {
        remember(&place, &shelf("a"), "state");
        remember(&place, &shelf("b"), "other");
        assert_eq!(remembered("a").as_deref(), Some("state"));
        change(&place);
        assert_eq!(remembered("a"), None);
        assert_eq!(remembered("b").as_deref(), Some("other"));
    }
    let all = place.archive.remembered_of_shelves(KIND).unwrap();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), [(shelf("b"), "other".to_owned())]);
}

#[test]
fn a_shelf_is_remembered_in_the_batch_that_fills_it() {
    let place = mirror();
    let mut writer = place.archive.writer().unwrap();
    let document = given(KIND, "x", "a", "2025-01-01", 1);
    writer.put_document(KIND, "x", document.source.as_bytes(), Some(1)).unwrap();
    writer.remember_of_shelf(&shelf("a"), Some("after the first")).unwrap();
    writer.commit().unwrap();
    let remembered = place.archive.remembered_of_shelf(&shelf("a")).unwrap();
    assert_eq!(remembered.as_deref(), Some("after the first"));
    // Put again after it was remembered: no longer true.
    let mut writer = place.archive.writer().unwrap();
    writer.remember_of_shelf(&shelf("a"), Some("too early")).unwrap();
    writer.remove_document(KIND, "x").unwrap();
    writer.commit().unwrap();
    assert_eq!(place.archive.remembered_of_shelf(&shelf("a")).unwrap(), None);
    // An empty shelf may be known to be empty.
    remember(&place, &shelf("nobody"), "nothing there");
    assert!(place.archive.remembered_of_shelf(&shelf("nobody")).unwrap().is_some());
    assert!(fingerprints(&place.archive).is_empty());
}

#[test]
fn positions_are_remembered_by_kind_and_name() {
    let place = mirror();
    let mut writer = place.archive.writer().unwrap();
    writer.remember(KIND, "position", Some("17")).unwrap();
    writer.remember(DocumentKind::RecordDelta, "position", Some("18")).unwrap();
    writer.commit().unwrap();
    assert_eq!(place.archive.remembered(KIND, "position").unwrap().as_deref(), Some("17"));
    assert_eq!(place.archive.remembered(KIND, "other").unwrap(), None);
    writer.remember(KIND, "position", None).unwrap();
    writer.commit().unwrap();
    assert_eq!(place.archive.remembered(KIND, "position").unwrap(), None);
}

#[test]
fn the_least_recently_used_shelves_go_first() {
    let place = mirror();
    let empty = place.archive.stats().unwrap().used_bytes;
    for (number, community) in (0..).zip(["a", "b", "c", "d"]) {
        for n in 1..=20 {
            put_large(&place, community, n, number * 20 + n);
        }
        remember(&place, &shelf(community), "complete");
        let_a_moment_pass();
    }
    let position: Position = place.archive.position(KIND).unwrap();
    // `a` is the oldest, but was read last.
    let_a_moment_pass();
    let visit = &mut |_: stats_documents::Document<'_>| std::ops::ControlFlow::Continue(());
    place.archive.documents(&shelf("a"), None, visit).unwrap();
    let used = place.archive.stats().unwrap().used_bytes;
    assert!(place.archive.evict_to(used).unwrap().is_empty());
    // Room for two of the four, and a little.
    let bound = empty + (used - empty) * 6 / 10;
    let evicted = place.archive.evict_to(bound).unwrap();
    assert_eq!(evicted, [shelf("b"), shelf("c")]);
    let left: Vec<Shelf> = fingerprints(&place.archive).into_keys().collect();
    assert_eq!(left, [shelf("a"), shelf("d")]);
    let stats = place.archive.stats().unwrap();
    assert!(stats.used_bytes <= bound && stats.file_bytes <= bound);
    let evicted = place.archive.evicted(KIND).unwrap();
    let complete = |community| (shelf(community), "complete".to_owned());
    assert_eq!(evicted, ["b", "c"].map(complete).into());
    assert_eq!(place.archive.remembered_of_shelf(&shelf("b")).unwrap(), None);
    assert!(place.archive.remembered_of_shelf(&shelf("a")).unwrap().is_some());
    assert!(place.archive.mirrored(&shelf("b")).unwrap().is_empty());
    assert_eq!(
        place.archive.changed_since(KIND, &position).unwrap(),
        Changes::Communities(["b", "c"].map(str::to_owned).into())
    );
    assert_eq!(place.archive.evict_to(0).unwrap().len(), 2);
    assert_eq!(place.archive.stats().unwrap().stored_bytes, 0);
}

#[test]
fn eviction_gives_room_back() {
    let place = mirror();
    let mut writer = place.archive.writer().unwrap();
    let mut noise = 1u64;
    for n in 1..=28 {
        let id = format!("x{n}");
        let mut source = given(KIND, &id, "a", &format!("2025-01-{n:02}"), 1).source;
        source.pop();
        source.push_str(",\"x\":\"");
        for _ in 0..20_000 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            source.push_str(&format!("{noise:016x}"));
        }
        source.push_str("\"}");
        writer.put_document(KIND, &id, source.as_bytes(), Some(n)).unwrap();
    }
    writer.commit().unwrap();
    let before = place.archive.stats().unwrap().file_bytes;
    assert_eq!(place.archive.evict_to(0).unwrap(), [shelf("a")]);
    assert!(place.archive.stats().unwrap().file_bytes * 10 < before);
}
