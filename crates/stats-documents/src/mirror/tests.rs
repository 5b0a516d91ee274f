//! A mirror of an archive: the one is as good a source as any other.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stats_series::DocumentKind;
use tempfile::TempDir;

use super::{Mirror, MirrorOptions, SyncReport};
use crate::{
    Archive, ArchiveOptions, Bookmark, Changes, Community, Day, Document, DocumentSource,
    Fingerprint, ManifestEntry, Position, Shelf, ShelfFilter, SourceError, Visit,
};

/// A source that counts what it is asked.
struct Counted {
    archive: Archive,
    questions: AtomicU64,
    documents: AtomicU64,
    /// So many lists of documents are outdated once they were given out.
    meddle: AtomicU64,
    /// A copy that lags behind, from which shelves are read while there is one.
    lagging: Mutex<Option<Arc<Archive>>>,
}

impl Counted {
    fn new(archive: Archive) -> Self {
        let (questions, documents, meddle) = <_>::default();
        Self { archive, questions, documents, meddle, lagging: Mutex::default() }
    }

    fn ask(&self) -> &Archive {
        self.questions.fetch_add(1, Ordering::Relaxed);
        &self.archive
    }
}

impl DocumentSource for Counted {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        self.ask().position(kind)
    }
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
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        self.ask().communities()
    }
    fn community_by_slug(&self, slug: &str) -> Result<Option<Community>, SourceError> {
        self.ask().community_by_slug(slug)
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

fn read(source: &dyn DocumentSource) -> Result<Vec<(String, u64, String)>, SourceError> {
    read_of(&shelf(), source)
}

fn read_of(
    shelf: &Shelf,
    source: &dyn DocumentSource,
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
        |source: &dyn DocumentSource| source.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    assert_eq!(fingerprints(mirror), fingerprints(&setup.remote.archive));
}

#[test]
fn a_document_crosses_once_and_then_only_what_changed() {
    let setup = setup();
    assert_same(&setup);
    setup.fetched();
    assert_eq!(setup.read().unwrap().len(), 10);
    assert_eq!(setup.fetched(), 0, "nothing crosses a second time");

    put(&setup.remote.archive, 4, 400);
    put(&setup.remote.archive, 11, 11);
    remove(&setup.remote.archive, 7);
    let documents = setup.read().unwrap();
    assert_eq!(setup.fetched(), 2);
    assert_eq!(documents.len(), 10);
    assert_same(&setup);
}

#[test]
fn when_nothing_changed_one_question_for_each_kind_tells() {
    let setup = setup();
    let first = setup.sync();
    assert_eq!((first.shelves, first.changed, first.documents), (1, 1, 10));
    setup.asked();
    let second = setup.sync();
    assert_eq!((second.changed, second.documents), (0, 0));
    assert_eq!(setup.asked(), 4, "a sync asks for nothing but positions");
    assert_eq!(setup.fetched(), 10);
}

#[test]
fn a_deletion_and_an_emptied_shelf_are_followed() {
    let setup = setup();
    assert_same(&setup);
    for day in 1..=10 {
        remove(&setup.remote.archive, day);
    }
    assert_same(&setup);
    let report = setup.sync();
    assert!(report.failures.is_empty());
    assert!(setup.mirror.archive().mirrored(&shelf()).unwrap().is_empty());
}

#[test]
fn a_change_between_manifest_and_pages_is_followed_in_the_same_reading() {
    let setup = setup_believing();
    setup.read().unwrap();
    for sync in [false, true] {
        put(&setup.remote.archive, 3, 333);
        setup.mirror.doubt(KIND);
        setup.remote.meddle.store(1, Ordering::Relaxed);
        if sync {
            let report = setup.sync();
            assert!(report.failures.is_empty(), "{:?}", report.failures);
            assert_eq!((report.changed, report.documents), (1, 1));
        }
        assert_same(&setup);
        assert_eq!(setup.remote.meddle.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_shelf_that_changes_each_time_is_an_error_and_the_next_reading_is_right() {
    let setup = setup_believing();
    setup.read().unwrap();
    for sync in [false, true] {
        put(&setup.remote.archive, 3, 333);
        setup.mirror.doubt(KIND);
        let before = setup.mirror.archive().mirrored(&shelf()).unwrap();
        setup.remote.meddle.store(u64::MAX, Ordering::Relaxed);
        let error =
            if sync { setup.sync().failures.remove(0).1 } else { setup.read().unwrap_err() };
        assert_eq!(error.kind(), crate::SourceErrorKind::Inconsistent, "{error}");
        assert_eq!(setup.mirror.archive().mirrored(&shelf()).unwrap(), before);
        setup.remote.meddle.store(0, Ordering::Relaxed);
        // The answer that was given out before all this is not believed any longer.
        assert_same(&setup);
    }
}

#[test]
fn a_document_that_left_a_shelf_unnamed_is_missed_in_the_count() {
    let setup = setup();
    put_of(LEFT, &setup.remote.archive, 20, 1);
    put_of(LEFT, &setup.remote.archive, 21, 1);
    assert_same(&setup);
    let asked = |setup: &Setup| {
        setup.asked();
        setup.mirror.position(KIND).unwrap();
        setup.asked()
    };
    put(&setup.remote.archive, 4, 400);
    assert_eq!(asked(&setup), 4, "position, who changed, their fingerprints, the count");
    assert_eq!(asked(&setup), 1);
    put(&setup.remote.archive, 20, 2);
    assert_eq!(asked(&setup), 5, "and all fingerprints");
    let left = Shelf { community: LEFT.to_owned(), ..shelf() };
    let fingerprints = setup.mirror.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    assert_eq!((fingerprints[&left].count, fingerprints[&shelf()].count), (1, 11));
    assert_same(&setup);
}

#[test]
fn half_a_reading_is_not_kept() {
    let setup = setup();
    let mut seen = 0;
    setup
        .mirror
        .documents(&shelf(), None, &mut |_| {
            seen += 1;
            if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, 3, "the visitor ends the reading");
    assert!(setup.mirror.archive().mirrored(&shelf()).unwrap().is_empty());
    assert_same(&setup);
}

#[test]
fn offline_it_hands_out_what_it_holds_and_nothing_less() {
    let setup = setup();
    assert_same(&setup);
    let expected = setup.read().unwrap();
    let Setup { folder, mirror, .. } = setup;
    drop(mirror);
    let open =
        || Archive::open(folder.path().join("mirror.db"), ArchiveOptions::default()).unwrap();
    let offline = Mirror::offline(open());
    assert_eq!(read(&offline).unwrap(), expected);
    assert_eq!(offline.manifest(&shelf()).unwrap().len(), 10);

    offline.archive().evict_to(0).unwrap();
    let error = read(&Mirror::offline(open())).unwrap_err();
    assert_eq!(error.kind(), crate::SourceErrorKind::NotFound);
}

#[test]
fn what_was_evicted_is_fetched_again() {
    let setup = setup();
    assert_same(&setup);
    setup.fetched();
    setup.mirror.archive().evict_to(0).unwrap();
    assert_same(&setup);
    assert_eq!(setup.fetched(), 10);
}

#[test]
fn a_shelf_that_makes_room_before_it_is_read_is_read_from_the_source() {
    let setup = setup();
    assert_same(&setup);
    let archive =
        || Archive::open(setup.folder.path().join("mirror.db"), ArchiveOptions::default()).unwrap();
    let options = MirrorOptions { max_bytes: Some(1), ..eager() };
    let bounded = Mirror::new(setup.remote.clone(), archive(), options);
    put(&setup.remote.archive, 4, 400);
    assert_eq!(read(&bounded).unwrap(), read(&setup.remote.archive).unwrap());

    // Another process makes room again and again.
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                archive().evict_to(0).unwrap();
            }
        });
        for _ in 0..50 {
            let read = setup.read();
            let complete = read.as_ref().map(Vec::len).is_ok_and(|length| length == 10);
            stop.store(!complete, Ordering::Relaxed);
            assert!(complete, "{read:?}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_a_lagging_copy_hands_out_does_not_become_the_truth() {
    let setup = setup();
    let lagging = setup.open("lagging.db");
    for day in 1..=10 {
        put(&lagging, day, day);
    }
    put(&setup.remote.archive, 4, 400);
    *setup.remote.lagging.lock().unwrap() = Some(Arc::new(lagging));
    assert_ne!(setup.read().unwrap(), read(&setup.remote.archive).unwrap());
    *setup.remote.lagging.lock().unwrap() = None;
    assert_mirrors(&setup.process(), &setup);
    assert_same(&setup);
}

#[test]
fn a_slow_process_does_not_write_over_what_another_one_knows() {
    let setup = setup();
    let other = setup.process();
    let mut seen = 0;
    // It sees the shelf as it was when it began to read, the other one as it became meanwhile.
    let visit = &mut |_: Document<'_>| {
        seen += 1;
        if seen == 1 {
            put(&setup.remote.archive, 4, 400);
            put(&setup.remote.archive, 11, 11);
            assert_mirrors(&other, &setup);
        }
        ControlFlow::Continue(())
    };
    setup.mirror.documents(&shelf(), None, visit).unwrap();
    assert_eq!(seen, 10);
    setup.fetched();
    assert_mirrors(&setup.process(), &setup);
    assert_same(&setup);
    assert_mirrors(&other, &setup);
    assert_eq!(setup.fetched(), 0, "the newer documents are still there");
}

#[test]
fn processes_that_learn_in_turns_know_the_same() {
    let setup = setup();
    let other = setup.process();
    for round in 12..=20 {
        put_of("other", &setup.remote.archive, round, 1);
        other.sync(&ShelfFilter::default(), 1, &AtomicBool::new(false), &|_, _| {}).unwrap();
        assert_same(&setup);
        if round % 2 == 0 {
            // It was there for one of the two only.
            remove(&setup.remote.archive, round);
        }
        assert_same(&setup);
        assert_mirrors(&setup.process(), &setup);
        assert_mirrors(&other, &setup);
    }
}

#[test]
fn nothing_is_carried_into_a_mirror_that_another_process_made_anew() {
    let setup = setup();
    put_of(LEFT, &setup.remote.archive, 20, 1);
    assert_same(&setup);
    setup.delete_mirror();
    let other = setup.process();
    put(&setup.remote.archive, 4, 400);
    // What the process knows of the other shelf stood in the deleted file only.
    assert_same(&setup);
    assert_mirrors(&setup.process(), &setup);
    assert_mirrors(&other, &setup);
    setup.fetched();
    assert_same(&setup);
    assert_eq!(setup.fetched(), 0, "the new file is in use");

    // Without news of the source, in between the questions of a reading.
    setup.delete_mirror();
    setup.open("mirror.db");
    put(&setup.remote.archive, 5, 500);
    setup.remote.meddle.store(1, Ordering::Relaxed);
    assert_same(&setup);
    assert_mirrors(&setup.process(), &setup);
}

#[test]
fn without_room_or_file_documents_are_handed_through() {
    let setup = setup();
    assert_same(&setup);
    put_large("global", &setup.remote.archive, 12, 12);
    let options = ArchiveOptions { limit_bytes: Some(1), ..ArchiveOptions::default() };
    let archive = Archive::open(setup.folder.path().join("mirror.db"), options).unwrap();
    let warnings = Arc::new(AtomicU64::new(0));
    let count = warnings.clone();
    let full = Mirror::new(setup.remote.clone(), archive, eager()).warning_with(move |error| {
        assert_eq!(error.kind(), crate::SourceErrorKind::Full, "{error}");
        count.fetch_add(1, Ordering::Relaxed);
    });
    for _ in 0..2 {
        assert_mirrors(&full, &setup);
    }
    assert_eq!((full.unkept(), warnings.load(Ordering::Relaxed)), (2, 1));
    drop(full);

    setup.delete_mirror();
    for day in [4, 5] {
        put(&setup.remote.archive, day, 400);
        assert_same(&setup);
    }
    assert_eq!(setup.mirror.unkept(), 2);
    // Whoever wants them kept is told.
    put(&setup.remote.archive, 6, 600);
    let cancel = AtomicBool::new(false);
    let error = setup.mirror.sync(&ShelfFilter::default(), 1, &cancel, &|_, _| {}).unwrap_err();
    assert_eq!(error.kind(), crate::SourceErrorKind::NotFound, "{error}");
    assert_mirrors(&setup.process(), &setup);
}

#[test]
fn a_bounded_mirror_stays_within_its_bound_and_does_not_run_in_circles() {
    const MAX: u64 = 500_000;
    let setup = setup_with(MirrorOptions { max_bytes: Some(MAX), ..eager() });
    let community = |n: u32| format!("c{n}");
    for n in 0..10 {
        for day in 1..=3 {
            put_large(&community(n), &setup.remote.archive, day, u64::from(n * 10 + day));
        }
    }
    let check = || {
        let stats = setup.mirror.archive().stats().unwrap();
        assert!(stats.used_bytes <= MAX && stats.file_bytes <= MAX + 200_000, "{stats:?}");
    };
    let sync = |communities: &[String]| {
        let filter = ShelfFilter { communities: communities.to_vec(), years: Vec::new() };
        let cancel = AtomicBool::new(false);
        let report = setup.mirror.sync(&filter, 1, &cancel, &|_, _| check()).unwrap();
        assert!(report.failures.is_empty());
        setup.fetched()
    };
    assert_eq!(sync(&[]), 40);
    assert!(setup.mirror.archive().stats().unwrap().shelves >= 2, "it is used, too");
    assert_eq!(sync(&[]), 0);
    assert_eq!(setup.sync().evicted, 11 - setup.mirror.archive().stats().unwrap().shelves);

    for n in 0..10 {
        let shelf = Shelf { community: community(n), ..shelf() };
        let expected = read_of(&shelf, &setup.remote.archive).unwrap();
        assert_eq!(read_of(&shelf, &setup.mirror).unwrap(), expected);
        check();
    }
    setup.fetched();
    let evicted = setup.mirror.archive().evicted(KIND).unwrap();
    let (named, changed) = (community(0), community(1));
    assert!([&named, &changed].iter().all(|it| evicted.keys().any(|at| at.community == **it)));
    assert_eq!(sync(&[named]), 3);
    put_large(&changed, &setup.remote.archive, 2, 1_000);
    assert_eq!(sync(&[]), 3);
    assert_eq!(sync(&[]), 0);
}

#[test]
fn fingerprints_of_named_communities_and_years() {
    let setup = setup();
    for (community, day) in [("a", 20), ("ab", 21), ("b", 22)] {
        put_of(community, &setup.remote.archive, day, 1);
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for communities in [names(&[]), names(&["a"]), names(&["b", "nobody", "a", "b"])] {
        for years in [vec![], vec![2025], vec![2024], vec![2024, 2025]] {
            let filter = ShelfFilter { communities: communities.clone(), years };
            let of = |source: &dyn DocumentSource| source.fingerprints(KIND, &filter).unwrap();
            assert_eq!(of(&setup.mirror), of(&setup.remote.archive), "{filter:?}");
        }
    }
}

#[test]
fn a_large_shelf_is_written_in_batches_and_held_only_when_it_is_complete() {
    let setup = setup_with(MirrorOptions { batch_bytes: 100_000, ..eager() });
    for day in 11..=20 {
        put_large("global", &setup.remote.archive, day, u64::from(day));
    }
    let held = || setup.mirror.archive().mirrored(&shelf()).unwrap().len();
    let mut most = 0;
    let mut seen = 0;
    let visit = &mut |_: Document<'_>| {
        seen += 1;
        // The first ten are small.
        most = if seen > 13 { most.max(seen - held()) } else { 0 };
        if seen == 19 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    setup.mirror.documents(&shelf(), None, visit).unwrap();
    assert!(most <= 3, "{most} documents wait in memory");
    let begun = held();
    assert!((12..19).contains(&begun));
    assert_eq!(setup.mirror.archive().remembered_of_shelf(&shelf()).unwrap(), None);
    let error = read(&Mirror::offline(setup.open("mirror.db"))).unwrap_err();
    assert_eq!(error.kind(), crate::SourceErrorKind::NotFound, "{error}");

    setup.fetched();
    assert_same(&setup);
    assert_eq!(setup.fetched(), 20 - begun as u64, "what is there is not fetched again");
    assert_eq!(read(&Mirror::offline(setup.open("mirror.db"))).unwrap(), setup.read().unwrap());
}

#[test]
fn another_history_means_everything_is_looked_at_again() {
    let setup = setup();
    assert_same(&setup);
    let fresh =
        Archive::open(setup.folder.path().join("other.db"), ArchiveOptions::default()).unwrap();
    put(&fresh, 5, 5);
    let remote = Arc::new(Counted::new(fresh));
    let Setup { folder, mirror, .. } = setup;
    drop(mirror);
    let archive =
        Archive::open(folder.path().join("mirror.db"), ArchiveOptions::default()).unwrap();
    let mirror = Mirror::new(remote.clone(), archive, eager());
    assert_same(&Setup { folder, remote, mirror });
}

#[test]
fn an_audit_names_every_shelf_that_differs() {
    let setup = setup();
    assert_same(&setup);
    let audit = || setup.mirror.audit(&ShelfFilter::default()).unwrap().differences;
    assert_eq!(audit(), []);
    put(&setup.remote.archive, 4, 400);
    let differences = audit();
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].shelf, shelf());
    assert_eq!(differences[0].mirror.unwrap().count, differences[0].source.count);
    assert!(differences[0].mirror.unwrap().sum < differences[0].source.sum);
    setup.mirror.archive().evict_to(0).unwrap();
    assert_eq!(audit()[0].mirror, None);
}
