//! Cases about communities, bookmarks and community events.

use std::collections::BTreeMap;

use stats_model::{Bookmark, Community, DeletionStatus, DocumentKind, Visibility};

use super::{GivenBookmark, Harness, KIND, day, ok};
use crate::archive::CommunityEvent;

fn regular(kind: DocumentKind, community: &str, text: &str) -> GivenBookmark {
    GivenBookmark {
        id: format!("{}_{community}", kind.bookmark_type()),
        kind,
        community: community.to_owned(),
        bookmark: Bookmark { day: day(text) },
    }
}

pub(super) fn bookmarks_by_community(harness: &mut dyn Harness) {
    let snapshot = DocumentKind::UsageSnapshot;
    harness.put_bookmarks(&[
        regular(KIND, "global", "2025-03-01"),
        regular(KIND, "a", "2025-03-02"),
        regular(KIND, "b", "2025-03-03"),
        regular(snapshot, "a", "2025-03-04"),
    ]);
    harness.put_bookmarks(&[regular(KIND, "b", "2025-03-05")]);
    let source = harness.source();
    let found = |kind, communities: &[&str]| -> Vec<(String, String)> {
        let communities: Vec<String> = communities.iter().map(|&id| id.to_owned()).collect();
        let bookmarks = ok(source.bookmarks(kind, &communities));
        bookmarks.into_iter().map(|(id, bookmark)| (id, bookmark.day.to_string())).collect()
    };
    let pair = |id: &str, day: &str| (id.to_owned(), day.to_owned());
    let (a, b) = (pair("a", "2025-03-02"), pair("b", "2025-03-05"));
    assert_eq!(found(KIND, &[]), [a.clone(), b.clone(), pair("global", "2025-03-01")]);
    assert_eq!(found(KIND, &["b", "unknown", "a"]), [a, b]);
    assert_eq!(found(snapshot, &[]), [pair("a", "2025-03-04")]);
    assert!(found(DocumentKind::RecordDelta, &[]).is_empty());
}

pub(super) fn the_regular_bookmark_counts_else_the_newest(harness: &mut dyn Harness) {
    let leftover = |id: &str, community: &str, text: &str| GivenBookmark {
        id: id.to_owned(),
        ..regular(KIND, community, text)
    };
    harness.put_bookmarks(&[
        leftover("zzzzzzzzzzzzzzzzzzz1", "a", "2025-09-09"),
        regular(KIND, "a", "2025-03-01"),
        leftover("00000000000000000002", "a", "2025-01-01"),
        leftover("00000000000000000003", "b", "2025-02-01"),
        leftover("00000000000000000004", "b", "2025-02-03"),
        leftover("00000000000000000005", "b", "2025-02-02"),
    ]);
    let bookmarks = ok(harness.source().bookmarks(KIND, &[]));
    assert_eq!(bookmarks["a"].day, day("2025-03-01"));
    assert_eq!(bookmarks["b"].day, day("2025-02-03"));
}

fn community(id: &str, slug: Option<&str>) -> Community {
    Community {
        id: id.to_owned(),
        slug: slug.map(str::to_owned),
        title: Some(format!("Title of \"{id}\" \u{1f600}")),
        created: Some(day("2023-05-04")),
        visibility: Visibility::Public,
        deletion: DeletionStatus::Published,
        dashboard_enabled: Some(true),
        dashboard_layout: None,
    }
}

/// Ids as an index of communities has them.
const IDS: [&str; 4] = [
    "11111111-0000-4000-8000-000000000001",
    "22222222-0000-4000-8000-000000000002",
    "33333333-0000-4000-8000-000000000003",
    "44444444-0000-4000-8000-000000000004",
];

pub(super) fn communities_come_back(harness: &mut dyn Harness) {
    let communities = vec![
        Community {
            visibility: Visibility::Restricted,
            dashboard_enabled: Some(false),
            dashboard_layout: Some(serde_json::json!({
                "community_layout": {"tabs": [{"name": "z"}, {"label": "a", "n": 1}]}
            })),
            ..community(IDS[0], Some("one"))
        },
        Community { deletion: DeletionStatus::Deleted, ..community(IDS[1], Some("two")) },
        Community { deletion: DeletionStatus::Marked, ..community(IDS[2], Some("three")) },
        Community {
            title: None,
            created: None,
            dashboard_enabled: None,
            ..community(IDS[3], None)
        },
    ];
    let mut reversed = communities.clone();
    reversed.reverse();
    harness.put_communities(&reversed);
    assert_eq!(ok(harness.source().communities()), communities);
    let renamed = community(IDS[1], Some("two-renamed"));
    harness.put_communities(std::slice::from_ref(&renamed));
    assert_eq!(ok(harness.source().communities())[1], renamed);
}

pub(super) fn slugs_are_exact(harness: &mut dyn Harness) {
    for slugs in [
        ["a", "a-b", "A OR B", "the * slug"],
        ["*", "a*", "A", "slug:a"],
        ["a\" OR \"", "a b", "_exists_:slug", "a%"],
        ["(", "\\", "/.*/", "it's größe"],
    ] {
        let communities: Vec<Community> =
            IDS.iter().zip(slugs).map(|(id, slug)| community(id, Some(slug))).collect();
        harness.put_communities(&communities);
        assert_eq!(ok(harness.source().communities()), communities);
    }
}

pub(super) fn first_days_of_events(harness: &mut dyn Harness) {
    let event = |community: &str, text: &str, created: &str| CommunityEvent {
        community: community.to_owned(),
        day: Some(day(text)),
        record_created: Some(day(created)),
    };
    harness.put_events(&[
        ("00000000000000000001", event("a", "2024-05-05", "2024-05-05")),
        ("00000000000000000002", event("a", "2023-05-05", "2022-02-02")),
        ("00000000000000000003", event("b", "2025-01-01", "2024-01-01")),
        ("00000000000000000004", event("global", "2021-01-01", "2021-01-01")),
    ]);
    let source = harness.source();
    let all = ok(source.first_events(&[]));
    let expected = [("a", "2023-05-05"), ("b", "2025-01-01"), ("global", "2021-01-01")];
    assert_eq!(all, expected.map(|(id, text)| (id.to_owned(), day(text))).into());
    let some = ok(source.first_events(&["b".to_owned(), "unknown".to_owned()]));
    assert_eq!(some, BTreeMap::from([("b".to_owned(), day("2025-01-01"))]));
    assert_eq!(ok(source.first_record()), Some(day("2021-01-01")));
}

/// Bookmarks that were reset, communities and events that vanished.
pub(super) fn what_vanishes_is_gone(harness: &mut dyn Harness) {
    harness.put_bookmarks(&[regular(KIND, "a", "2025-03-01"), regular(KIND, "b", "2025-03-02")]);
    harness.put_communities(&[community(IDS[0], Some("one")), community(IDS[1], Some("two"))]);
    let event = |community: &str, text: &str, created: &str| CommunityEvent {
        community: community.to_owned(),
        day: Some(day(text)),
        record_created: Some(day(created)),
    };
    harness.put_events(&[
        ("00000000000000000001", event("a", "2023-05-05", "2022-02-02")),
        ("00000000000000000002", event("b", "2024-05-05", "2024-04-04")),
        ("00000000000000000003", event("a", "2024-06-06", "2024-06-06")),
    ]);
    let source = harness.source();
    assert_eq!(ok(source.bookmarks(KIND, &[])).len(), 2);
    assert_eq!(ok(source.communities()).len(), 2);
    assert_eq!(ok(source.first_events(&[])).len(), 2);
    assert_eq!(ok(source.first_record()), Some(day("2022-02-02")));

    let id = format!("{}_a", KIND.bookmark_type());
    harness.remove_bookmarks(&[&id, "never there"]);
    harness.remove_communities(&[IDS[0]]);
    harness.remove_events(&["00000000000000000001", "00000000000000000002"]);
    let source = harness.source();
    let bookmarks = ok(source.bookmarks(KIND, &[]));
    assert_eq!(bookmarks.into_keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(ok(source.communities()), [community(IDS[1], Some("two"))]);
    let events = ok(source.first_events(&[]));
    assert_eq!(events, BTreeMap::from([("a".to_owned(), day("2024-06-06"))]));
    assert_eq!(ok(source.first_record()), Some(day("2024-06-06")));

    // And a bookmark that was set back.
    harness.put_bookmarks(&[regular(KIND, "b", "2025-01-01")]);
    assert_eq!(ok(harness.source().bookmarks(KIND, &[]))["b"].day, day("2025-01-01"));
}
