//! The conformance suite: what every [`DocumentSource`] must do, whatever is behind it.
//!
//! A source comes with a [`Harness`] that fills it; [`check_all`] runs every case with a fresh one,
//! and [`CASES`] lets a caller run them one by one. A case that fails panics and says what differs.
//! A bug found in one source becomes a case here, for all.

mod changes;
mod documents;
mod entries;

use std::ops::ControlFlow;

use stats_model::{Bookmark, Community, Day, DocumentKind, ManifestEntry, Shelf};

use crate::archive::CommunityEvent;
use crate::{DocumentSource, ShelfFilter, SourceError};

/// A document to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenDocument {
    /// Its kind.
    pub kind: DocumentKind,
    /// Its `_id`.
    pub id: String,
    /// Its JSON.
    pub source: String,
}

/// A bookmark document to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBookmark {
    /// Its `_id`.
    pub id: String,
    /// The kind it is about.
    pub kind: DocumentKind,
    /// The community it is about.
    pub community: String,
    /// What it says.
    pub bookmark: Bookmark,
}

/// Writes documents behind the back of whoever reads them.
pub type Writer<'a> = Box<dyn Fn(&[GivenDocument]) + 'a>;

/// Fills a source for one case. Every write is visible when the method returns. A harness begins
/// empty, and shares nothing with others.
pub trait Harness {
    /// The source under test.
    fn source(&self) -> &dyn DocumentSource;

    /// Writes documents, in this order; those with a known `_id` are replaced.
    fn put(&mut self, documents: &[GivenDocument]);

    /// Removes documents.
    fn remove(&mut self, kind: DocumentKind, ids: &[&str]);

    /// Writes communities.
    fn put_communities(&mut self, communities: &[Community]);

    /// Writes bookmarks.
    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]);

    /// Writes community events with their `_id`s.
    fn put_events(&mut self, events: &[(&str, CommunityEvent)]);

    /// Removes the documents of these bookmarks.
    fn remove_bookmarks(&mut self, ids: &[&str]);

    /// Removes communities.
    fn remove_communities(&mut self, ids: &[&str]);

    /// Removes community events, and the records that came with them.
    fn remove_events(&mut self, ids: &[&str]);

    /// Takes everything of a kind away, its index included; `false` for a source that has no
    /// indices.
    fn remove_kind(&mut self, _kind: DocumentKind) -> bool {
        false
    }

    /// Writes documents as [`put`](Self::put) does, while the source is read.
    fn writer(&self) -> Writer<'_>;

    /// Whether writing the same bytes again leaves a document its number; an index gives it a new
    /// one.
    fn equal_writes_are_unchanged(&self) -> bool {
        true
    }

    /// The longest `_id` in bytes that can be stored; an index takes 512.
    fn longest_id(&self) -> usize {
        8 * 1024
    }
}

/// One case of the suite.
pub type Case = fn(&mut dyn Harness);

/// All cases with their names.
pub const CASES: &[(&str, Case)] = &[
    ("an_empty_source_is_empty", an_empty_source_is_empty),
    ("documents_come_in_order", documents::documents_come_in_order),
    ("kinds_communities_and_years_are_apart", documents::kinds_communities_and_years_are_apart),
    ("bytes_come_back_as_they_were", documents::bytes_come_back_as_they_were),
    ("fingerprints_are_those_of_the_manifests", changes::fingerprints_are_those_of_the_manifests),
    ("filters_select_fingerprints", changes::filters_select_fingerprints),
    ("nothing_changes_without_writes", changes::nothing_changes_without_writes),
    ("equal_writes_keep_their_numbers", changes::equal_writes_keep_their_numbers),
    ("a_replacement_gets_a_higher_number", changes::a_replacement_gets_a_higher_number),
    ("a_removal_is_seen", changes::a_removal_is_seen),
    ("a_document_can_change_its_shelf", changes::a_document_can_change_its_shelf),
    ("what_leaves_a_shelf_is_noticed", changes::what_leaves_a_shelf_is_noticed),
    ("unknown_positions_mean_everything", changes::unknown_positions_mean_everything),
    ("only_some_documents", documents::only_some_documents),
    ("a_visit_can_end_early", documents::a_visit_can_end_early),
    ("unusual_ids_and_communities", documents::unusual_ids_and_communities),
    ("bookmarks_by_community", entries::bookmarks_by_community),
    (
        "the_regular_bookmark_counts_else_the_newest",
        entries::the_regular_bookmark_counts_else_the_newest,
    ),
    ("communities_come_back", entries::communities_come_back),
    ("slugs_are_exact", entries::slugs_are_exact),
    ("first_days_of_events", entries::first_days_of_events),
    ("many_threads_may_read", documents::many_threads_may_read),
    (
        "what_is_written_meanwhile_is_not_mixed_in",
        documents::what_is_written_meanwhile_is_not_mixed_in,
    ),
    ("a_document_comes_and_goes", changes::a_document_comes_and_goes),
    ("what_vanishes_is_gone", entries::what_vanishes_is_gone),
    ("a_kind_without_index_is_no_empty_kind", changes::a_kind_without_index_is_no_empty_kind),
];

/// Runs all cases, each with a harness of its own.
pub fn check_all<H: Harness>(mut make: impl FnMut() -> H) {
    for (_, case) in CASES {
        case(&mut make());
    }
}

const KIND: DocumentKind = DocumentKind::UsageDelta;

/// A document of `kind` for `community` and `day`; `value` makes its content.
#[must_use]
pub fn given(
    kind: DocumentKind,
    id: &str,
    community: &str,
    day: &str,
    value: u32,
) -> GivenDocument {
    let community = serde_json::Value::from(community);
    let field = kind.day_field();
    // Only fields that strict mappings know.
    let content = match kind {
        DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => {
            format!(r#""totals":{{"view":{{"total_events":{value}}}}}"#)
        }
        DocumentKind::RecordDelta => format!(r#""uploaders":{value}"#),
        DocumentKind::RecordSnapshot => format!(r#""total_uploaders":{value}"#),
    };
    let source = format!(r#"{{"community_id":{community},"{field}":"{day}T00:00:00",{content}}}"#);
    GivenDocument { kind, id: id.to_owned(), source }
}

fn day(text: &str) -> Day {
    text.parse().expect("a day of the suite")
}

fn shelf(kind: DocumentKind, community: &str, year: i16) -> Shelf {
    Shelf { kind, community: community.to_owned(), year }
}

fn ok<T>(answer: Result<T, SourceError>) -> T {
    answer.unwrap_or_else(|error| panic!("the source failed: {error}: {error:?}"))
}

/// A document as it was visited.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Visited {
    day: Day,
    id: String,
    sequence: u64,
    source: Vec<u8>,
}

fn visited(source: &dyn DocumentSource, shelf: &Shelf, only: Option<&[String]>) -> Vec<Visited> {
    let mut documents = Vec::new();
    ok(source.documents(shelf, only, &mut |document| {
        documents.push(Visited {
            day: document.day,
            id: document.id.to_owned(),
            sequence: document.sequence,
            source: document.source.to_vec(),
        });
        ControlFlow::Continue(())
    }));
    documents
}

/// The ids of a manifest, which must be that of the documents.
fn ids(source: &dyn DocumentSource, shelf: &Shelf) -> Vec<String> {
    let manifest = ok(source.manifest(shelf));
    let documents = visited(source, shelf, None);
    let of_documents: Vec<ManifestEntry> = documents
        .into_iter()
        .map(|it| ManifestEntry { day: it.day, id: it.id, sequence: it.sequence })
        .collect();
    assert_eq!(manifest, of_documents, "manifest and documents of {shelf}");
    manifest.into_iter().map(|entry| entry.id).collect()
}

fn an_empty_source_is_empty(harness: &mut dyn Harness) {
    let source = harness.source();
    for kind in DocumentKind::ALL {
        let nowhere = shelf(kind, "nobody", 2025);
        let position = ok(source.position(kind));
        assert_eq!(position, ok(source.position(kind)));
        assert!(ok(source.fingerprints(kind, &ShelfFilter::default())).is_empty());
        assert!(ok(source.manifest(&nowhere)).is_empty());
        assert!(visited(source, &nowhere, None).is_empty());
        assert!(visited(source, &nowhere, Some(&["x".to_owned()])).is_empty());
        assert!(ok(source.bookmarks(kind, &[])).is_empty());
        assert!(ok(source.bookmarks(kind, &["nobody".to_owned()])).is_empty());
    }
    assert!(ok(source.communities()).is_empty());
    assert!(ok(source.first_events(&[])).is_empty());
    assert!(ok(source.first_events(&["nobody".to_owned()])).is_empty());
    assert_eq!(ok(source.first_record()), None);
}
