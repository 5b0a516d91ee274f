//! Bookmarks on their way into the mirror.
//!
//! A bookmark promises that documents are complete, and a mirror that works without its source has
//! nothing else to believe. So bookmarks are read before anything is asked about documents, wait
//! until everything that was written before them is searchable and fetched, and are written last,
//! if the mirror still knows what it knew then. Documents that are newer than their bookmarks are
//! no harm. A shelf that was left out, or had to make room, is not half of anything: the mirror
//! does not hold what it remembers of that shelf, and hands out nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stats_model::{Bookmark, DocumentKind, Fingerprint, Position, Shelf};

use super::ledger::{Copied, Ledger, OpenLedger, Standing, There};
use super::reports::SyncReport;
use super::source::Mirror;
use super::state::is_over;
use super::withheld::Withheld;
use crate::locked::lock;
use crate::{ArchiveWriter, Documents, ShelfFilter, SourceError, await_searchable};

/// What is known of one kind when a sync decides what to fetch.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) shelves: BTreeMap<Shelf, Fingerprint>,
    pub(super) position: Arc<Position>,
    /// The state of the archive that remembers all this; `None` if none does.
    standing: Option<Standing>,
}

/// What a sync found out about all kinds before it fetches anything.
pub(super) struct Looks {
    pub(super) kinds: BTreeMap<DocumentKind, Result<Look, SourceError>>,
    pub(super) promises: Promises,
}

/// The bookmarks that were read, and why others were not.
#[derive(Debug, Default)]
pub(super) struct Promises {
    made: BTreeMap<DocumentKind, Promise>,
    withheld: BTreeMap<DocumentKind, Withheld>,
}

/// The bookmarks of one kind, and what of the archive has to stand for them to be true.
#[derive(Debug)]
struct Promise {
    bookmarks: BTreeMap<String, Bookmark>,
    standing: Standing,
    position: Arc<Position>,
}

impl Mirror {
    /// Looks at all kinds. Where bookmarks are due, they are read first, and what is then found of
    /// that kind has everything in it that was written before, unless its bookmarks are withheld.
    pub(super) fn look_at_all(
        &self,
        remote: &dyn Documents,
        filter: &ShelfFilter,
        cancel: &AtomicBool,
    ) -> Result<Looks, SourceError> {
        let mut kinds = BTreeMap::new();
        let mut bookmarks = BTreeMap::new();
        let mut promises = Promises::default();
        for kind in DocumentKind::ALL {
            let look = self.look(kind, filter);
            if let Ok(look) = &look
                && self.are_due(kind, look)?
            {
                match remote.bookmarks(kind, &[]) {
                    Ok(found) => drop(bookmarks.insert(kind, found)),
                    Err(error) => promises.withhold(kind, Withheld::Unknown(error)),
                }
                // What is known of the documents is older than that.
                self.doubt(kind);
            }
            kinds.insert(kind, look);
        }
        let read: Vec<DocumentKind> = bookmarks.keys().copied().collect();
        let (patience, clock) = (self.options.patience, self.clock.as_ref());
        let halted = || cancel.load(Ordering::Relaxed);
        for (kind, why) in await_searchable(self, read, patience, clock, &halted) {
            bookmarks.remove(&kind);
            promises.withhold(kind, Withheld::from(why));
        }
        for kind in promises.withheld.keys().chain(bookmarks.keys()) {
            kinds.insert(*kind, self.look(*kind, filter));
        }
        for (kind, bookmarks) in bookmarks {
            if let Some(Ok(look)) = kinds.get(&kind) {
                promises.make(kind, bookmarks, look);
            }
        }
        Ok(Looks { kinds, promises })
    }

    fn look(&self, kind: DocumentKind, filter: &ShelfFilter) -> Result<Look, SourceError> {
        self.with_state(kind, |state| Look {
            shelves: state.fingerprints(filter),
            position: Arc::new(state.position().clone()),
            standing: state.saved().cloned(),
        })
    }

    /// Whether something was learnt of the documents since bookmarks were copied, or that is too
    /// long ago.
    fn are_due(&self, kind: DocumentKind, look: &Look) -> Result<bool, SourceError> {
        let copied = Ledger::of(&self.archive).bookmarks_copied(kind)?;
        let (now, after) = (self.seconds_now(), self.options.compare_all);
        Ok(copied.is_none_or(|Copied { revision, at }| {
            let known = look.standing.as_ref().map(|standing| standing.revision);
            known != Some(revision) || is_over(at, now, after)
        }))
    }

    /// Writes the bookmarks of the kinds that `report` says nothing bad of, all of them in one
    /// transaction, and tells which others stay as they were. What the source has no longer goes.
    pub(super) fn keep(
        &self,
        mut promises: Promises,
        report: &mut SyncReport,
    ) -> Result<(), SourceError> {
        promises.hold_against(report);
        if !promises.made.is_empty() {
            let _writing = lock(&self.writing);
            let mut writer = self.archive.writer()?.with_whole_batches();
            for (kind, promise) in std::mem::take(&mut promises.made) {
                let there = There::of(&mut writer, kind)?;
                if there.has_seen(&promise.standing) && there.goes_on_from(&promise.position) {
                    promise.write(&mut writer, kind, self.seconds_now())?;
                } else {
                    promises.withhold(kind, Withheld::Outdated);
                }
            }
            writer.commit()?;
        }
        // Kinds that are missing altogether are named as such.
        let missing = |kind: &DocumentKind| report.missing.iter().any(|(it, _)| it == kind);
        let withheld = promises.withheld.into_iter().filter(|(kind, _)| !missing(kind)).collect();
        report.withheld = withheld;
        Ok(())
    }
}

impl Promises {
    fn withhold(&mut self, kind: DocumentKind, why: Withheld) {
        self.withheld.insert(kind, why);
    }

    fn make(&mut self, kind: DocumentKind, bookmarks: BTreeMap<String, Bookmark>, look: &Look) {
        match &look.standing {
            Some(standing) => {
                let (standing, position) = (standing.clone(), look.position.clone());
                self.made.insert(kind, Promise { bookmarks, standing, position });
            }
            None => self.withhold(kind, Withheld::Outdated),
        }
    }

    /// Gives up those that the documents do not bear out.
    fn hold_against(&mut self, report: &SyncReport) {
        let failed: BTreeSet<DocumentKind> =
            report.failures.iter().map(|(shelf, _)| shelf.kind).collect();
        for kind in DocumentKind::ALL {
            let why = if report.interrupted {
                Withheld::Interrupted
            } else if failed.contains(&kind) {
                Withheld::Shelves
            } else {
                continue;
            };
            if self.made.remove(&kind).is_some() {
                self.withhold(kind, why);
            }
        }
    }
}

impl Promise {
    fn write(
        self,
        writer: &mut ArchiveWriter<'_>,
        kind: DocumentKind,
        now: u64,
    ) -> Result<(), SourceError> {
        let mut kept = BTreeSet::new();
        for (community, bookmark) in self.bookmarks {
            let id = format!("{}_{community}", kind.bookmark_type());
            writer.put_bookmark(&id, kind, &community, bookmark)?;
            kept.insert(id);
        }
        writer.retain_bookmarks_of(kind, &kept)?;
        let copied = Copied { revision: self.standing.revision, at: now };
        OpenLedger::of(writer).write_bookmarks_copied(kind, copied)
    }
}
