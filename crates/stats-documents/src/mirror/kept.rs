//! What a mirror knows of its source, as it stands in the archive.

use serde::{Deserialize, Serialize};
use stats_model::{DocumentKind, Fingerprint, Position, Shelf};

use crate::{ArchiveWriter, SourceError};

/// The name under which an archive keeps the [`Progress`] of a kind.
pub(super) const PROGRESS: &str = "progress";
const SHELF: &str = "shelf/";

/// How far the source was, as it stands in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Nothing at or before this position is hidden from searches any more.
    pub(super) settled: Option<Position>,
    /// The last position that the source gave.
    pub(super) latest: Position,
    /// When it gave it for the first time, in seconds since 1970.
    pub(super) since: u64,
    /// When everything was compared last, likewise.
    pub(super) compared: u64,
    /// Rises whenever what is remembered of the kind is written, whoever does it.
    #[serde(default)]
    pub(super) revision: u64,
}

impl Progress {
    pub(super) fn parse(text: Option<&str>) -> Option<Self> {
        serde_json::from_str(text?).ok()
    }

    pub(super) fn write(
        &self,
        writer: &mut ArchiveWriter<'_>,
        kind: DocumentKind,
    ) -> Result<(), SourceError> {
        let text = serde_json::to_string(self).unwrap_or_default();
        writer.remember(kind, PROGRESS, Some(&text))
    }
}

/// Which archive, and which state of what it remembers of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) history: String,
    pub(super) revision: u64,
}

/// Remembers the fingerprint that a shelf has in the source; of an empty one nothing.
pub(super) fn write_fingerprint(
    writer: &mut ArchiveWriter<'_>,
    shelf: &Shelf,
    fingerprint: Fingerprint,
) -> Result<(), SourceError> {
    let text = (fingerprint.count > 0).then(|| text_of(fingerprint));
    writer.remember(shelf.kind, &name_of(shelf), text.as_deref())
}

/// The name under which an archive keeps the fingerprint of a shelf.
pub(super) fn name_of(shelf: &Shelf) -> String {
    format!("{SHELF}{}/{}", shelf.year, shelf.community)
}

/// The shelf whose fingerprint is kept under a name.
pub(super) fn shelf_of(kind: DocumentKind, name: &str) -> Option<Shelf> {
    let (year, community) = name.strip_prefix(SHELF)?.split_once('/')?;
    Some(Shelf { kind, community: community.to_owned(), year: year.parse().ok()? })
}

/// A fingerprint as the archive keeps it.
pub(super) fn text_of(fingerprint: Fingerprint) -> String {
    format!("{} {} {}", fingerprint.count, fingerprint.max, fingerprint.sum)
}

/// The fingerprint that is kept as a text.
pub(super) fn fingerprint_of(text: &str) -> Option<Fingerprint> {
    let mut numbers = text.split(' ').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Fingerprint { count: next()?, max: next()?, sum: next()? })
}
