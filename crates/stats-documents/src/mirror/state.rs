//! What a mirror remembers of the documents of one kind in its source.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use stats_series::DocumentKind;

use super::MirrorOptions;
use crate::{
    Archive, ArchiveWriter, Changes, DocumentSource, Fingerprint, Position, Shelf, ShelfFilter,
    SourceError,
};

const PROGRESS: &str = "progress";
const SHELF: &str = "shelf/";

/// How far the source was, as it stands in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Nothing at or before this position is hidden from searches any more.
    settled: Option<Position>,
    /// The last position that the source gave.
    latest: Position,
    /// When it gave it for the first time, in seconds since 1970.
    since: u64,
    /// When everything was compared last, likewise.
    compared: u64,
}

/// What a mirror remembers of the documents of one kind.
#[derive(Debug)]
pub(super) struct KindState {
    progress: Option<Progress>,
    fingerprints: BTreeMap<Shelf, Fingerprint>,
    asked: Option<Instant>,
    nowhere: Position,
}

impl KindState {
    pub(super) fn load(archive: &Archive, kind: DocumentKind) -> Result<Self, SourceError> {
        let progress = archive.remembered(kind, PROGRESS)?;
        let fingerprints = archive
            .remembered_under(kind, SHELF)?
            .iter()
            .filter_map(|(name, value)| Some((shelf_of(kind, name)?, fingerprint_of(value)?)))
            .collect();
        Ok(Self {
            progress: progress.and_then(|text| serde_json::from_str(&text).ok()),
            fingerprints,
            asked: None,
            nowhere: Position::default(),
        })
    }

    /// The position up to which the fingerprints are known.
    pub(super) fn position(&self) -> &Position {
        self.progress.as_ref().map_or(&self.nowhere, |progress| &progress.latest)
    }

    pub(super) fn fingerprint(&self, shelf: &Shelf) -> Fingerprint {
        self.fingerprints.get(shelf).copied().unwrap_or_default()
    }

    pub(super) fn fingerprints(&self, filter: &ShelfFilter) -> BTreeMap<Shelf, Fingerprint> {
        self.fingerprints
            .iter()
            .filter(|(shelf, _)| filter.matches(shelf))
            .map(|(shelf, fingerprint)| (shelf.clone(), *fingerprint))
            .collect()
    }

    /// How many documents all shelves have together.
    pub(super) fn count(&self) -> u64 {
        self.fingerprints.values().map(|fingerprint| fingerprint.count).sum()
    }

    /// Asks the source what changed, unless that was just done. One question when nothing did.
    pub(super) fn refresh(
        &mut self,
        remote: &dyn DocumentSource,
        archive: &Archive,
        kind: DocumentKind,
        options: &MirrorOptions,
    ) -> Result<(), SourceError> {
        if self.asked.is_some_and(|asked| asked.elapsed() < options.believe) {
            return Ok(());
        }
        let asked = Instant::now();
        let now = seconds_now();
        let position = remote.position(kind)?;
        let due = |progress: &Progress| {
            Duration::from_secs(now.saturating_sub(progress.compared)) >= options.compare_all
        };
        let known = self.progress.clone().filter(|progress| !due(progress));
        if known.as_ref().and_then(|progress| progress.settled.as_ref()) == Some(&position) {
            self.asked = Some(asked);
            return Ok(());
        }
        let mut changes = match known.as_ref().and_then(|progress| progress.settled.as_ref()) {
            Some(settled) => remote.changed_since(kind, settled)?,
            None => Changes::Everything,
        };
        let mut writer = archive.writer()?;
        if self.progress.as_ref().is_some_and(|progress| !progress.latest.goes_on_in(&position)) {
            // Numbers of another history, even the same ones, say nothing about what we hold.
            writer.forget_origins(kind)?;
        }
        self.apply(remote, &mut writer, kind, &changes)?;
        if names_some(&changes) && self.count() != remote.count(kind)? {
            // A document left a shelf that was not named.
            changes = Changes::Everything;
            self.apply(remote, &mut writer, kind, &changes)?;
        }
        let same = known.as_ref().filter(|progress| progress.latest == position);
        let since = same.map_or(now, |progress| progress.since);
        let compared = match (&changes, &known) {
            (Changes::Communities(_), Some(progress)) => progress.compared,
            _ => now,
        };
        let waited = Duration::from_secs(now.saturating_sub(since)) >= options.settle;
        let settled = if waited || self.shows(&position) {
            Some(position.clone())
        } else {
            known.and_then(|progress| progress.settled)
        };
        let progress = Progress { settled, latest: position, since, compared };
        let text = serde_json::to_string(&progress).unwrap_or_default();
        writer.remember(kind, PROGRESS, Some(&text))?;
        writer.commit()?;
        self.progress = Some(progress);
        self.asked = Some(asked);
        Ok(())
    }

    /// Whether the last change of every history can be seen: then nothing is hidden behind it.
    fn shows(&self, position: &Position) -> bool {
        position.is_reached(&self.fingerprints.values().map(|it| it.max).collect())
    }

    /// Asks for the fingerprints of what changed and remembers them.
    fn apply(
        &mut self,
        remote: &dyn DocumentSource,
        writer: &mut ArchiveWriter<'_>,
        kind: DocumentKind,
        changes: &Changes,
    ) -> Result<(), SourceError> {
        let filter = match changes {
            Changes::Communities(communities) if communities.is_empty() => return Ok(()),
            Changes::Communities(communities) => ShelfFilter {
                communities: communities.iter().cloned().collect(),
                years: Vec::new(),
            },
            Changes::Everything => ShelfFilter::default(),
        };
        let fresh = remote.fingerprints(kind, &filter)?;
        let gone: Vec<Shelf> = self
            .fingerprints
            .keys()
            .filter(|shelf| filter.matches(shelf) && !fresh.contains_key(shelf))
            .cloned()
            .collect();
        for shelf in gone {
            write_fingerprint(writer, &shelf, Fingerprint::default())?;
            self.fingerprints.remove(&shelf);
        }
        for (shelf, fingerprint) in fresh {
            if self.fingerprints.get(&shelf) != Some(&fingerprint) {
                write_fingerprint(writer, &shelf, fingerprint)?;
                self.fingerprints.insert(shelf, fingerprint);
            }
        }
        Ok(())
    }

    /// The last answer of the source is no longer believed.
    pub(super) const fn doubt(&mut self) {
        self.asked = None;
    }

    /// Takes the fingerprint of a shelf that was just read for the present one, once
    /// [`write_fingerprint`] put it into the archive.
    pub(super) fn correct(&mut self, shelf: &Shelf, fingerprint: Fingerprint) {
        if fingerprint.count == 0 {
            self.fingerprints.remove(shelf);
        } else {
            self.fingerprints.insert(shelf.clone(), fingerprint);
        }
    }
}

fn names_some(changes: &Changes) -> bool {
    matches!(changes, Changes::Communities(communities) if !communities.is_empty())
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

/// Seconds since 1970.
pub(super) fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn name_of(shelf: &Shelf) -> String {
    format!("{SHELF}{}/{}", shelf.year, shelf.community)
}

fn shelf_of(kind: DocumentKind, name: &str) -> Option<Shelf> {
    let (year, community) = name.strip_prefix(SHELF)?.split_once('/')?;
    Some(Shelf { kind, community: community.to_owned(), year: year.parse().ok()? })
}

/// A fingerprint as the archive keeps it.
pub(super) fn text_of(fingerprint: Fingerprint) -> String {
    format!("{} {} {}", fingerprint.count, fingerprint.max, fingerprint.sum)
}

fn fingerprint_of(text: &str) -> Option<Fingerprint> {
    let mut numbers = text.split(' ').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Fingerprint { count: next()?, max: next()?, sum: next()? })
}
