//! The mirror as a source: what it answers from what it knows, and what it passes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use stats_model::{
    Bookmark, Clock, Community, Day, DocumentKind, Fingerprint, ManifestEntry, Position, Shelf,
    SystemClock,
};

use super::bookmarks::ReadBookmarks;
use super::options::MirrorOptions;
use super::state::{KindState, seconds_of};
use crate::locked::lock;
use crate::{
    Archive, Changes, Directory, Document, Documents, Feed, Pulse, ShelfFilter, Source,
    SourceError, SourceErrorKind, Visit,
};

/// What a shelf is in the source, as far as the mirror knows.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) fingerprint: Fingerprint,
    /// Where the source was when that was known.
    pub(super) position: Arc<Position>,
}

/// A source behind an archive.
pub struct Mirror {
    /// `None`: the source is not asked, only what the archive has is handed out.
    pub(super) remote: Option<Source>,
    pub(super) archive: Archive,
    pub(super) options: MirrorOptions,
    pub(super) kinds: [Mutex<Option<KindState>>; 4],
    /// Held while a shelf is written: one transaction at a time.
    pub(super) writing: Mutex<()>,
    unkept: Unkept,
    /// How far the documents were when that was asked last.
    felt: Mutex<Option<Position>>,
    bookmarks: ReadBookmarks,
    pub(super) clock: Arc<dyn Clock>,
}

type Warn = dyn Fn(&SourceError) + Send + Sync;

/// What the archive could not take.
#[derive(Default)]
struct Unkept {
    shelves: AtomicU64,
    warned: AtomicBool,
    warn: Option<Box<Warn>>,
}

impl Mirror {
    /// A mirror of `remote` in `archive`.
    #[must_use]
    pub fn new(remote: impl Into<Source>, archive: Archive, options: MirrorOptions) -> Self {
        Self::over(Some(remote.into()), archive, options)
    }

    /// What a mirror has, without asking its source. A shelf that it does not hold completely is
    /// an error, never a shorter shelf.
    #[must_use]
    pub fn offline(archive: Archive) -> Self {
        Self::over(None, archive, MirrorOptions::default())
    }

    fn over(remote: Option<Source>, archive: Archive, options: MirrorOptions) -> Self {
        let (kinds, writing, unkept, felt, bookmarks) = <_>::default();
        let clock = Arc::new(SystemClock);
        Self { remote, archive, options, kinds, writing, unkept, felt, bookmarks, clock }
    }

    /// Takes the time from `clock`, and waits by it; otherwise by the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Seconds since 1970.
    pub(super) fn seconds_now(&self) -> u64 {
        seconds_of(self.clock.as_ref())
    }

    /// Has `warn` told, once, why the archive does not work. Documents go on to be handed out as
    /// they come from the source; they only have to be fetched again the next time.
    #[must_use]
    pub fn warning_with(mut self, warn: impl Fn(&SourceError) + Send + Sync + 'static) -> Self {
        self.unkept.warn = Some(Box::new(warn));
        self
    }

    /// How many readings of shelves could not be kept in the archive.
    #[must_use]
    pub fn unkept(&self) -> u64 {
        self.unkept.shelves.load(Ordering::Relaxed)
    }

    /// The archive does not work: that costs fetches, and nothing else.
    pub(super) fn note(&self, error: &SourceError) {
        if let Some(warn) = &self.unkept.warn
            && !self.unkept.warned.swap(true, Ordering::Relaxed)
        {
            warn(error);
        }
    }

    /// A shelf that was read could not be kept.
    pub(super) fn note_unkept(&self, error: &SourceError) {
        self.unkept.shelves.fetch_add(1, Ordering::Relaxed);
        self.note(error);
    }

    /// The archive in front of the source.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The source behind it, unless the mirror is offline.
    #[must_use]
    pub const fn remote(&self) -> Option<&Source> {
        self.remote.as_ref()
    }

    /// The state of one kind, as fresh as the options ask for.
    fn state(&self, kind: DocumentKind) -> Result<MutexGuard<'_, Option<KindState>>, SourceError> {
        let mut slot = lock(&self.kinds[kind as usize]);
        // Taken out while it is refreshed: after an error the archive tells what stands.
        let known = match slot.take() {
            // Without a source, what other processes bring up to date is all there is to learn.
            Some(state) if self.remote.is_none() && !state.is_current(&self.archive)? => None,
            known => known,
        };
        let mut state = match known {
            Some(state) => state,
            None => match (KindState::load(&self.archive, kind), &self.remote) {
                (Err(error), Some(_)) => {
                    self.note(&error);
                    KindState::nothing(kind)
                }
                (loaded, _) => loaded?,
            },
        };
        if let Some(remote) = &self.remote {
            let (archive, writing) = (&self.archive, &self.writing);
            let unsaved = state.refresh(
                remote.documents.as_ref(),
                archive,
                writing,
                &self.options,
                self.clock.as_ref(),
            )?;
            if let Some(error) = unsaved {
                self.note(&error);
            }
        }
        *slot = Some(state);
        Ok(slot)
    }

    pub(super) fn with_state<T>(
        &self,
        kind: DocumentKind,
        ask: impl FnOnce(&KindState) -> T,
    ) -> Result<T, SourceError> {
        let state = self.state(kind)?;
        match state.as_ref() {
            Some(state) => Ok(ask(state)),
            None => Err(SourceError::new(
                SourceErrorKind::Damaged,
                "the state of a mirror went missing while it was asked",
            )),
        }
    }

    /// The next question about `kind` goes to the source, however fresh its last answer is: a
    /// shelf is not what that said.
    pub(super) fn doubt(&self, kind: DocumentKind) {
        if let Some(state) = lock(&self.kinds[kind as usize]).as_mut() {
            state.doubt();
        }
    }

    /// Whoever felt that the source moved may not be told what was believed before.
    fn feel(&self, pulse: &Pulse) {
        self.bookmarks.feel(&pulse.bookmarks, self.clock.monotonic());
        let mut felt = lock(&self.felt);
        if felt.as_ref() != Some(&pulse.documents) {
            *felt = Some(pulse.documents.clone());
            DocumentKind::ALL.into_iter().for_each(|kind| self.doubt(kind));
        }
    }

    /// Answers about communities from the source, or, offline, from the archive.
    fn directory(&self) -> &dyn Directory {
        match &self.remote {
            Some(remote) => remote.directory.as_ref(),
            None => &self.archive,
        }
    }
}

impl Documents for Mirror {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        self.with_state(kind, |state| state.position().clone())
    }

    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.with_state(kind, KindState::count)
    }

    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.with_state(kind, |state| state.fingerprints(filter))
    }

    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        match &self.remote {
            Some(remote) => remote.documents.manifest(shelf),
            None => self.mirrored_manifest(shelf),
        }
    }

    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let wanted = self.with_state(shelf.kind, |state| Wanted {
            fingerprint: state.fingerprint(shelf),
            position: Arc::new(state.position().clone()),
        })?;
        match only {
            None => self.read_shelf(shelf, &wanted, visit),
            Some(ids) => {
                let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
                self.read_shelf(shelf, &wanted, &mut |document: Document<'_>| {
                    if ids.contains(document.id) {
                        visit(document)
                    } else {
                        std::ops::ControlFlow::Continue(())
                    }
                })
            }
        }
    }

    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        match &self.remote {
            Some(remote) => {
                let asked = self.clock.monotonic();
                let read = || remote.documents.bookmarks(kind, communities);
                self.bookmarks.known_or_read(kind, communities, asked, read)
            }
            None => self.archive.bookmarks(kind, communities),
        }
    }
}

impl Feed for Mirror {
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        match &self.remote {
            Some(remote) => remote.documents.changed_since(kind, since),
            None => self.with_state(kind, |state| {
                if state.position() == since {
                    Changes::Communities(BTreeSet::new())
                } else {
                    Changes::Everything
                }
            }),
        }
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        match &self.remote {
            Some(remote) => {
                let pulse = remote.documents.pulse()?;
                self.feel(&pulse);
                Ok(pulse)
            }
            None => self.archive.pulse(),
        }
    }
}

impl Directory for Mirror {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        self.directory().communities()
    }

    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        self.directory().first_events(communities)
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        self.directory().first_record()
    }
}
