//! Writing down what is remembered.

use stats_model::{DocumentKind, Fingerprint, Shelf};

use super::reading::known;
use super::remembered::{Copied, Known, Progress, Standing};
use super::texts::{
    self, BOOKMARKS, PROGRESS, SURROUNDINGS, SURROUNDINGS_OF, name_of, text_of_copied,
    text_of_fingerprint, text_of_progress,
};
use crate::{ArchiveWriter, SourceError};

/// What the archive of a mirror remembers, as the batch of a writer has it: nobody else changes it
/// before the commit. Every method fails when the archive cannot be written.
pub(in crate::mirror) struct OpenLedger<'w, 'a>(&'w mut ArchiveWriter<'a>);

impl<'w, 'a> OpenLedger<'w, 'a> {
    pub(in crate::mirror) const fn of(writer: &'w mut ArchiveWriter<'a>) -> Self {
        Self(writer)
    }

    /// Everything that is remembered of one kind.
    pub(in crate::mirror) fn known(&mut self, kind: DocumentKind) -> Result<Known, SourceError> {
        Ok(known(kind, self.0.memory(kind)?))
    }

    /// How far the source was, and which state of the archive remembers it.
    pub(super) fn progress(
        &mut self,
        kind: DocumentKind,
    ) -> Result<(Standing, Option<Progress>), SourceError> {
        let progress = self.0.remembered(kind, PROGRESS)?.as_deref().and_then(texts::progress);
        Ok((Standing::new(self.0.history()?, progress.as_ref()), progress))
    }

    pub(in crate::mirror) fn write_progress(
        &mut self,
        kind: DocumentKind,
        progress: &Progress,
    ) -> Result<(), SourceError> {
        self.0.remember(kind, PROGRESS, Some(&text_of_progress(progress)))
    }

    /// The fingerprint that a shelf has in the source; zeros for an empty one.
    pub(super) fn fingerprint(&mut self, shelf: &Shelf) -> Result<Fingerprint, SourceError> {
        let text = self.0.remembered(shelf.kind, &name_of(shelf))?;
        Ok(text.as_deref().and_then(texts::fingerprint).unwrap_or_default())
    }

    /// Remembers the fingerprint that a shelf has in the source; of an empty one nothing.
    pub(in crate::mirror) fn write_fingerprint(
        &mut self,
        shelf: &Shelf,
        fingerprint: Fingerprint,
    ) -> Result<(), SourceError> {
        let text = (fingerprint.count > 0).then(|| text_of_fingerprint(fingerprint));
        self.0.remember(shelf.kind, &name_of(shelf), text.as_deref())
    }

    /// The state of a shelf in the source of which the archive holds all documents.
    pub(super) fn held(&mut self, shelf: &Shelf) -> Result<Option<Fingerprint>, SourceError> {
        Ok(self.0.remembered_of_shelf(shelf)?.as_deref().and_then(texts::fingerprint))
    }

    /// The archive holds all documents of this state of a shelf, until the shelf changes.
    pub(in crate::mirror) fn write_held(
        &mut self,
        shelf: &Shelf,
        state: Fingerprint,
    ) -> Result<(), SourceError> {
        self.0.remember_of_shelf(shelf, Some(&text_of_fingerprint(state)))
    }

    pub(in crate::mirror) fn write_bookmarks_copied(
        &mut self,
        kind: DocumentKind,
        copied: Copied,
    ) -> Result<(), SourceError> {
        self.0.remember(kind, BOOKMARKS, Some(&text_of_copied(copied)))
    }

    /// `now` is in seconds since 1970.
    pub(in crate::mirror) fn write_surroundings_copied(
        &mut self,
        now: u64,
    ) -> Result<(), SourceError> {
        self.0.remember(SURROUNDINGS_OF, SURROUNDINGS, Some(&now.to_string()))
    }
}
