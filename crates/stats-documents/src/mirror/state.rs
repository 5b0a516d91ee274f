//! What a mirror remembers of the documents of one kind in its source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use stats_model::{Clock, DocumentKind, Fingerprint, Position, Shelf};

use super::ledger::{Known, Ledger, OpenLedger, Progress, Standing, There};
use super::options::MirrorOptions;
use crate::locked::lock;
use crate::{Archive, Changes, Feed, ShelfFilter, SourceError};

/// When others write what they learn at the same time, it is asked and written anew, so often in
/// all.
const ATTEMPTS: u32 = 3;

/// What a mirror remembers of the documents of one kind.
#[derive(Debug)]
pub(super) struct KindState {
    kind: DocumentKind,
    /// What the archive held when this was loaded or saved last.
    standing: Standing,
    progress: Option<Progress>,
    fingerprints: BTreeMap<Shelf, Fingerprint>,
    unsaved: Unsaved,
    /// By the reading of the clock that never goes back.
    asked: Option<Duration>,
    nowhere: Position,
}

/// What was learnt since the last time it was written to the archive.
#[derive(Debug, Default)]
struct Unsaved {
    any: bool,
    /// The history is another one: numbers of documents say nothing any more.
    other_history: bool,
    fingerprints: BTreeMap<Shelf, Fingerprint>,
}

/// What came of writing to the archive.
enum Saved {
    Done,
    /// It holds something else than this process believed.
    Outdated(Known),
}

impl KindState {
    pub(super) fn load(archive: &Archive, kind: DocumentKind) -> Result<Self, SourceError> {
        Ok(Self::of(kind, Ledger::of(archive).known(kind)?))
    }

    /// Whether the archive remembers nothing newer.
    pub(super) fn is_current(&self, archive: &Archive) -> Result<bool, SourceError> {
        Ok(self.standing == Ledger::of(archive).standing(self.kind)?)
    }

    /// Nothing is remembered, and nothing can be written yet.
    pub(super) fn nothing(kind: DocumentKind) -> Self {
        Self::of(kind, Known::default())
    }

    fn of(kind: DocumentKind, known: Known) -> Self {
        let Known { standing, progress, fingerprints } = known;
        Self {
            kind,
            standing,
            progress,
            fingerprints,
            unsaved: Unsaved::default(),
            asked: None,
            nowhere: Position::default(),
        }
    }

    /// The state of the archive that remembers all that is known; `None` if it was not written.
    pub(super) fn saved(&self) -> Option<&Standing> {
        (!self.unsaved.any).then_some(&self.standing)
    }

    /// The position up to which the fingerprints are known.
    pub(super) fn position(&self) -> &Position {
        self.progress.as_ref().map_or(&self.nowhere, |progress| &progress.latest)
    }

    pub(super) fn fingerprint(&self, shelf: &Shelf) -> Fingerprint {
        self.fingerprints.get(shelf).copied().unwrap_or_default()
    }

    pub(super) fn fingerprints(&self, filter: &ShelfFilter) -> BTreeMap<Shelf, Fingerprint> {
        let found = |(shelf, fingerprint): (&Shelf, &Fingerprint)| (shelf.clone(), *fingerprint);
        let in_years = |(shelf, _): &(&Shelf, _)| {
            filter.years.is_empty() || filter.years.contains(&shelf.year)
        };
        if filter.communities.is_empty() {
            return self.fingerprints.iter().filter(in_years).map(found).collect();
        }
        let of = |community: &String, year| Shelf {
            kind: self.kind,
            community: community.clone(),
            year,
        };
        let years_of =
            |community| self.fingerprints.range(of(community, i16::MIN)..=of(community, i16::MAX));
        filter.communities.iter().flat_map(years_of).filter(in_years).map(found).collect()
    }

    /// How many documents all shelves have together.
    pub(super) fn count(&self) -> u64 {
        self.fingerprints.values().map(|fingerprint| fingerprint.count).sum()
    }

    /// Asks the source what changed, unless that was just done, and writes it to the archive. One
    /// question when nothing did.
    ///
    /// Other processes write to the same archive, and it may even be another file by now. Whoever
    /// finds something else there than it knew takes that over and asks once more, so that nothing
    /// newer is ever written over. Gives why it could not be written, where it could not: it is
    /// true all the same.
    pub(super) fn refresh(
        &mut self,
        remote: &dyn Feed,
        archive: &Archive,
        writing: &Mutex<()>,
        options: &MirrorOptions,
        clock: &dyn Clock,
    ) -> Result<Option<SourceError>, SourceError> {
        let past = |asked| clock.monotonic().saturating_sub(asked);
        if self.asked.is_some_and(|asked| past(asked) < options.believe) {
            return Ok(None);
        }
        for attempt in 1..=ATTEMPTS {
            self.ask(remote, options, clock)?;
            if !self.unsaved.any {
                break;
            }
            let saved = {
                let _writing = lock(writing);
                self.save(archive)
            };
            match saved {
                Ok(Saved::Done) => break,
                Ok(Saved::Outdated(known)) if attempt < ATTEMPTS => {
                    *self = Self::of(self.kind, known);
                }
                // It is written another time.
                Ok(Saved::Outdated(_)) => {}
                Err(error) => return Ok(Some(error)),
            }
        }
        Ok(None)
    }

    /// Asks the source what changed.
    fn ask(
        &mut self,
        remote: &dyn Feed,
        options: &MirrorOptions,
        clock: &dyn Clock,
    ) -> Result<(), SourceError> {
        let kind = self.kind;
        let (now, asked) = (seconds_of(clock), clock.monotonic());
        let position = remote.position(kind)?;
        let due = |progress: &Progress| is_over(progress.compared, now, options.compare_all);
        let known = self.progress.clone().filter(|progress| !due(progress));
        let mut changes = match &known {
            Some(Progress { settled: Some(settled), latest, .. }) if *settled == position => {
                if *latest == position {
                    self.asked = Some(asked);
                    return Ok(());
                }
                // It is back where it was: what came after that went again, and something of it may
                // have been seen.
                Changes::Everything
            }
            Some(Progress { settled: Some(settled), .. }) => remote.changed_since(kind, settled)?,
            _ => Changes::Everything,
        };
        if self.progress.as_ref().is_some_and(|progress| !progress.latest.goes_on_in(&position)) {
            // Numbers of another history, even the same ones, say nothing about what we hold.
            self.unsaved.other_history = true;
        }
        self.apply(remote, &changes)?;
        if names_some(&changes) && self.count() != remote.count(kind)? {
            // A document left a shelf that was not named.
            changes = Changes::Everything;
            self.apply(remote, &changes)?;
        }
        let same = |progress: &&Progress| progress.latest == position && progress.since <= now;
        let same = known.as_ref().filter(same);
        let since = same.map_or(now, |progress| progress.since);
        let compared = match (&changes, &known) {
            (Changes::Communities(_), Some(progress)) => progress.compared,
            _ => now,
        };
        let settled = if is_over(since, now, options.settle) || self.shows(&position) {
            Some(position.clone())
        } else {
            known.and_then(|progress| progress.settled)
        };
        let revision = self.standing.revision + 1;
        self.progress = Some(Progress { settled, latest: position, since, compared, revision });
        self.asked = Some(asked);
        self.unsaved.any = true;
        Ok(())
    }

    /// Writes what was learnt, if the archive still is what it was.
    fn save(&mut self, archive: &Archive) -> Result<Saved, SourceError> {
        let mut writer = archive.writer()?;
        let there = There::of(&mut writer, self.kind)?;
        if there.standing != self.standing {
            return Ok(Saved::Outdated(OpenLedger::of(&mut writer).known(self.kind)?));
        }
        if self.unsaved.other_history {
            writer.forget_origins(self.kind)?;
            // They were promises about other documents.
            writer.retain_bookmarks_of(self.kind, &BTreeSet::new())?;
        }
        let mut ledger = OpenLedger::of(&mut writer);
        for (shelf, fingerprint) in &self.unsaved.fingerprints {
            ledger.write_fingerprint(shelf, *fingerprint)?;
        }
        if let Some(progress) = &mut self.progress {
            progress.revision = there.standing.revision + 1;
            ledger.write_progress(self.kind, progress)?;
        }
        writer.commit()?;
        self.standing.revision += 1;
        self.unsaved = Unsaved::default();
        Ok(Saved::Done)
    }

    /// Whether the last change of every history can be seen: then nothing is hidden behind it.
    fn shows(&self, position: &Position) -> bool {
        position.is_reached(&self.fingerprints.values().map(|it| it.max).collect())
    }

    /// Asks for the fingerprints of what changed and remembers them.
    fn apply(&mut self, remote: &dyn Feed, changes: &Changes) -> Result<(), SourceError> {
        let filter = match changes {
            Changes::Communities(communities) if communities.is_empty() => return Ok(()),
            Changes::Communities(communities) => ShelfFilter {
                communities: communities.iter().cloned().collect(),
                years: Vec::new(),
            },
            Changes::Everything => ShelfFilter::default(),
        };
        let mut fresh = remote.fingerprints(self.kind, &filter)?;
        for shelf in self.fingerprints(&filter).into_keys() {
            fresh.entry(shelf).or_default();
        }
        for (shelf, fingerprint) in fresh {
            if self.fingerprint(&shelf) != fingerprint {
                if fingerprint.count == 0 {
                    self.fingerprints.remove(&shelf);
                } else {
                    self.fingerprints.insert(shelf.clone(), fingerprint);
                }
                self.unsaved.fingerprints.insert(shelf, fingerprint);
            }
        }
        Ok(())
    }

    /// The last answer of the source is no longer believed.
    pub(super) const fn doubt(&mut self) {
        self.asked = None;
    }

    /// Whether this is what the archive remembers of a shelf.
    pub(super) fn agrees(&self, shelf: &Shelf, there: &There) -> bool {
        there.standing.history == self.standing.history
            && there.fingerprint == self.fingerprint(shelf)
    }

    /// The next question compares everything: the source handed out a shelf that is not what it
    /// said, once [`There::unsettle`] wrote that down.
    pub(super) fn unsettle(&mut self, there: &There) {
        self.asked = None;
        if let Some(progress) = &mut self.progress {
            progress.settled = None;
        }
        if there.standing.revision == self.standing.revision + 1 {
            self.standing = there.standing.clone();
        }
    }
}

fn names_some(changes: &Changes) -> bool {
    matches!(changes, Changes::Communities(communities) if !communities.is_empty())
}

/// Seconds since 1970; none of a clock that shows an earlier time.
pub(super) fn seconds_of(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().as_second()).unwrap_or_default()
}

/// Whether so much time has passed since `then`. A time that is still to come was written while a
/// clock was wrong, and says nothing.
pub(super) fn is_over(then: u64, now: u64, time: Duration) -> bool {
    now.checked_sub(then).is_none_or(|past| Duration::from_secs(past) >= time)
}
