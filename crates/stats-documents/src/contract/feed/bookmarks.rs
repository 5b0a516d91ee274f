//! Cases about bookmarks.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the source breaks the contract")]

use stats_model::{Bookmark, DocumentKind};

use super::FeedHarness;
use crate::contract::answers::{KIND, day, ok};
use crate::contract::given::GivenBookmark;

fn regular(kind: DocumentKind, community: &str, text: &str) -> GivenBookmark {
    GivenBookmark {
        id: format!("{}_{community}", kind.bookmark_type()),
        kind,
        community: community.to_owned(),
        bookmark: Bookmark { day: day(text) },
    }
}

/// Each kind has its own, and a later one of a community takes the place of the earlier one.
pub fn bookmarks_by_community(harness: &mut dyn FeedHarness) {
    let snapshot = DocumentKind::UsageSnapshot;
    harness.put_bookmarks(&[
        regular(KIND, "global", "2025-03-01"),
        regular(KIND, "a", "2025-03-02"),
        regular(KIND, "b", "2025-03-03"),
        regular(snapshot, "a", "2025-03-04"),
    ]);
    harness.put_bookmarks(&[regular(KIND, "b", "2025-03-05")]);
    let feed = harness.feed();
    let found = |kind, communities: &[&str]| -> Vec<(String, String)> {
        let communities: Vec<String> = communities.iter().map(|&id| id.to_owned()).collect();
        let bookmarks = ok(feed.bookmarks(kind, &communities));
        bookmarks.into_iter().map(|(id, bookmark)| (id, bookmark.day.to_string())).collect()
    };
    let pair = |id: &str, day: &str| (id.to_owned(), day.to_owned());
    let (a, b) = (pair("a", "2025-03-02"), pair("b", "2025-03-05"));
    assert_eq!(found(KIND, &[]), [a.clone(), b.clone(), pair("global", "2025-03-01")]);
    assert_eq!(found(KIND, &["b", "unknown", "a"]), [a, b]);
    assert_eq!(found(snapshot, &[]), [pair("a", "2025-03-04")]);
    assert!(found(DocumentKind::RecordDelta, &[]).is_empty());
}

/// Leftovers under other ids count only where there is none under the regular one.
pub fn the_regular_bookmark_counts_else_the_newest(harness: &mut dyn FeedHarness) {
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
    let bookmarks = ok(harness.feed().bookmarks(KIND, &[]));
    assert_eq!(bookmarks["a"].day, day("2025-03-01"));
    assert_eq!(bookmarks["b"].day, day("2025-02-03"));
}

/// Bookmarks that were removed, and one that was set back.
pub fn bookmarks_that_were_reset_are_gone(harness: &mut dyn FeedHarness) {
    harness.put_bookmarks(&[regular(KIND, "a", "2025-03-01"), regular(KIND, "b", "2025-03-02")]);
    assert_eq!(ok(harness.feed().bookmarks(KIND, &[])).len(), 2);

    let id = format!("{}_a", KIND.bookmark_type());
    harness.remove_bookmarks(&[&id, "never there"]);
    let bookmarks = ok(harness.feed().bookmarks(KIND, &[]));
    assert_eq!(bookmarks.into_keys().collect::<Vec<_>>(), ["b"]);

    harness.put_bookmarks(&[regular(KIND, "b", "2025-01-01")]);
    assert_eq!(ok(harness.feed().bookmarks(KIND, &[]))["b"].day, day("2025-01-01"));

    // The last one, too, and one that comes again.
    harness.remove_bookmarks(&[&format!("{}_b", KIND.bookmark_type())]);
    assert!(ok(harness.feed().bookmarks(KIND, &["b".to_owned()])).is_empty());
    assert!(ok(harness.feed().bookmarks(KIND, &[])).is_empty());
    harness.put_bookmarks(&[regular(KIND, "a", "2025-03-03")]);
    assert_eq!(ok(harness.feed().bookmarks(KIND, &[]))["a"].day, day("2025-03-03"));
}
