//! The suite of [`Directory`]: communities, and since when there is something of them.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the source breaks the contract")]

use std::collections::BTreeMap;

use stats_model::{Community, DeletionStatus, Visibility};

use super::answers::{day, ok};
use crate::Directory;
use crate::archive::CommunityEvent;

/// Fills a directory for one case. Every write is visible when the method returns. A harness begins
/// empty, and shares nothing with others.
pub trait DirectoryHarness {
    /// The directory under test.
    fn directory(&self) -> &dyn Directory;

    /// Writes communities.
    fn put_communities(&mut self, communities: &[Community]);

    /// Removes communities.
    fn remove_communities(&mut self, ids: &[&str]);

    /// Writes community events with their `_id`s.
    fn put_events(&mut self, events: &[(&str, CommunityEvent)]);

    /// Removes community events, and the records that came with them.
    fn remove_events(&mut self, ids: &[&str]);
}

/// Makes a test of each case of the suite.
///
/// * `start` can be called without arguments and returns `Option<impl DirectoryHarness>`. With
///   `None` the test is skipped, and whoever returns it says why.
#[macro_export]
macro_rules! directory_contract {
    (start: $start:expr $(,)?) => {
        $crate::conformance_tests! { $start =>
            an_empty_directory_is_empty()
            communities_come_back()
            slugs_are_exact()
            communities_that_vanish_are_gone()
            first_days_of_events()
            events_that_vanish_are_gone()
        }
    };
}

/// Nothing is an answer, and no error.
pub fn an_empty_directory_is_empty(harness: &mut dyn DirectoryHarness) {
    let directory = harness.directory();
    assert!(ok(directory.communities()).is_empty());
    assert!(ok(directory.first_events(&[])).is_empty());
    assert!(ok(directory.first_events(&["nobody".to_owned()])).is_empty());
    assert_eq!(ok(directory.first_record()), None);
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

/// With everything that is known of them, sorted by id.
pub fn communities_come_back(harness: &mut dyn DirectoryHarness) {
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
    assert_eq!(ok(harness.directory().communities()), communities);
    let renamed = community(IDS[1], Some("two-renamed"));
    harness.put_communities(std::slice::from_ref(&renamed));
    assert_eq!(ok(harness.directory().communities())[1], renamed);
}

/// Nothing in a slug has a meaning to the source.
pub fn slugs_are_exact(harness: &mut dyn DirectoryHarness) {
    for slugs in [
        ["a", "a-b", "A OR B", "the * slug"],
        ["*", "a*", "A", "slug:a"],
        ["a\" OR \"", "a b", "_exists_:slug", "a%"],
        ["(", "\\", "/.*/", "it's größe"],
    ] {
        let communities: Vec<Community> =
            IDS.iter().zip(slugs).map(|(id, slug)| community(id, Some(slug))).collect();
        harness.put_communities(&communities);
        assert_eq!(ok(harness.directory().communities()), communities);
    }
}

/// The oldest event of each community, and the oldest record of all.
pub fn first_days_of_events(harness: &mut dyn DirectoryHarness) {
    harness.put_events(&[
        ("00000000000000000001", event("a", "2024-05-05", "2024-05-05")),
        ("00000000000000000002", event("a", "2023-05-05", "2022-02-02")),
        ("00000000000000000003", event("b", "2025-01-01", "2024-01-01")),
        ("00000000000000000004", event("global", "2021-01-01", "2021-01-01")),
    ]);
    let directory = harness.directory();
    let all = ok(directory.first_events(&[]));
    let expected = [("a", "2023-05-05"), ("b", "2025-01-01"), ("global", "2021-01-01")];
    assert_eq!(all, expected.map(|(id, text)| (id.to_owned(), day(text))).into());
    let some = ok(directory.first_events(&["b".to_owned(), "unknown".to_owned()]));
    assert_eq!(some, BTreeMap::from([("b".to_owned(), day("2025-01-01"))]));
    assert_eq!(ok(directory.first_record()), Some(day("2021-01-01")));
}

/// Communities that are no longer there, and one that is there again.
pub fn communities_that_vanish_are_gone(harness: &mut dyn DirectoryHarness) {
    let [one, two] = [community(IDS[0], Some("one")), community(IDS[1], Some("two"))];
    harness.put_communities(&[one.clone(), two.clone()]);
    assert_eq!(ok(harness.directory().communities()), [one.clone(), two.clone()]);
    harness.remove_communities(&[IDS[0], IDS[3]]);
    assert_eq!(ok(harness.directory().communities()), std::slice::from_ref(&two));
    harness.remove_communities(&[IDS[1]]);
    assert_eq!(ok(harness.directory().communities()), []);
    let again = Community { slug: two.slug, ..one };
    harness.put_communities(std::slice::from_ref(&again));
    assert_eq!(ok(harness.directory().communities()), [again], "with the name of another");
}

/// The first days are those of what is left.
pub fn events_that_vanish_are_gone(harness: &mut dyn DirectoryHarness) {
    harness.put_events(&[
        ("00000000000000000001", event("a", "2023-05-05", "2022-02-02")),
        ("00000000000000000002", event("b", "2024-05-05", "2024-04-04")),
        ("00000000000000000003", event("a", "2024-06-06", "2024-06-06")),
    ]);
    assert_eq!(ok(harness.directory().first_events(&[])).len(), 2);
    assert_eq!(ok(harness.directory().first_record()), Some(day("2022-02-02")));
    harness.remove_events(&["00000000000000000001", "00000000000000000002"]);
    let directory = harness.directory();
    let events = ok(directory.first_events(&[]));
    assert_eq!(events, BTreeMap::from([("a".to_owned(), day("2024-06-06"))]));
    assert_eq!(ok(directory.first_record()), Some(day("2024-06-06")));
}

fn event(community: &str, text: &str, created: &str) -> CommunityEvent {
    CommunityEvent {
        community: community.to_owned(),
        day: Some(day(text)),
        record_created: Some(day(created)),
    }
}
