//! Cases about reading documents: order, bytes, selection.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the source breaks the contract")]

use std::ops::ControlFlow;

use stats_model::DocumentKind;

use super::FeedHarness;
use crate::ShelfFilter;
use crate::contract::answers::{KIND, all_fingerprints, ids, ok, shelf, visited};
use crate::contract::given::{GivenDocument, given};

/// Nothing is an answer, and no error.
pub fn an_empty_feed_is_empty(harness: &mut dyn FeedHarness) {
    let feed = harness.feed();
    for kind in DocumentKind::ALL {
        let nowhere = shelf(kind, "nobody", 2025);
        let position = ok(feed.position(kind));
        assert_eq!(position, ok(feed.position(kind)));
        assert_eq!(ok(feed.count(kind)), 0);
        assert!(ok(feed.fingerprints(kind, &ShelfFilter::default())).is_empty());
        assert!(ok(feed.manifest(&nowhere)).is_empty());
        assert!(visited(feed, &nowhere, None).is_empty());
        assert!(visited(feed, &nowhere, Some(&["x".to_owned()])).is_empty());
        assert!(ok(feed.bookmarks(kind, &[])).is_empty());
        assert!(ok(feed.bookmarks(kind, &["nobody".to_owned()])).is_empty());
    }
}

/// By day, and then by the bytes of the `_id`.
pub fn documents_come_in_order(harness: &mut dyn FeedHarness) {
    // Upper case before lower case, `-` before digits, ASCII before everything else; two
    // documents stand on one day.
    let in_order = [
        ("zz", "2025-01-01"),
        ("A", "2025-01-02"),
        ("a", "2025-01-02"),
        ("a-2025-01-02", "2025-01-02"),
        ("a-2025-01-02-zero", "2025-01-02"),
        ("ä", "2025-01-02"),
        ("\u{ff5e}", "2025-01-02"),
        ("\u{1f600}", "2025-01-02"),
        ("0", "2025-12-31"),
    ];
    let document = |(id, day): &(&str, &str)| given(KIND, id, "a", day, 1);
    let mut documents: Vec<GivenDocument> = in_order.iter().map(document).collect();
    documents.reverse();
    documents.swap(1, 5);
    harness.put(&documents);
    let expected: Vec<&str> = in_order.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids(harness.feed(), &shelf(KIND, "a", 2025)), expected);
}

/// Each document stands on one shelf, which its content names.
pub fn kinds_communities_and_years_are_apart(harness: &mut dyn FeedHarness) {
    let mut documents = Vec::new();
    for kind in DocumentKind::ALL {
        for community in ["a", "b", "global"] {
            for year in [2023, 2024] {
                let id = format!("{community}-{year}-12-31");
                documents.push(given(kind, &id, community, &format!("{year}-12-31"), 1));
            }
        }
    }
    // The day tells the year, whatever the `_id` says.
    documents.push(given(KIND, "a-2023-01-01", "a", "2024-01-01", 1));
    harness.put(&documents);
    let feed = harness.feed();
    for kind in DocumentKind::ALL {
        assert_eq!(ok(feed.fingerprints(kind, &ShelfFilter::default())).len(), 6);
        assert_eq!(ids(feed, &shelf(kind, "b", 2023)), ["b-2023-12-31"]);
    }
    assert_eq!(ids(feed, &shelf(KIND, "a", 2024)), ["a-2023-01-01", "a-2024-12-31"]);
    assert_eq!(ids(feed, &shelf(KIND, "a", 2023)), ["a-2023-12-31"]);
}

/// White space, escapes and notations of numbers, too; or else the same JSON.
pub fn bytes_come_back_as_they_were(harness: &mut dyn FeedHarness, kept: bool) {
    let odd = "{ \"totals\" : {\"view\":{\"total_events\":1.50e2}},\"community_id\":\"a\",\t\
               \"period_start\":\"2025-01-01T00:00:00\",\
               \"subcounts\":{\"subjects\":[{\"id\":\"\\u00e4\\/ä \u{1f600}\"}]}}";
    let mut long = given(KIND, "long", "a", "2025-01-02", 1);
    let items: Vec<String> = (0..5_000).map(|n| format!("{{\"id\":\"{}\"}}", n * n)).collect();
    long.source.truncate(long.source.len() - 1);
    long.source.push_str(&format!(",\"subcounts\":{{\"subjects\":[{}]}}}}", items.join(",")));
    let odd = GivenDocument { kind: KIND, id: "odd".to_owned(), source: odd.to_owned() };
    harness.put(&[odd.clone(), long.clone()]);
    let documents = visited(harness.feed(), &shelf(KIND, "a", 2025), None);
    let sources: Vec<&[u8]> = documents.iter().map(|it| it.source.as_slice()).collect();
    let given = [odd.source.as_bytes(), long.source.as_bytes()];
    if kept {
        assert_eq!(sources, given);
    }
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
    assert_eq!(sources.into_iter().map(json).collect::<Vec<_>>(), given.map(json));
}

/// Documents that are asked for by their ids come alone, if they are on the shelf.
pub fn only_some_documents(harness: &mut dyn FeedHarness) {
    let documents: Vec<GivenDocument> = (1..=28)
        .map(|n| given(KIND, &format!("x{n:02}"), "a", &format!("2025-02-{:02}", 29 - n), n))
        .collect();
    harness.put(&documents);
    harness.put(&[given(KIND, "elsewhere", "b", "2025-01-01", 1)]);
    let feed = harness.feed();
    let a = shelf(KIND, "a", 2025);
    let wanted = ["elsewhere", "unknown", "x01", "x17", "x28"].map(str::to_owned);
    let found: Vec<String> = visited(feed, &a, Some(&wanted)).into_iter().map(|it| it.id).collect();
    assert_eq!(found, ["x28", "x17", "x01"], "in the order of days");
    assert!(visited(feed, &a, Some(&[])).is_empty());
}

/// Who has seen enough is shown no more.
pub fn a_visit_can_end_early(harness: &mut dyn FeedHarness) {
    let documents: Vec<GivenDocument> = (1..=20)
        .map(|n| given(KIND, &format!("x{n:02}"), "a", &format!("2025-02-{n:02}"), n))
        .collect();
    harness.put(&documents);
    let a = shelf(KIND, "a", 2025);
    for most in [1, 7, 20] {
        let mut seen = 0;
        ok(harness.feed().documents(&a, None, &mut |_| {
            seen += 1;
            if seen == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }));
        assert_eq!(seen, most);
    }
    assert_eq!(ids(harness.feed(), &a).len(), 20);
}

/// Nothing in a name has a meaning to the source.
pub fn unusual_ids_and_communities(harness: &mut dyn FeedHarness, longest_id: usize) {
    let long = "long-".to_owned() + &"ü".repeat((longest_id - 5) / 2);
    let names = [
        "quote\" backslash\\ slash/ tab\t newline\n",
        "'; DROP TABLE documents; --",
        "<script>alert(1)</script>&amp;%00?a=b#c",
        "\u{202e}\u{645}\u{639}\u{631}\u{641}\u{202c} 123",
        "\u{1f469}\u{1f3fd}\u{200d}\u{1f52c}",
        "line\u{2028}separator\u{feff}",
        " a b ",
        "* OR ?",
        &long,
    ];
    let documents: Vec<GivenDocument> =
        names.iter().map(|name| given(KIND, name, name, "2025-01-01", 1)).collect();
    harness.put(&documents);
    let feed = harness.feed();
    assert_eq!(all_fingerprints(feed).len(), names.len());
    for name in names {
        let one = shelf(KIND, name, 2025);
        assert_eq!(ids(feed, &one), [name]);
        let filter = ShelfFilter { communities: vec![name.to_owned()], years: vec![2025] };
        let found = ok(feed.fingerprints(KIND, &filter));
        assert!(found.keys().eq([&one]), "{found:?}");
        assert_eq!(visited(feed, &one, Some(&[name.to_owned()])).len(), 1);
    }
    harness.remove(KIND, &names);
    assert!(all_fingerprints(harness.feed()).is_empty());
}
