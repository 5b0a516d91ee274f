//! What the archive remembers at the moment in which it is written.

use stats_model::{DocumentKind, Fingerprint, Position, Shelf};

use super::kept::{PROGRESS, Progress, Standing, fingerprint_of, name_of};
use crate::{ArchiveWriter, SourceError};

/// What the archive remembers when a shelf is written: other processes, or other threads, may have
/// learnt something else meanwhile.
#[derive(Debug)]
pub(super) struct There {
    pub(super) standing: Standing,
    progress: Option<Progress>,
    /// What the shelf is in the source.
    pub(super) fingerprint: Fingerprint,
    /// The state of the shelf that the archive holds completely.
    pub(super) held: Option<String>,
}

impl There {
    /// Without a shelf.
    pub(super) fn of(
        writer: &mut ArchiveWriter<'_>,
        kind: DocumentKind,
    ) -> Result<Self, SourceError> {
        let progress = Progress::parse(writer.remembered(kind, PROGRESS)?.as_deref());
        let revision = progress.as_ref().map_or(0, |progress| progress.revision);
        let standing = Standing { history: writer.history()?, revision };
        Ok(Self { standing, progress, fingerprint: Fingerprint::default(), held: None })
    }

    pub(super) fn of_shelf(
        writer: &mut ArchiveWriter<'_>,
        shelf: &Shelf,
    ) -> Result<Self, SourceError> {
        let known = writer.remembered(shelf.kind, &name_of(shelf))?;
        Ok(Self {
            fingerprint: known.as_deref().and_then(fingerprint_of).unwrap_or_default(),
            held: writer.remembered_of_shelf(shelf)?,
            ..Self::of(writer, shelf.kind)?
        })
    }

    /// Whether it is the archive that once remembered this, and nothing that was learnt earlier.
    pub(super) fn has_seen(&self, standing: &Standing) -> bool {
        self.standing.history == standing.history && self.standing.revision >= standing.revision
    }

    /// Whether numbers of documents that were read at `position` mean the same here.
    pub(super) fn goes_on_from(&self, position: &Position) -> bool {
        self.progress.as_ref().is_some_and(|progress| position.goes_on_in(&progress.latest))
    }

    /// Writes that the next question about `kind` has to compare everything.
    pub(super) fn unsettle(
        &mut self,
        writer: &mut ArchiveWriter<'_>,
        kind: DocumentKind,
    ) -> Result<(), SourceError> {
        let Some(progress) = &mut self.progress else { return Ok(()) };
        self.standing.revision += 1;
        progress.settled = None;
        progress.revision = self.standing.revision;
        progress.write(writer, kind)
    }
}
