//! A mirror of an archive: the one is as good a source as any other.

mod following;
mod looks;
mod processes;
mod promises;
mod room;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stats_model::{
    Bookmark, Community, Day, DocumentKind, Fingerprint, ManifestEntry, ManualClock, Position,
    PositionMark, Shelf,
};
use tempfile::TempDir;

use super::{Mirror, MirrorOptions, SyncReport};
use crate::{
    Archive, ArchiveOptions, Changes, Directory, Document, Documents, Feed, Pulse, ShelfFilter,
    SourceError, Visit,
};

/// A source that counts what it is asked.
struct Counted {
    archive: Archive,
    questions: AtomicU64,
    documents: AtomicU64,
    /// So many lists of documents are outdated once they were given out.
    meddle: AtomicU64,
    /// Whether positions are only known from what searches find.
    searched: AtomicBool,
    /// A copy that lags behind, from which shelves are read while there is one.
    lagging: Mutex<Option<Arc<Archive>>>,
}

impl Counted {
    fn new(archive: Archive) -> Self {
        let (questions, documents, meddle, searched) = <_>::default();
        Self { archive, questions, documents, meddle, searched, lagging: Mutex::default() }
    }

    fn ask(&self) -> &Archive {
        self.questions.fetch_add(1, Ordering::Relaxed);
        &self.archive
    }
}

impl Documents for Counted {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        if !self.searched.load(Ordering::Relaxed) {
            return self.ask().position(kind);
        }
        let found = self.ask().fingerprints(kind, &ShelfFilter::default())?;
        let count = found.values().map(|it| it.count).sum();
        let max = found.values().map(|it| it.max).max().unwrap_or(0);
        let sum = found.values().map(|it| it.sum).sum();
        let mark = |what: &str, sequence| PositionMark::written(format!("i/{what}"), sequence);
        Ok(Position(vec![mark("count", count), mark("max", max), mark("sum", sum)]))
    }
    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.ask().count(kind)
    }
    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.ask().fingerprints(kind, filter)
    }
    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        let manifest = self.ask().manifest(shelf)?;
        let left = self.meddle.load(Ordering::Relaxed);
        if left > 0 {
            self.meddle.store(left - 1, Ordering::Relaxed);
            put(&self.archive, 3, 1_000 + u32::try_from(left % 1_000).unwrap());
        }
        Ok(manifest)
    }
    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let lagging = self.lagging.lock().unwrap().clone();
        let archive = lagging.as_deref().unwrap_or_else(|| self.ask());
        archive.documents(shelf, only, &mut |document| {
            self.documents.fetch_add(1, Ordering::Relaxed);
            visit(document)
        })
    }
    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        self.ask().bookmarks(kind, communities)
    }
}

impl Feed for Counted {
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        // As an index does, it knows only where documents are now.
        Ok(match self.ask().changed_since(kind, since)? {
            Changes::Communities(mut named) => {
                named.remove(LEFT);
                Changes::Communities(named)
            }
            Changes::Everything => Changes::Everything,
        })
    }
    fn pulse(&self) -> Result<Pulse, SourceError> {
        self.ask().pulse()
    }
}

impl Directory for Counted {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        self.ask().communities()
    }
    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        self.ask().first_events(communities)
    }
    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        self.ask().first_record()
    }
}

const KIND: DocumentKind = DocumentKind::UsageDelta;
/// A community that is not named when a document leaves it.
const LEFT: &str = "left";

fn shelf() -> Shelf {
    Shelf { kind: KIND, community: "global".to_owned(), year: 2025 }
}

fn put(archive: &Archive, day: u32, views: u32) {
    put_of("global", archive, day, views);
}

fn put_of(community: &str, archive: &Archive, day: u32, views: u32) {
    let period = format!("2025-01-{day:02}T00:00:00");
    let source =
        format!(r#"{{"community_id":"{community}","period_start":"{period}","views":{views}}}"#);
    let id = format!("global-2025-01-{day:02}");
    let mut writer = archive.writer().unwrap();
    writer.put_document(KIND, &id, source.as_bytes(), None).unwrap();
    writer.commit().unwrap();
}

/// A document of 48 KB that hardly compresses.
fn put_large(community: &str, archive: &Archive, day: u32, views: u64) {
    let noise: String = (1..=3_000u64)
        .map(|n| format!("{:016x}", (n + views).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let period = format!("2025-01-{day:02}T00:00:00");
    let source =
        format!(r#"{{"community_id":"{community}","period_start":"{period}","x":"{noise}"}}"#);
    let id = format!("{community}-2025-01-{day:02}");
    let mut writer = archive.writer().unwrap();
    writer.put_document(KIND, &id, source.as_bytes(), None).unwrap();
    writer.commit().unwrap();
}

fn remove(archive: &Archive, day: u32) {
    let mut writer = archive.writer().unwrap();
    assert!(writer.remove_document(KIND, &format!("global-2025-01-{day:02}")).unwrap());
    writer.commit().unwrap();
}

struct Setup {
    folder: TempDir,
    remote: Arc<Counted>,
    mirror: Mirror,
}

/// Options under which every question goes to the source.
fn eager() -> MirrorOptions {
    MirrorOptions { believe: Duration::ZERO, ..MirrorOptions::default() }
}

fn setup() -> Setup {
    setup_with(eager())
}

/// A mirror that believes what it was told for an hour.
fn setup_believing() -> Setup {
    setup_with(MirrorOptions { believe: Duration::from_secs(3600), ..MirrorOptions::default() })
}

fn setup_with(options: MirrorOptions) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let open =
        |name: &str| Archive::open(folder.path().join(name), ArchiveOptions::default()).unwrap();
    let archive = open("remote.db");
    for day in 1..=10 {
        put(&archive, day, day);
    }
    let remote = Arc::new(Counted::new(archive));
    let mirror = Mirror::new(remote.clone(), open("mirror.db"), options);
    Setup { folder, remote, mirror }
}

impl Setup {
    /// What the mirror hands out: `_id`, number and content.
    fn read(&self) -> Result<Vec<(String, u64, String)>, SourceError> {
        read(&self.mirror)
    }

    fn sync(&self) -> SyncReport {
        let cancel = AtomicBool::new(false);
        self.mirror.sync(&ShelfFilter::default(), 1, &cancel, &|_, _| {}).unwrap()
    }

    fn open(&self, name: &str) -> Archive {
        Archive::open(self.folder.path().join(name), ArchiveOptions::default()).unwrap()
    }

    /// A mirror in the same file, as another process has it.
    fn process(&self) -> Mirror {
        Mirror::new(self.remote.clone(), self.open("mirror.db"), eager())
    }

    /// The file of the mirror is deleted.
    fn delete_mirror(&self) {
        for end in ["", "-wal", "-shm"] {
            let path = self.folder.path().join(format!("mirror.db{end}"));
            assert!(std::fs::remove_file(path).is_ok() || !end.is_empty());
        }
    }

    fn fetched(&self) -> u64 {
        self.remote.documents.swap(0, Ordering::Relaxed)
    }

    fn asked(&self) -> u64 {
        self.remote.questions.swap(0, Ordering::Relaxed)
    }
}

fn read(source: &dyn Documents) -> Result<Vec<(String, u64, String)>, SourceError> {
    read_of(&shelf(), source)
}

fn read_of(
    shelf: &Shelf,
    source: &dyn Documents,
) -> Result<Vec<(String, u64, String)>, SourceError> {
    let mut documents = Vec::new();
    source.documents(shelf, None, &mut |document| {
        let text = String::from_utf8(document.source.to_vec()).unwrap();
        documents.push((document.id.to_owned(), document.sequence, text));
        ControlFlow::Continue(())
    })?;
    Ok(documents)
}

fn assert_same(setup: &Setup) {
    assert_mirrors(&setup.mirror, setup);
}

fn assert_mirrors(mirror: &Mirror, setup: &Setup) {
    assert_eq!(read(mirror).unwrap(), read(&setup.remote.archive).unwrap());
    let fingerprints =
        |source: &dyn Documents| source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    assert_eq!(fingerprints(mirror), fingerprints(&setup.remote.archive));
}
