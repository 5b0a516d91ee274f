//! What the source holds now, for the kinds of a request.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::thread;

use stats_cache::ShelfMark;
use stats_documents::{Amiss, Documents, OpenImport, ShelfFilter, SourceError, SourceErrorKind};
use stats_model::{Bookmark, Day, DocumentKind, Fingerprint, Position, Shelf};

use crate::error::ServiceError;

/// What the source holds now, for the kinds of a request.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    kinds: BTreeMap<DocumentKind, KindStanding>,
    /// The kinds about which the source could not answer, and why: it has nothing for them, not even
    /// an empty index, or an index that is closed, blocked or wrongly mapped; or an index without any
    /// document, though bookmarks tell of them.
    missing: BTreeMap<DocumentKind, SourceError>,
}

#[derive(Debug, Default)]
struct KindStanding {
    position: Position,
    shelves: BTreeMap<Shelf, Fingerprint>,
    bookmarks: BTreeMap<String, Bookmark>,
    unsettled: BTreeMap<Shelf, OpenImport>,
}

impl Standing {
    /// Reads it: for each kind one question each, all kinds at once. Positions first, so that what changes in
    /// between is seen as changed the next time. One kind may be missing, but not all of them:
    /// then it is the wrong place to look, or cannot be reached. A kind of which bookmarks tell and no
    /// document is there is missing, unless the caller takes `nothing` for the truth.
    pub(crate) fn read(
        source: &dyn Documents,
        kinds: &BTreeSet<DocumentKind>,
        communities: &[String],
        nothing: bool,
    ) -> Result<Self, ServiceError> {
        let filter = ShelfFilter { communities: communities.to_vec(), years: Vec::new() };
        let mut standing = Self::default();
        let read =
            |kind: DocumentKind| -> Result<(KindStanding, Option<SourceError>), SourceError> {
                let position = source.position(kind)?;
                let shelves = source.fingerprints(kind, &filter)?;
                let bookmarks = source.bookmarks(kind, communities)?;
                let unsettled = source.unsettled(kind, communities)?;
                let hollow = !nothing && shelves.is_empty() && !bookmarks.is_empty();
                let hollow = (hollow && source.count(kind)? == 0).then(|| {
                    let doing =
                        format!("no {kind} document is there, though bookmarks tell of them");
                    SourceError::new(SourceErrorKind::Own(Amiss::NotFound), doing)
                });
                Ok((KindStanding { position, shelves, bookmarks, unsettled }, hollow))
            };
        let found: Vec<_> = thread::scope(|scope| {
            let asked: Vec<_> =
                kinds.iter().map(|kind| (*kind, scope.spawn(|| read(*kind)))).collect();
            asked.into_iter().map(|(kind, answer)| (kind, answer.join())).collect()
        });
        for (kind, answer) in found {
            match answer.unwrap_or_else(|panic| resume_unwind(panic)) {
                Ok((found, hollow)) => {
                    standing.kinds.insert(kind, found);
                    standing.missing.extend(hollow.map(|error| (kind, error)));
                }
                Err(error) => drop(standing.missing.insert(kind, error)),
            }
        }
        if standing.kinds.is_empty()
            && let Some((_, error)) = standing.missing.pop_first()
        {
            return Err(error.into());
        }
        Ok(standing)
    }

    /// The fingerprint of a shelf; zeros when it is empty.
    pub(crate) fn fingerprint(&self, shelf: &Shelf) -> Fingerprint {
        let kind = self.kinds.get(&shelf.kind);
        kind.and_then(|kind| kind.shelves.get(shelf)).copied().unwrap_or_default()
    }

    pub(crate) fn bookmark(&self, kind: DocumentKind, community: &str) -> Option<Bookmark> {
        self.kinds.get(&kind)?.bookmarks.get(community).copied()
    }

    /// The open import that changed a shelf.
    pub(crate) fn import(&self, shelf: &Shelf) -> Option<OpenImport> {
        let unsettled = &self.kinds.get(&shelf.kind)?.unsettled;
        if unsettled.is_empty() { None } else { unsettled.get(shelf).copied() }
    }

    pub(crate) fn position(&self, kind: DocumentKind) -> Position {
        self.kinds.get(&kind).map(|kind| kind.position.clone()).unwrap_or_default()
    }

    /// The communities of which the source holds something else than it held `before`: documents,
    /// bookmarks, or imports that are open. `None`: possibly all, since histories ended or kinds came
    /// and went.
    pub(crate) fn changed_since(&self, before: &Self) -> Option<BTreeSet<String>> {
        let missing_alike = self.missing.keys().eq(before.missing.keys());
        if !missing_alike || !self.kinds.keys().eq(before.kinds.keys()) {
            return None;
        }
        let mut changed = BTreeSet::new();
        for (kind, now) in &self.kinds {
            let then = before.kinds.get(kind)?;
            if !then.position.goes_on_in(&now.position) {
                return None;
            }
            let of_shelf = |shelf: &Shelf| shelf.community.clone();
            changed.extend(differing(&then.shelves, &now.shelves).map(of_shelf));
            changed.extend(differing(&then.bookmarks, &now.bookmarks).cloned());
            changed.extend(differing(&then.unsettled, &now.unsettled).map(of_shelf));
        }
        Some(changed)
    }

    /// What the source says of a kind that it has nothing for.
    pub(crate) fn missing(&self, kind: DocumentKind) -> Option<&SourceError> {
        self.missing.get(&kind)
    }

    /// The newest bookmark of each kind that the source has something for.
    pub(crate) fn newest_bookmarks(&self) -> impl Iterator<Item = (DocumentKind, Option<Day>)> {
        let newest = |kind: &KindStanding| kind.bookmarks.values().map(|mark| mark.day).max();
        self.kinds.iter().map(move |(kind, standing)| (*kind, newest(standing)))
    }

    fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        self.kinds.values().flat_map(|kind| kind.shelves.keys())
    }

    pub(crate) fn any_bookmark(&self) -> bool {
        self.kinds.values().any(|kind| !kind.bookmarks.is_empty())
    }

    /// The communities with documents, and the first year of each.
    pub(crate) fn first_shelves(&self) -> BTreeMap<String, i16> {
        let mut first = BTreeMap::new();
        for shelf in self.shelves() {
            let year = first.entry(shelf.community.clone()).or_insert(shelf.year);
            *year = shelf.year.min(*year);
        }
        first
    }
}

/// The keys under which two maps have different values, or only one has any.
fn differing<'a, K: Ord, V: PartialEq>(
    one: &'a BTreeMap<K, V>,
    two: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = &'a K> {
    let lacks = |map: &'a BTreeMap<K, V>, key: &K| !map.contains_key(key);
    let changed = two.iter().filter(|(key, value)| one.get(*key) != Some(*value));
    let gone = one.keys().filter(move |key| lacks(two, key));
    changed.map(|(key, _)| key).chain(gone)
}

/// A fingerprint in the words of the store.
pub(crate) fn mark(fingerprint: Fingerprint) -> ShelfMark {
    ShelfMark { count: fingerprint.count, max: fingerprint.max, sum: fingerprint.sum }
}
