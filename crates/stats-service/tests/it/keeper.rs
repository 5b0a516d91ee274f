//! The keeper over a real archive and a real store, by a clock of its own: it finds what has to be
//! done, does no more than that, and asks for nothing while nothing happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use stats_cache::{CacheStore, EntryFilter, SqliteOptions, SqliteStore};
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{
    Archive, ArchiveOptions, Changes, Documents, Feed, Pulse, ShelfFilter, Source, SourceError,
    Visit,
};
use stats_model::{
    Bookmark, Clock, DocumentKind, Fingerprint, ManifestEntry, ManualClock, Position, PositionMark,
    Shelf,
};
use stats_service::{
    CachedResponseService, KeepRules, Keeper, Look, Occasion, Outcome, Over, Pool,
    RememberedDirectory, Run, ServiceSettings, StateName, Stop, Summary,
};
use stats_testkit::fixtures;
use tempfile::TempDir;

/// All responses of the corpus `tiny-7`.
const ALL: u64 = 32;

/// An archive that counts what it is asked.
struct Counted {
    archive: Arc<Archive>,
    pulses: AtomicU64,
    /// The pulse that is told, whatever that of the archive is.
    told: Mutex<Option<Pulse>>,
    questions: AtomicU64,
    read: Mutex<BTreeSet<String>>,
}

impl Counted {
    fn ask(&self) -> &Archive {
        self.questions.fetch_add(1, Ordering::Relaxed);
        &self.archive
    }
}

impl Documents for Counted {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        self.ask().position(kind)
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
        self.ask().manifest(shelf)
    }

    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        self.read.lock().unwrap().insert(shelf.community.clone());
        self.ask().documents(shelf, only, visit)
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
        self.ask().changed_since(kind, since)
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        self.pulses.fetch_add(1, Ordering::Relaxed);
        let told = self.told.lock().unwrap().clone();
        told.map_or_else(|| self.archive.pulse(), Ok)
    }
}

/// The corpus `tiny-7`, a store, a clock, and a keeper over them.
struct Place {
    _folder: TempDir,
    clock: Arc<ManualClock>,
    source: Arc<Counted>,
    store: Arc<SqliteStore>,
    keeper: Keeper,
}

impl Place {
    fn new() -> Self {
        Self::living(Some(SignedDuration::from_hours(30 * 24)))
    }

    /// One whose entries live so long.
    fn living(lifetime: Option<SignedDuration>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("archive.db");
        let archive = Arc::new(Archive::open(path, ArchiveOptions::default()).unwrap());
        add(&archive, "documents/tiny-7");
        let clock = Arc::new(ManualClock::new("2025-12-31T12:00:00Z".parse().unwrap()));
        let store = SqliteStore::open_with(
            folder.path().join("cache.db"),
            SqliteOptions::default(),
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        let store = Arc::new(store.unwrap());
        let source = Arc::new(Counted {
            archive: Arc::clone(&archive),
            pulses: AtomicU64::new(0),
            told: Mutex::default(),
            questions: AtomicU64::new(0),
            read: Mutex::default(),
        });
        let directory = Arc::new(RememberedDirectory::new(archive));
        let (documents, communities) = (Arc::clone(&source) as _, Arc::clone(&directory) as _);
        let service = CachedResponseService::new(
            Source { documents, directory: communities },
            Arc::clone(&store) as Arc<dyn CacheStore>,
            Arc::clone(&clock) as Arc<dyn Clock>,
            ServiceSettings { lifetime, ..ServiceSettings::default() },
        )
        .with_notebook(Some(Arc::clone(&store) as _));
        let keeper = Keeper::new(Arc::new(service), directory, KeepRules::default());
        Self { _folder: folder, clock, source, store, keeper }
    }

    fn look(&mut self) -> Look {
        self.keeper.look(false).unwrap()
    }

    /// Looks, and makes what has to be made.
    fn keep(&mut self) -> (Look, Summary) {
        let look = self.look();
        let Look::Work(work) = &look else { return (look, Summary::default()) };
        let mut run = Run {
            hands: &Pool,
            workers: 2,
            most: None,
            stop: Stop::default(),
            progress: &mut |_| (),
        };
        let summary = self.keeper.make(work, &mut run).unwrap();
        (look, summary)
    }

    /// Makes everything, and looks until nothing is left to be seen.
    fn kept(mut self) -> Self {
        assert_eq!(self.keep().1.success, ALL);
        self.settle();
        self
    }

    /// Writing down what was read moves an archive, too; and what moved is looked at once more.
    fn settle(&mut self) {
        for pause in [SignedDuration::from_secs(5), SignedDuration::ZERO] {
            while self.look() != Look::Quiet {}
            self.wait(pause);
        }
    }

    fn fresh(&self) -> u64 {
        self.keeper.board().counts().get(&StateName::Fresh).copied().unwrap_or_default()
    }

    fn wait(&self, time: SignedDuration) {
        self.clock.advance(time);
    }
}

fn add(archive: &Archive, name: &str) {
    let corpus = Input::Path(fixtures::path(name));
    import(vec![corpus], archive, &ImportOptions::default(), &mut ()).unwrap();
}

fn add_lines(archive: &Archive, lines: &str) {
    let input = Input::Path({
        let file = archive.path().with_file_name("more.ndjson");
        std::fs::write(&file, lines).unwrap();
        file
    });
    import(vec![input], archive, &ImportOptions::default(), &mut ()).unwrap();
}

#[test]
fn everything_is_made_at_first_and_nothing_is_asked_while_nothing_happens() {
    let mut place = Place::new();
    let (look, summary) = place.keep();
    let Look::Work(work) = look else { panic!("{look:?}") };
    assert_eq!((work.occasion, work.cells, summary.success), (Occasion::Start, ALL, ALL));
    assert_eq!(place.fresh(), ALL);
    place.settle();
    let (pulses, questions) = (&place.source.pulses, &place.source.questions);
    let before = (pulses.load(Ordering::Relaxed), questions.load(Ordering::Relaxed));
    for _ in 0..10 {
        place.wait(SignedDuration::from_secs(30));
        assert_eq!(place.keeper.look(false).unwrap(), Look::Quiet);
    }
    let after = (pulses.load(Ordering::Relaxed), questions.load(Ordering::Relaxed));
    assert_eq!(after, (before.0 + 10, before.1));
}

#[test]
fn only_what_changed_is_made_again() {
    let mut place = Place::new().kept();
    let (community, line) = changed_document(&place.source.archive);
    place.source.read.lock().unwrap().clear();
    add_lines(&place.source.archive, &line);
    let (look, summary) = place.keep();
    let Look::Work(work) = look else { panic!("{look:?}") };
    assert_eq!((work.occasion, work.cells, summary.success), (Occasion::Moved, 3, 3));
    assert!(summary.responses.iter().all(|made| made.cell.community == community));
    assert_eq!(*place.source.read.lock().unwrap(), BTreeSet::from([community]));
    assert_eq!(place.fresh(), ALL);
}

/// The community of a document of the usage deltas, and the document with another number.
fn changed_document(archive: &Archive) -> (String, String) {
    let (community, id, document) = first_document(archive);
    let changed = document.replacen(":0", ":1", 1);
    assert_ne!(changed, document);
    let index = "stats-community-usage-delta-2025";
    (community, format!("{{\"_index\":{index:?},\"_id\":{id:?},\"_source\":{changed}}}\n"))
}

/// The community, id and text of a document of the usage deltas.
fn first_document(archive: &Archive) -> (String, String, String) {
    let shelves = archive.fingerprints(DocumentKind::UsageDelta, &ShelfFilter::default()).unwrap();
    let shelf = shelves.into_keys().find(|shelf| shelf.community != "global").unwrap();
    let mut found = None;
    let mut visit = |document: stats_documents::Document<'_>| {
        let text = String::from_utf8(document.source.to_vec()).unwrap();
        found = Some((shelf.community.clone(), document.id.to_owned(), text));
        std::ops::ControlFlow::Break(())
    };
    archive.documents(&shelf, None, &mut visit).unwrap();
    found.unwrap()
}

/// What is written is told of, and then found a moment later, without another word.
#[test]
fn what_can_be_seen_only_after_it_moved_is_found() {
    let mut place = Place::new().kept();
    let mut pulse = place.source.archive.pulse().unwrap();
    pulse.documents.0.push(PositionMark::written("refreshed", 1));
    *place.source.told.lock().unwrap() = Some(pulse);
    assert_eq!(place.look(), Look::Nothing(Occasion::Moved));
    add_lines(&place.source.archive, &changed_document(&place.source.archive).1);
    assert_eq!(place.look(), Look::Quiet, "a refresh takes a moment");
    place.wait(SignedDuration::from_secs(5));
    let Look::Work(work) = place.look() else { panic!("what was written is not seen") };
    assert_eq!(work.occasion, Occasion::Moved);
}

#[test]
fn what_somebody_removed_is_found_when_everything_is_compared() {
    let mut place = Place::new().kept();
    assert_eq!(place.store.clear().unwrap(), ALL);
    assert_eq!(place.look(), Look::Quiet);
    place.wait(KeepRules::default().beat);
    let (look, summary) = place.keep();
    assert!(matches!(&look, Look::Work(work) if work.occasion == Occasion::Beat), "{look:?}");
    assert_eq!((summary.success, place.fresh()), (ALL, ALL));
}

#[test]
fn whoever_asks_has_everything_compared() {
    let mut place = Place::new().kept();
    place.store.clear().unwrap();
    let look = place.keeper.look(true).unwrap();
    assert!(matches!(&look, Look::Work(work) if work.occasion == Occasion::Asked), "{look:?}");
}

/// The end of each entry, and when it was made.
fn ends(store: &SqliteStore) -> Vec<(Option<Timestamp>, Option<Timestamp>)> {
    let entries = store.list(&EntryFilter::default()).unwrap();
    let entries = entries.iter().filter_map(|entry| entry.description());
    entries.map(|entry| (entry.expires, entry.created)).collect()
}

#[test]
fn what_is_as_it_should_be_lives_on_before_it_ends() {
    let mut place = Place::living(Some(SignedDuration::from_hours(10))).kept();
    let before = ends(&place.store);
    place.wait(SignedDuration::from_mins(6 * 60));
    assert!(!matches!(place.look(), Look::Work(_)));
    let after = ends(&place.store);
    for ((end, made), (longer, same)) in before.iter().zip(&after) {
        assert!(longer > end && made == same, "{end:?} {longer:?}");
    }
    assert_eq!(place.fresh(), ALL);
}

/// A document that is written again, and one that says no more than before, leave the bodies alone.
#[test]
fn a_response_that_comes_out_equal_is_not_written_again() {
    let mut place = Place::new().kept();
    let bodies = |place: &Place| place.store.summary().unwrap().stored_bytes;
    let before = bodies(&place);
    let (_, id, document) = first_document(&place.source.archive);
    let changed = document.replacen('{', r#"{"unread":1,"#, 1);
    let line = format!(
        r#"{{"_index":"stats-community-usage-delta-2025","_id":{id:?},"_source":{changed}}}"#
    );
    add_lines(&place.source.archive, &format!("{line}\n"));
    let equal = AtomicU64::new(0);
    let Look::Work(work) = place.look() else { panic!("the shelf is another one") };
    let mut count = |at: &stats_service::Progress<'_>| {
        let is_equal = matches!(at.outcome, Outcome::Stored { over: Over::Equal, .. });
        equal.fetch_add(u64::from(is_equal), Ordering::Relaxed);
    };
    let mut run =
        Run { hands: &Pool, workers: 1, most: None, stop: Stop::default(), progress: &mut count };
    let summary = place.keeper.make(&work, &mut run).unwrap();
    assert_eq!((summary.success, equal.load(Ordering::Relaxed)), (3, 3));
    assert_eq!((place.fresh(), bodies(&place)), (ALL, before));
}

#[test]
fn entries_without_an_end_are_left_alone() {
    let mut place = Place::living(None).kept();
    place.wait(SignedDuration::from_hours(11));
    place.look();
    assert!(ends(&place.store).iter().all(|(end, _)| end.is_none()));
}

#[test]
fn another_day_has_everything_compared() {
    let mut place = Place::new().kept();
    place.wait(SignedDuration::from_hours(12));
    // Another year has begun, and yesterday was aggregated.
    let (look, summary) = place.keep();
    assert!(matches!(&look, Look::Work(work) if work.occasion == Occasion::Day), "{look:?}");
    assert_eq!((summary.success, place.fresh()), (ALL, 2 * ALL));
    place.wait(SignedDuration::from_hours(24));
    assert!(matches!(place.look(), Look::Nothing(Occasion::Day)));
}

#[test]
fn what_cannot_be_made_is_tried_with_pauses_and_given_up_until_it_changes() {
    let mut place = Place::new().kept();
    let (community, id, document) = first_document(&place.source.archive);
    let put = |place: &Place, text: &str| {
        let line = format!(
            r#"{{"_index":"stats-community-usage-delta-2025","_id":{id:?},"_source":{text}}}"#
        );
        add_lines(&place.source.archive, &format!("{line}\n"));
    };
    let broken = document.replacen(r#""totals":"#, r#""totals":"x","were":"#, 1);
    assert_ne!(broken, document);
    put(&place, &broken);
    let (_, summary) = place.keep();
    assert!(summary.failed > 0, "{summary:?}");
    let failed = summary.failed;
    let counts = |place: &Place, state| {
        place.keeper.board().counts().get(&state).copied().unwrap_or_default()
    };
    assert_eq!(counts(&place, StateName::Failed), failed);
    place.settle();

    let mut tried = 1;
    while counts(&place, StateName::Dead) == 0 {
        assert!(tried < 50, "it is given up at last");
        place.wait(SignedDuration::from_mins(9));
        tried += u32::from(place.keep().1.failed > 0);
    }
    assert_eq!((tried, counts(&place, StateName::Dead)), (5, failed));
    place.wait(SignedDuration::from_mins(9));
    assert!(!matches!(place.look(), Look::Work(_)), "it is in nobody's way");
    let untrue = place.keeper.board().oldest_untrue().unwrap();
    assert_eq!((untrue.state, untrue.cell.community), (StateName::Dead, community));

    put(&place, &document);
    let (_, summary) = place.keep();
    assert_eq!((summary.failed, summary.success), (0, failed));
    assert_eq!(place.fresh(), ALL);
}
