//! Bookmarks and the documents that they promise.

use stats_model::{Clock, MarkKind};

use super::*;
use crate::Patience;

/// What the aggregation does while the source is asked.
type Act = Box<dyn FnMut(&Archive, DocumentKind) + Send>;

/// A source to which somebody writes while it is asked.
struct Busy {
    counted: Counted,
    before_bookmarks: Mutex<Option<Act>>,
    after_bookmarks: Mutex<Option<Act>>,
    before_documents: Mutex<Option<Act>>,
    /// A state that searches still show while something newer is written and counted already.
    shown: Mutex<Option<Archive>>,
    fails: AtomicBool,
}

impl Busy {
    fn new(archive: Archive) -> Self {
        let (before_bookmarks, after_bookmarks, before_documents, fails) = <_>::default();
        let (counted, shown) = (Counted::new(archive), Mutex::default());
        Self { counted, before_bookmarks, after_bookmarks, before_documents, shown, fails }
    }

    fn act(&self, what: &Mutex<Option<Act>>, kind: DocumentKind) {
        if kind == KIND
            && let Some(mut act) = what.lock().unwrap().take()
        {
            act(&self.counted.archive, kind);
        }
    }

    fn search<T>(&self, ask: impl FnOnce(&dyn Documents) -> T) -> T {
        match self.shown.lock().unwrap().as_ref() {
            Some(shown) => ask(shown),
            None => ask(&self.counted),
        }
    }
}

impl Documents for Busy {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        let mut position = self.counted.position(kind)?;
        if kind == KIND && self.shown.lock().unwrap().is_some() {
            let history = position.0[0].history.clone();
            position.0.push(PositionMark { history, kind: MarkKind::Unseen, sequence: 7 });
        }
        Ok(position)
    }
    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.search(|source| source.count(kind))
    }
    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.search(|source| source.fingerprints(kind, filter))
    }
    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        self.search(|source| source.manifest(shelf))
    }
    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        self.act(&self.before_documents, shelf.kind);
        if self.fails.load(Ordering::Relaxed) {
            return Err(SourceError::new(crate::SourceErrorKind::Unreachable, "reading"));
        }
        self.search(|source| source.documents(shelf, only, visit))
    }
    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        self.act(&self.before_bookmarks, kind);
        let bookmarks = self.counted.bookmarks(kind, communities);
        self.act(&self.after_bookmarks, kind);
        bookmarks
    }
}

impl Feed for Busy {
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        if *since == self.position(kind)? {
            return Ok(Changes::Communities(Default::default()));
        }
        Ok(Changes::Everything)
    }
    fn pulse(&self) -> Result<Pulse, SourceError> {
        self.counted.pulse()
    }
}

impl Directory for Busy {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        self.counted.communities()
    }
    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        self.counted.first_events(communities)
    }
    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        self.counted.first_record()
    }
}

struct Place {
    folder: TempDir,
    source: Arc<Busy>,
    clock: Arc<ManualClock>,
}

/// What a run that has only the mirror finds: the day that the bookmark promises, and how many
/// documents there are; `None` if the mirror does not hold them.
#[derive(Debug, PartialEq, Eq)]
struct Found(Option<u32>, Option<usize>);

impl Place {
    /// A source with ten days and their bookmark, and a mirror of it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = open(&folder, "remote.db");
        for day in 1..=10 {
            put(&archive, day, day);
        }
        bookmark(&archive, 10);
        let clock = Arc::new(ManualClock::new("2025-02-01T12:00:00Z".parse().unwrap()));
        let place = Self { source: Arc::new(Busy::new(archive)), folder, clock };
        assert!(place.sync().withheld.is_empty());
        assert_eq!(place.offline(), Found(Some(10), Some(10)));
        place
    }

    fn archive(&self) -> &Archive {
        &self.source.counted.archive
    }

    fn mirror(&self) -> Mirror {
        Mirror::new(self.source.clone(), open(&self.folder, "mirror.db"), eager())
            .with_clock(self.clock.clone())
    }

    /// What a process of its own does.
    fn sync(&self) -> SyncReport {
        self.sync_until(&AtomicBool::new(false))
    }

    fn sync_until(&self, cancel: &AtomicBool) -> SyncReport {
        self.mirror().sync(&ShelfFilter::default(), 1, cancel, &|_, _| {}).unwrap()
    }

    fn offline(&self) -> Found {
        let mirror = Mirror::offline(open(&self.folder, "mirror.db"));
        let bookmarks = mirror.bookmarks(KIND, &[]).unwrap();
        let day = bookmarks.get("global").map(|bookmark| bookmark.day.day_of_month().into());
        Found(day, read(&mirror).ok().map(|documents| documents.len()))
    }
}

fn open(folder: &TempDir, name: &str) -> Archive {
    Archive::open(folder.path().join(name), ArchiveOptions::default()).unwrap()
}

fn bookmark(archive: &Archive, day: u32) {
    let day = format!("2025-01-{day:02}").parse().unwrap();
    let mut writer = archive.writer().unwrap();
    writer.put_bookmark("mark", KIND, "global", Bookmark { day }).unwrap();
    writer.commit().unwrap();
}

/// The aggregation writes a day and its bookmark.
fn aggregate(day: u32) -> Act {
    Box::new(move |archive, _| {
        put(archive, day, day);
        bookmark(archive, day);
    })
}

fn withheld(report: &SyncReport) -> Vec<(DocumentKind, String)> {
    report.withheld.iter().map(|(kind, why)| (*kind, why.to_string())).collect()
}

/// Between any two questions of a sync.
#[test]
fn a_bookmark_never_comes_without_the_documents_before_it() {
    let place = Place::new();
    // The day is there when the bookmark is read.
    put(place.archive(), 1, 100);
    *place.source.before_bookmarks.lock().unwrap() = Some(aggregate(11));
    let report = place.sync();
    assert_eq!((report.documents, withheld(&report)), (2, vec![]));
    assert_eq!(place.offline(), Found(Some(11), Some(11)));
    // It comes after the bookmark was read, and with the documents: those may be newer.
    put(place.archive(), 1, 101);
    *place.source.after_bookmarks.lock().unwrap() = Some(aggregate(12));
    assert_eq!(withheld(&place.sync()), []);
    assert_eq!(place.offline(), Found(Some(11), Some(12)));
    // And after the fingerprints: then the mirror knows that it does not hold the shelf any more.
    put(place.archive(), 1, 102);
    *place.source.before_documents.lock().unwrap() = Some(aggregate(13));
    assert_eq!(place.sync().documents, 1);
    assert_eq!(place.offline().0, Some(12));
    assert_eq!(withheld(&place.sync()), []);
    assert_eq!(place.offline(), Found(Some(13), Some(13)));
}

#[test]
fn bookmarks_wait_until_what_was_written_before_them_is_searchable() {
    let place = Place::new();
    let hidden = open(&place.folder, "shown.db");
    for day in 1..=10 {
        put(&hidden, day, day);
    }
    aggregate(11)(place.archive(), KIND);
    *place.source.shown.lock().unwrap() = Some(hidden);
    let patience = Patience::default();
    for _ in 0..2 {
        let begun = place.clock.monotonic();
        let report = place.sync();
        let waited = place.clock.monotonic() - begun;
        assert!(waited >= patience.refreshes && waited < patience.refreshes * 2, "{waited:?}");
        let why = "documents that were written before them are not searchable yet";
        assert_eq!(withheld(&report), [(KIND, why.to_owned())]);
        assert!(report.missing.is_empty() && report.failures.is_empty(), "{report:?}");
        assert_eq!(place.offline(), Found(Some(10), Some(10)));
    }
    *place.source.shown.lock().unwrap() = None;
    assert_eq!(withheld(&place.sync()), []);
    assert_eq!(place.offline(), Found(Some(11), Some(11)));
}

#[test]
fn bookmarks_of_a_kind_with_a_shelf_that_failed_stay_and_others_come() {
    let place = Place::new();
    aggregate(11)(place.archive(), KIND);
    let other = DocumentKind::RecordDelta;
    let mut writer = place.archive().writer().unwrap();
    let day = "2025-01-11".parse().unwrap();
    writer.put_bookmark("other", other, "global", Bookmark { day }).unwrap();
    writer.put_document(other, "r", RECORD.as_bytes(), None).unwrap();
    writer.commit().unwrap();
    let copied = |kind| place.mirror().archive().bookmarks(kind, &[]).unwrap().len();
    place.source.fails.store(true, Ordering::Relaxed);
    let report = place.sync();
    assert_eq!(report.failures.len(), 2);
    assert_eq!(report.withheld.len(), 2, "{report:?}");
    assert_eq!((place.offline().0, copied(other)), (Some(10), 0));
    place.source.fails.store(false, Ordering::Relaxed);
    assert_eq!(withheld(&place.sync()), []);
    assert_eq!((place.offline(), copied(other)), (Found(Some(11), Some(11)), 1));
    // One kind alone.
    aggregate(12)(place.archive(), KIND);
    place.source.fails.store(true, Ordering::Relaxed);
    let report = place.sync();
    assert_eq!(withheld(&report), [(KIND, "shelves of that kind are not up to date".to_owned())]);
    assert_eq!(place.offline(), Found(Some(11), None), "not held, not half of it");
}

const RECORD: &str = r#"{"community_id":"global","period_start":"2025-01-11T00:00:00"}"#;

/// A sync that ends in the middle, by whatever, leaves what it had: the next one goes on.
#[test]
fn an_interrupted_sync_copies_no_bookmark_and_the_next_one_does() {
    let place = Place::new();
    aggregate(11)(place.archive(), KIND);
    let cancel = AtomicBool::new(true);
    let report = place.sync_until(&cancel);
    assert!(report.interrupted);
    assert_eq!(withheld(&report).len(), 1, "{report:?}");
    assert_eq!(place.offline(), Found(Some(10), None));
    // Killed once the documents are there: they come by a reading, no bookmark does.
    assert_eq!(read(&place.mirror()).unwrap().len(), 11);
    assert_eq!(place.offline(), Found(Some(10), Some(11)));
    let report = place.sync();
    assert_eq!((report.documents, withheld(&report)), (0, vec![]));
    assert_eq!(place.offline(), Found(Some(11), Some(11)));
}

/// Another process made the mirror anew meanwhile: what was learnt before says nothing of it.
#[test]
fn bookmarks_do_not_come_into_a_mirror_that_knows_nothing() {
    let place = Place::new();
    aggregate(11)(place.archive(), KIND);
    let path = place.folder.path().join("mirror.db");
    *place.source.before_documents.lock().unwrap() = Some(Box::new(move |_, _| {
        for end in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(format!("{}{end}", path.display())));
        }
        drop(Archive::open(&path, ArchiveOptions::default()).unwrap());
    }));
    let report = place.sync();
    assert!(report.withheld.iter().any(|(kind, _)| *kind == KIND), "{report:?}");
    assert_eq!(place.offline().0, None);
    assert_eq!(withheld(&place.sync()), []);
    assert_eq!(place.offline(), Found(Some(11), Some(11)));
}

/// The bookmarks of documents that are gone with their index promise nothing of those that are
/// written anew, whoever notices that first.
#[test]
fn bookmarks_go_with_the_documents_of_another_history() {
    let place = Place::new();
    let anew = open(&place.folder, "anew.db");
    put(&anew, 1, 1);
    let source = Arc::new(Busy::new(anew));
    let place = Place { source, ..place };
    assert_eq!(read(&place.mirror()).unwrap().len(), 1);
    assert_eq!(place.offline(), Found(None, Some(1)));
}

/// What had to make room is not handed out, so bookmarks need not wait for it.
#[test]
fn bookmarks_do_not_wait_for_what_had_to_make_room() {
    let place = Place::new();
    aggregate(11)(place.archive(), KIND);
    assert_eq!(withheld(&place.sync()), []);
    assert_eq!(open(&place.folder, "mirror.db").evict_to(1).unwrap(), [shelf()]);
    assert_eq!(place.offline(), Found(Some(11), None));
    bookmark(place.archive(), 12);
    put_of("other", place.archive(), 20, 1);
    let options = MirrorOptions { max_bytes: Some(1 << 30), ..eager() };
    let mirror = Mirror::new(place.source.clone(), open(&place.folder, "mirror.db"), options);
    let cancel = AtomicBool::new(false);
    let report = mirror.sync(&ShelfFilter::default(), 1, &cancel, &|_, _| {}).unwrap();
    assert_eq!((report.evicted, withheld(&report)), (1, vec![]));
    assert_eq!(place.offline(), Found(Some(12), None));
}
