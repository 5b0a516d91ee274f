//! Bringing one shelf up to date, and reading it.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::time::Duration;

use stats_model::{Fingerprint, ManifestEntry, Shelf};

use super::keeper::{Fetched, Keeper, Part};
use super::ledger::{Ledger, OpenLedger, There};
use super::source::{Mirror, Wanted};
use crate::archive::MirrorEntry;
use crate::locked::lock;
use crate::pause::jittered;
use crate::{Amiss, Document, Documents, Source, SourceError, SourceErrorKind, Visit};

/// A shelf that changes while it is brought up to date is compared anew, so often in all.
const ATTEMPTS: u32 = 3;
/// The longest wait before the second attempt.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// What it takes to bring a shelf up to date.
#[derive(Debug, Default)]
struct Difference {
    /// Ids to fetch, sorted.
    fetch: Vec<String>,
    /// Ids to take away.
    drop: Vec<String>,
}

/// What came of one attempt to bring a shelf up to date.
enum Attempt {
    Done(Fetched),
    /// The shelf is no longer what its manifest said; nothing was stored.
    Changed(SourceError),
}

/// Why a shelf could not be read from the archive.
enum Trouble {
    Source(SourceError),
    Archive(SourceError),
}

impl Mirror {
    /// Hands out the documents of a shelf as the source has them: from the archive when that holds
    /// them, else while they are fetched.
    pub(super) fn read_shelf(
        &self,
        shelf: &Shelf,
        wanted: &Wanted,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let read = self.try_read_shelf(shelf, wanted, visit);
        if is_inconsistent(&read) {
            self.doubt(shelf.kind);
        }
        read
    }

    fn try_read_shelf(
        &self,
        shelf: &Shelf,
        wanted: &Wanted,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let Some(remote) = self.remote.as_ref().map(|remote| remote.documents.clone()) else {
            if self.read_mirrored(shelf, wanted.fingerprint, visit)? {
                return Ok(());
            }
            // Unless somebody brought it up to date at this moment.
            let now = self.with_state(shelf.kind, |state| state.fingerprint(shelf))?;
            if now != wanted.fingerprint && self.read_mirrored(shelf, now, visit)? {
                return Ok(());
            }
            return Err(not_held(shelf));
        };
        let visited = Cell::new(false);
        let visit = &mut |document: Document<'_>| {
            visited.set(true);
            visit(document)
        };
        match self.read_or_update(remote.as_ref(), shelf, wanted, visit) {
            Ok(true) => Ok(()),
            // Nothing to compare with: a list of the documents would only cost another question.
            Ok(false) => {
                let fetched = self.fetch_all(remote.as_ref(), shelf, wanted, visit)?;
                if let Some(error) = fetched.and_then(|fetched| fetched.unkept) {
                    self.note_unkept(&error);
                }
                Ok(())
            }
            Err(Trouble::Source(error)) => Err(error),
            Err(Trouble::Archive(error)) if visited.get() => Err(error),
            // The archive does not work: documents are only handed through.
            Err(Trouble::Archive(error)) => {
                self.note_unkept(&error);
                remote.documents(shelf, None, visit)
            }
        }
    }

    /// Reads a shelf from the archive, which is brought up to date if it holds some of it; whether
    /// it then held all of it.
    fn read_or_update(
        &self,
        remote: &dyn Documents,
        shelf: &Shelf,
        wanted: &Wanted,
        visit: &mut Visit<'_>,
    ) -> Result<bool, Trouble> {
        if self.read_mirrored(shelf, wanted.fingerprint, visit).map_err(Trouble::Archive)? {
            return Ok(true);
        }
        if self.archive.mirrored(shelf).map_err(Trouble::Archive)?.is_empty() {
            return Ok(false);
        }
        let fetched = self.bring_up_to_date(remote, shelf, wanted).map_err(Trouble::Source)?;
        let fetched = fetched.kept().map_err(Trouble::Archive)?;
        // Unless it had to make room already, or somebody else changed it.
        self.read_mirrored(shelf, fetched.fingerprint, visit).map_err(Trouble::Archive)
    }

    /// Brings a shelf up to date without reading it. One that changes meanwhile is tried again.
    pub(super) fn update_shelf(
        &self,
        shelf: &Shelf,
        wanted: &Wanted,
    ) -> Result<Fetched, SourceError> {
        let mut updated = self.try_update_shelf(shelf, wanted);
        for attempt in 1..ATTEMPTS {
            if !is_inconsistent(&updated) {
                return updated;
            }
            self.pause(attempt);
            updated = self.try_update_shelf(shelf, wanted);
        }
        if is_inconsistent(&updated) {
            self.doubt(shelf.kind);
        }
        updated
    }

    /// Waits a moment, so that whoever is writing gets done.
    fn pause(&self, attempt: u32) {
        self.clock.sleep(jittered(attempt, FIRST_WAIT, FIRST_WAIT * 4));
    }

    fn try_update_shelf(&self, shelf: &Shelf, wanted: &Wanted) -> Result<Fetched, SourceError> {
        let Some(Source { documents: remote, .. }) = &self.remote else {
            return Ok(Fetched::default());
        };
        if self.holds(shelf, wanted.fingerprint)? {
            return Ok(Fetched::default());
        }
        if !self.archive.mirrored(shelf)?.is_empty() {
            return self.bring_up_to_date(remote.as_ref(), shelf, wanted)?.kept();
        }
        let all = &mut |_: Document<'_>| ControlFlow::Continue(());
        match self.fetch_all(remote.as_ref(), shelf, wanted, all)? {
            Some(fetched) => fetched.kept(),
            None => Ok(Fetched::default()),
        }
    }

    /// Whether the archive holds exactly the documents that have this fingerprint in the source.
    fn holds(&self, shelf: &Shelf, wanted: Fingerprint) -> Result<bool, SourceError> {
        if wanted.count == 0 {
            // An empty shelf is held when nothing stands on it.
            return Ok(self.archive.mirrored(shelf)?.is_empty());
        }
        Ok(Ledger::of(&self.archive).held(shelf)? == Some(wanted))
    }

    /// Fetches what differs. When the shelf changes between its manifest and its documents, that
    /// begins anew with another manifest.
    fn bring_up_to_date(
        &self,
        remote: &dyn Documents,
        shelf: &Shelf,
        wanted: &Wanted,
    ) -> Result<Fetched, SourceError> {
        let mut attempt = 1;
        loop {
            match self.fetch_difference(remote, shelf, wanted)? {
                Attempt::Done(fetched) => return Ok(fetched),
                Attempt::Changed(error) if attempt == ATTEMPTS => return Err(error),
                Attempt::Changed(_) => self.pause(attempt),
            }
            attempt += 1;
        }
    }

    fn fetch_difference(
        &self,
        remote: &dyn Documents,
        shelf: &Shelf,
        wanted: &Wanted,
    ) -> Result<Attempt, SourceError> {
        let mine = match self.archive.mirrored(shelf) {
            Ok(mine) => mine,
            Err(error) => return Ok(Attempt::Done(Fetched::unkept(error))),
        };
        let manifest = &remote.manifest(shelf)?;
        let difference = compare(manifest, &mine);
        let mut keeper = Keeper::new(self, shelf, wanted);
        if !difference.fetch.is_empty() {
            let numbers: HashMap<&str, u64> =
                manifest.iter().map(|entry| (entry.id.as_str(), entry.sequence)).collect();
            let mut problem = None;
            let whole = difference.fetch.len() == manifest.len();
            let only = if whole { None } else { Some(difference.fetch.as_slice()) };
            remote.documents(shelf, only, &mut |document| {
                let expected = numbers.get(document.id).copied();
                if expected != Some(document.sequence) {
                    problem = Some(changed_meanwhile(shelf, document.id));
                    return ControlFlow::Break(());
                }
                keeper.take(document);
                ControlFlow::Continue(())
            })?;
            if let Some(problem) = problem {
                return Ok(Attempt::Changed(problem));
            }
            let (got, announced) = (keeper.fetched.documents, difference.fetch.len());
            if got != announced as u64 {
                return Ok(Attempt::Changed(too_few(shelf, got, announced)));
            }
        }
        let fingerprint = Fingerprint::of(manifest.iter().map(|entry| entry.sequence));
        Ok(Attempt::Done(keeper.finish(fingerprint, &difference.drop)))
    }

    /// Fetches a whole shelf: every document is packed and handed on as it arrives. `None` when
    /// the visitor did not want all of it.
    fn fetch_all(
        &self,
        remote: &dyn Documents,
        shelf: &Shelf,
        wanted: &Wanted,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Fetched>, SourceError> {
        let mut keeper = Keeper::new(self, shelf, wanted);
        let mut sequences = Vec::new();
        let mut early = false;
        remote.documents(shelf, None, &mut |document| {
            sequences.push(document.sequence);
            early = visit(document).is_break();
            if early {
                return ControlFlow::Break(());
            }
            keeper.take(document);
            ControlFlow::Continue(())
        })?;
        Ok((!early).then(|| keeper.finish(Fingerprint::of(sequences), &[])))
    }

    /// Writes the last part of a shelf, and has the next question compare everything if the shelf
    /// is not what was known of it.
    pub(super) fn store(
        &self,
        shelf: &Shelf,
        wanted: &Wanted,
        part: &Part<'_>,
    ) -> Result<(), SourceError> {
        let there = self.write(shelf, wanted, part)?;
        let mut slot = lock(&self.kinds[shelf.kind as usize]);
        if slot.as_ref().is_some_and(|state| !state.agrees(shelf, &there)) {
            // Somebody else knows more: that is loaded when it is needed.
            *slot = None;
        } else if let Some(state) = slot.as_mut()
            && Some(there.fingerprint) != part.last
        {
            state.unsettle(&there);
        }
        Ok(())
    }

    /// Writes a part of a shelf, and with the last one remembers which state of the shelf in the
    /// source the archive holds.
    ///
    /// What was read may be older than what is known of the shelf: it came from a copy that lags
    /// behind, or other processes learnt more meanwhile. It never becomes what is known; it only
    /// makes the next question compare everything.
    pub(super) fn write(
        &self,
        shelf: &Shelf,
        wanted: &Wanted,
        part: &Part<'_>,
    ) -> Result<There, SourceError> {
        let writing = lock(&self.writing);
        let mut writer = self.archive.writer()?.with_whole_batches();
        let mut there = There::of_shelf(&mut writer, shelf)?;
        let as_known = there.held == Some(there.fingerprint);
        if there.goes_on_from(&wanted.position) && !as_known {
            for id in part.drop {
                writer.remove_from_shelf(shelf, id)?;
            }
            for document in part.documents {
                writer.put_packed(document)?;
            }
            // Somebody else may have changed what this was compared with.
            if let Some(fingerprint) = part.last
                && writer.origin_fingerprint(shelf)? == Some(fingerprint)
            {
                OpenLedger::of(&mut writer).write_held(shelf, fingerprint)?;
            }
        }
        if part.last.is_some_and(|fingerprint| fingerprint != there.fingerprint) {
            there.unsettle(&mut writer, shelf.kind)?;
        }
        writer.commit()?;
        if let Some(max_bytes) = self.options.max_bytes {
            writer.evict_to(max_bytes)?;
        }
        drop(writing);
        writer.move_log();
        Ok(there)
    }

    /// Hands out a shelf from the archive, under the numbers of the source, if the archive holds
    /// exactly the documents that have this fingerprint there; whether it does.
    fn read_mirrored(
        &self,
        shelf: &Shelf,
        wanted: Fingerprint,
        visit: &mut Visit<'_>,
    ) -> Result<bool, SourceError> {
        if wanted.count == 0 {
            return self.holds(shelf, wanted);
        }
        Ledger::of(&self.archive).documents(shelf, wanted, visit)
    }

    /// The manifest of a shelf that the archive holds, under the numbers of the source.
    pub(super) fn mirrored_manifest(
        &self,
        shelf: &Shelf,
    ) -> Result<Vec<ManifestEntry>, SourceError> {
        let wanted = self.with_state(shelf.kind, |state| state.fingerprint(shelf))?;
        let entries = self.archive.mirrored(shelf)?.into_iter();
        let entries: Option<Vec<ManifestEntry>> = entries
            .map(|MirrorEntry { day, id, origin, .. }| {
                origin.map(|sequence| ManifestEntry { day, id, sequence })
            })
            .collect();
        entries
            .filter(|entries| Fingerprint::of(entries.iter().map(|it| it.sequence)) == wanted)
            .ok_or_else(|| not_held(shelf))
    }
}

/// The error of a mirror that is asked for more than it has, and may not ask its source.
fn not_held(shelf: &Shelf) -> SourceError {
    let doing = format!(
        "reading {shelf} from the mirror alone, which does not hold it; run sync while the source \
         can be reached"
    );
    SourceError::new(SourceErrorKind::Own(Amiss::NotFound), doing)
}

/// What differs between the source and the archive.
fn compare(manifest: &[ManifestEntry], mine: &[MirrorEntry]) -> Difference {
    let mut known: BTreeMap<&str, Option<u64>> =
        mine.iter().map(|entry| (entry.id.as_str(), entry.origin)).collect();
    let mut difference = Difference::default();
    for entry in manifest {
        if known.remove(entry.id.as_str()).flatten() != Some(entry.sequence) {
            difference.fetch.push(entry.id.clone());
        }
    }
    difference.fetch.sort_unstable();
    difference.drop = known.into_keys().map(str::to_owned).collect();
    difference
}

fn is_inconsistent<T>(result: &Result<T, SourceError>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == SourceErrorKind::Own(Amiss::Inconsistent))
}

fn changed_meanwhile(shelf: &Shelf, id: &str) -> SourceError {
    let doing = format!("reading {shelf}: document {id:?} changed while the shelf was read");
    SourceError::new(SourceErrorKind::Own(Amiss::Inconsistent), doing)
}

fn too_few(shelf: &Shelf, got: u64, announced: usize) -> SourceError {
    let doing = format!("reading {shelf}: {announced} documents announced, {got} delivered");
    SourceError::new(SourceErrorKind::Own(Amiss::Inconsistent), doing)
}
