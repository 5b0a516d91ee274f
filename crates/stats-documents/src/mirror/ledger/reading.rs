//! Asking an archive what is remembered.

use std::collections::BTreeMap;

use stats_model::{DocumentKind, Fingerprint, Shelf};

use super::remembered::{Copied, Known, Standing};
use super::texts::{self, BOOKMARKS, PROGRESS, SURROUNDINGS, SURROUNDINGS_OF, text_of_fingerprint};
use crate::archive::{Memory, Remembered};
use crate::{Archive, SourceError, Visit};

/// What the archive of a mirror remembers. Every method fails when the archive cannot be read.
#[derive(Clone, Copy)]
pub(in crate::mirror) struct Ledger<'a>(&'a Archive);

impl<'a> Ledger<'a> {
    pub(in crate::mirror) const fn of(archive: &'a Archive) -> Self {
        Self(archive)
    }

    /// Everything that is remembered of one kind.
    pub(in crate::mirror) fn known(self, kind: DocumentKind) -> Result<Known, SourceError> {
        Ok(known(kind, self.0.memory(kind)?))
    }

    /// Which archive it is, and which state of what it remembers of one kind.
    pub(in crate::mirror) fn standing(self, kind: DocumentKind) -> Result<Standing, SourceError> {
        let Remembered { history, value } = self.0.remembered_in(kind, PROGRESS)?;
        Ok(Standing::new(history, value.as_deref().and_then(texts::progress).as_ref()))
    }

    /// The state of a shelf in the source of which the archive holds all documents.
    pub(in crate::mirror) fn held(self, shelf: &Shelf) -> Result<Option<Fingerprint>, SourceError> {
        Ok(self.0.remembered_of_shelf(shelf)?.as_deref().and_then(texts::fingerprint))
    }

    /// The same of all shelves of a kind.
    pub(in crate::mirror) fn held_of(
        self,
        kind: DocumentKind,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        Ok(fingerprints(self.0.remembered_of_shelves(kind)?))
    }

    /// The states of the shelves that had to make room and were not written to since.
    pub(in crate::mirror) fn evicted(
        self,
        kind: DocumentKind,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        Ok(fingerprints(self.0.evicted(kind)?))
    }

    /// Hands out the documents of a shelf under their numbers in the source, if the archive holds
    /// all documents of this state; whether it does.
    pub(in crate::mirror) fn documents(
        self,
        shelf: &Shelf,
        state: Fingerprint,
        visit: &mut Visit<'_>,
    ) -> Result<bool, SourceError> {
        self.0.documents_as_remembered(shelf, &text_of_fingerprint(state), visit)
    }

    /// When the bookmarks of a kind were copied.
    pub(in crate::mirror) fn bookmarks_copied(
        self,
        kind: DocumentKind,
    ) -> Result<Option<Copied>, SourceError> {
        Ok(self.0.remembered(kind, BOOKMARKS)?.as_deref().and_then(texts::copied))
    }

    /// When communities and first days were copied, in seconds since 1970.
    pub(in crate::mirror) fn surroundings_copied(self) -> Result<Option<u64>, SourceError> {
        let text = self.0.remembered(SURROUNDINGS_OF, SURROUNDINGS)?;
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

/// Everything that an archive remembers of one kind.
pub(super) fn known(kind: DocumentKind, memory: Memory) -> Known {
    let Memory { history, values } = memory;
    let progress = values.get(PROGRESS).and_then(|text| texts::progress(text));
    let fingerprints = values
        .iter()
        .filter_map(|(name, text)| Some((texts::shelf(kind, name)?, texts::fingerprint(text)?)))
        .collect();
    Known { standing: Standing::new(history, progress.as_ref()), progress, fingerprints }
}

/// A text that is no fingerprint is that of no shelf.
fn fingerprints(texts: BTreeMap<Shelf, String>) -> BTreeMap<Shelf, Fingerprint> {
    let read = |(shelf, text): (Shelf, String)| Some((shelf, texts::fingerprint(&text)?));
    texts.into_iter().filter_map(read).collect()
}
