//! What the archive remembers at the moment in which it is written.

use stats_model::{DocumentKind, Fingerprint, Position, Shelf};

use super::remembered::{Progress, Standing};
use super::writing::OpenLedger;
use crate::{ArchiveWriter, SourceError};

/// What the archive remembers when a shelf is written: other processes, or other threads, may have
/// learnt something else meanwhile.
#[derive(Debug)]
pub(in crate::mirror) struct There {
    pub(in crate::mirror) standing: Standing,
    progress: Option<Progress>,
    /// What the shelf is in the source.
    pub(in crate::mirror) fingerprint: Fingerprint,
    /// The state of the shelf that the archive holds completely.
    pub(in crate::mirror) held: Option<Fingerprint>,
}

impl There {
    /// Without a shelf.
    pub(in crate::mirror) fn of(
        writer: &mut ArchiveWriter<'_>,
        kind: DocumentKind,
    ) -> Result<Self, SourceError> {
        let (standing, progress) = OpenLedger::of(writer).progress(kind)?;
        Ok(Self { standing, progress, fingerprint: Fingerprint::default(), held: None })
    }

    pub(in crate::mirror) fn of_shelf(
        writer: &mut ArchiveWriter<'_>,
        shelf: &Shelf,
    ) -> Result<Self, SourceError> {
        let mut ledger = OpenLedger::of(writer);
        let (fingerprint, held) = (ledger.fingerprint(shelf)?, ledger.held(shelf)?);
        Ok(Self { fingerprint, held, ..Self::of(writer, shelf.kind)? })
    }

    /// Whether it is the archive that once remembered this, and nothing that was learnt earlier.
    pub(in crate::mirror) fn has_seen(&self, standing: &Standing) -> bool {
        self.standing.history == standing.history && self.standing.revision >= standing.revision
    }

    /// Whether numbers of documents that were read at `position` mean the same here.
    pub(in crate::mirror) fn goes_on_from(&self, position: &Position) -> bool {
        self.progress.as_ref().is_some_and(|progress| position.goes_on_in(&progress.latest))
    }

    /// Writes that the next question about `kind` has to compare everything.
    pub(in crate::mirror) fn unsettle(
        &mut self,
        writer: &mut ArchiveWriter<'_>,
        kind: DocumentKind,
    ) -> Result<(), SourceError> {
        let Some(progress) = &mut self.progress else { return Ok(()) };
        self.standing.revision += 1;
        progress.settled = None;
        progress.revision = self.standing.revision;
        OpenLedger::of(writer).write_progress(kind, progress)
    }
}
