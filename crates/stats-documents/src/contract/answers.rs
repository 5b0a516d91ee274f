//! What a source answered, as cases compare it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use stats_model::{Day, DocumentKind, Fingerprint, ManifestEntry, Shelf};

use crate::{Documents, ShelfFilter, SourceError};

/// The kind that cases are about which are not about kinds.
pub(super) const KIND: DocumentKind = DocumentKind::UsageDelta;

pub(super) fn day(text: &str) -> Day {
    text.parse().expect("a day of the suite")
}

pub(super) fn shelf(kind: DocumentKind, community: &str, year: i16) -> Shelf {
    Shelf { kind, community: community.to_owned(), year }
}

pub(super) fn ok<T>(answer: Result<T, SourceError>) -> T {
    answer.unwrap_or_else(|error| panic!("the source failed: {error}: {error:?}"))
}

/// A document as it was visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visited {
    pub(super) day: Day,
    pub(super) id: String,
    pub(super) sequence: u64,
    pub(super) source: Vec<u8>,
}

pub(super) fn visited(
    source: &(impl Documents + ?Sized),
    shelf: &Shelf,
    only: Option<&[String]>,
) -> Vec<Visited> {
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
pub(super) fn ids(source: &(impl Documents + ?Sized), shelf: &Shelf) -> Vec<String> {
    let manifest = ok(source.manifest(shelf));
    let documents = visited(source, shelf, None);
    let of_documents: Vec<ManifestEntry> = documents
        .into_iter()
        .map(|it| ManifestEntry { day: it.day, id: it.id, sequence: it.sequence })
        .collect();
    assert_eq!(manifest, of_documents, "manifest and documents of {shelf}");
    manifest.into_iter().map(|entry| entry.id).collect()
}

/// The numbers of the documents of a shelf, by id.
pub(super) fn numbers(source: &(impl Documents + ?Sized), shelf: &Shelf) -> BTreeMap<String, u64> {
    ok(source.manifest(shelf)).into_iter().map(|entry| (entry.id, entry.sequence)).collect()
}

/// All shelves of [`KIND`].
pub(super) fn all_fingerprints(source: &(impl Documents + ?Sized)) -> BTreeMap<Shelf, Fingerprint> {
    ok(source.fingerprints(KIND, &ShelfFilter::default()))
}

/// That of one shelf; of nothing where there is none.
pub(super) fn fingerprint(source: &(impl Documents + ?Sized), shelf: &Shelf) -> Fingerprint {
    let all = ok(source.fingerprints(shelf.kind, &ShelfFilter::default()));
    all.get(shelf).copied().unwrap_or_default()
}
