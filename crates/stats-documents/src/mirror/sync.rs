//! Bringing the whole mirror up to date.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use stats_model::{DocumentKind, Fingerprint, Shelf};

use super::ledger::{Ledger, OpenLedger};
use super::promises::{Look, Looks};
use super::reports::{AuditReport, ShelfDifference, SyncReport};
use super::source::{Mirror, Wanted};
use super::state::is_over;
use crate::archive::CommunityEvent;
use crate::locked::lock;
use crate::{Directory, Documents, ShelfFilter, SourceError, SourceErrorKind};

/// The event that says when the first record was made.
const FIRST_RECORD: &str = "first record";

impl Mirror {
    /// Brings the archive up to date with the source for the shelves that `filter` lets through.
    /// In a bounded archive, what had to make room comes back when it changes, when its community
    /// is named, or when it is read; or else each sync would fetch it again, and evict others.
    /// One shelf that fails does not stop the others, nor does one kind about which the source
    /// cannot answer. Bookmarks are read first and written last, once everything that was written
    /// before them is searchable and the shelves are at least as new.
    /// `progress` is told after each shelf how many of how many are done.
    ///
    /// # Errors
    /// When the source cannot say of any kind what changed, or when the archive cannot be written.
    pub fn sync(
        &self,
        filter: &ShelfFilter,
        workers: usize,
        cancel: &AtomicBool,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<SyncReport, SourceError> {
        let Some(remote) = self.remote.clone() else {
            let doing = "syncing a mirror that works without its source (mirror.offline)";
            return Err(SourceError::new(SourceErrorKind::Refused, doing));
        };
        let mut report = SyncReport::default();
        let mut work = Vec::new();
        let Looks { kinds, promises } =
            self.look_at_all(remote.documents.as_ref(), filter, cancel)?;
        for (kind, look) in kinds {
            let Look { shelves: wanted, position, .. } = match look {
                Err(error) => {
                    report.missing.push((kind, error));
                    continue;
                }
                Ok(look) => look,
            };
            let as_of = |fingerprint| Wanted { fingerprint, position: position.clone() };
            report.shelves += wanted.len() as u64;
            let ledger = Ledger::of(&self.archive);
            let held = ledger.held_of(kind)?;
            let all = filter.communities.is_empty() && self.options.max_bytes.is_some();
            let evicted = if all { ledger.evicted(kind)? } else { BTreeMap::new() };
            for shelf in self.emptied(kind, filter, &wanted)? {
                work.push((shelf, as_of(Fingerprint::default())));
            }
            for (shelf, fingerprint) in wanted {
                if evicted.get(&shelf) == Some(&fingerprint) {
                    report.evicted += 1;
                } else if held.get(&shelf) != Some(&fingerprint) {
                    work.push((shelf, as_of(fingerprint)));
                }
            }
        }
        none_of_all(&mut report.missing)?;
        self.update_all(work, workers, cancel, progress, &mut report);
        self.keep(promises, &mut report)?;
        if report.documents > 0 || report.dropped > 0 || self.surroundings_are_old()? {
            self.sync_surroundings(remote.directory.as_ref())?;
        }
        Ok(report)
    }

    /// Asks the source for the fingerprints of all shelves, in one question for each kind, and
    /// compares them with those of the documents in the archive. One kind about which the source
    /// cannot answer does not stop the others.
    ///
    /// # Errors
    /// When the archive cannot answer, or the source cannot about any kind.
    pub fn audit(&self, filter: &ShelfFilter) -> Result<AuditReport, SourceError> {
        let mut report = AuditReport::default();
        for kind in DocumentKind::ALL {
            let asked = match &self.remote {
                Some(remote) => remote.documents.fingerprints(kind, filter),
                None => self.fingerprints(kind, filter),
            };
            let there = match asked {
                Err(error) => {
                    report.missing.push((kind, error));
                    continue;
                }
                Ok(there) => there,
            };
            let here = self.archive.origin_fingerprints(kind)?;
            let held = self.archive.fingerprints(kind, filter)?;
            let shelves: BTreeSet<&Shelf> = there.keys().chain(held.keys()).collect();
            report.shelves += shelves.len() as u64;
            for shelf in shelves {
                let source = there.get(shelf).copied().unwrap_or_default();
                let mirror = here.get(shelf).copied();
                if mirror != Some(source) {
                    let shelf = shelf.clone();
                    report.differences.push(ShelfDifference { shelf, source, mirror });
                }
            }
        }
        none_of_all(&mut report.missing)?;
        Ok(report)
    }

    /// Whether communities and first days were never copied, or too long ago.
    fn surroundings_are_old(&self) -> Result<bool, SourceError> {
        let copied = Ledger::of(&self.archive).surroundings_copied()?;
        let (now, after) = (self.seconds_now(), self.options.compare_all);
        Ok(copied.is_none_or(|copied| is_over(copied, now, after)))
    }

    /// Copies what else is needed to work without the source and promises nothing: communities and
    /// first days. What the source has no longer goes. All of it in one transaction.
    fn sync_surroundings(&self, remote: &dyn Directory) -> Result<(), SourceError> {
        let communities = remote.communities()?;
        let first_events = remote.first_events(&[])?;
        let first_record = remote.first_record()?;

        let _writing = lock(&self.writing);
        let mut writer = self.archive.writer()?.with_whole_batches();
        let mut kept = BTreeSet::new();
        for community in &communities {
            writer.put_community(community)?;
            kept.insert(community.id.clone());
        }
        writer.retain_communities(&std::mem::take(&mut kept))?;
        for (community, day) in first_events {
            let id = format!("first/{community}");
            let event = CommunityEvent { community, day: Some(day), record_created: None };
            writer.put_event(&id, &event)?;
            kept.insert(id);
        }
        if let Some(day) = first_record {
            let event = CommunityEvent {
                community: "global".to_owned(),
                day: None,
                record_created: Some(day),
            };
            writer.put_event(FIRST_RECORD, &event)?;
            kept.insert(FIRST_RECORD.to_owned());
        }
        writer.retain_events(&kept)?;
        OpenLedger::of(&mut writer).write_surroundings_copied(self.seconds_now())?;
        writer.commit()
    }

    /// Shelves that the archive has and the source, which has `there`, has no longer.
    fn emptied(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
        there: &BTreeMap<Shelf, Fingerprint>,
    ) -> Result<Vec<Shelf>, SourceError> {
        Ok(self
            .archive
            .fingerprints(kind, filter)?
            .into_keys()
            .filter(|shelf| !there.contains_key(shelf))
            .collect())
    }

    fn update_all(
        &self,
        mut work: Vec<(Shelf, Wanted)>,
        workers: usize,
        cancel: &AtomicBool,
        progress: &(dyn Fn(u64, u64) + Sync),
        report: &mut SyncReport,
    ) {
        let total = work.len() as u64;
        report.changed = total;
        work.reverse();
        let (work, report) = (Mutex::new(work), Mutex::new((report, 0)));
        thread::scope(|scope| {
            for _ in 0..workers.max(1) {
                scope.spawn(|| {
                    loop {
                        if cancel.load(Ordering::Relaxed) {
                            lock(&report).0.interrupted = true;
                            return;
                        }
                        let Some((shelf, wanted)) = lock(&work).pop() else { return };
                        let updated = self.update_shelf(&shelf, &wanted);
                        let mut report = lock(&report);
                        match updated {
                            Ok(fetched) => {
                                report.0.documents += fetched.documents;
                                report.0.bytes += fetched.bytes;
                                report.0.dropped += fetched.dropped;
                            }
                            Err(error) => report.0.failures.push((shelf, error)),
                        }
                        report.1 += 1;
                        progress(report.1, total);
                    }
                });
            }
        });
    }
}

/// An error when every kind is missing: then it is the wrong place to look, or cannot be reached.
fn none_of_all(missing: &mut Vec<(DocumentKind, SourceError)>) -> Result<(), SourceError> {
    if missing.len() == DocumentKind::ALL.len() { Err(missing.swap_remove(0).1) } else { Ok(()) }
}
