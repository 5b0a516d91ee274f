//! The service where the command line cannot reach: a lock that is lost, a registry that is watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use stats_cache::{
    BulkLock, CacheError, CacheErrorKind, CacheStore, EntryFilter, FirstRun, Lease, LockEntry,
    LockHolder, Notebook, Registry, SqliteStore, UpdateMark, UpdateMarks,
};
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Archive, ArchiveOptions};
use stats_model::ManualClock;
use stats_service::{
    CachedResponseService, Communities, CommunityName, Pool, Progress, Request, Run, ServiceError,
    ServiceSettings, Stop, Summary,
};
use stats_testkit::fixtures;
use tempfile::TempDir;

/// How a lock ends.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// Its lease is over when it was looked at so often.
    looks: Option<u64>,
    /// Somebody else has it when it was asked for so often.
    asks: Option<u64>,
    /// It seems to be lost at this look alone.
    blink: Option<u64>,
    /// It cannot be given back.
    stays: bool,
}

/// A lock with faults.
#[derive(Clone, Default)]
struct Fading {
    faults: Faults,
    token: &'static str,
    looked: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
    stolen: Arc<AtomicBool>,
}

impl BulkLock for Fading {
    fn name(&self) -> String {
        "fading".to_owned()
    }

    fn acquire(&self, _: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError> {
        Ok(Some(Box::new(self.clone())))
    }

    fn join(&self, _: &str) -> Result<Option<Box<dyn Lease>>, CacheError> {
        Ok(None)
    }

    fn holder(&self) -> Result<Option<LockHolder>, CacheError> {
        Ok(None)
    }

    fn take_away(&self, _: &dyn Fn(&LockHolder) -> bool) -> Result<Option<LockHolder>, CacheError> {
        Ok(None)
    }
}

impl Lease for Fading {
    fn token(&self) -> &str {
        self.token
    }

    fn entry(&self) -> Option<LockEntry> {
        None
    }

    fn renew(&self) -> Result<bool, CacheError> {
        Ok(!self.lease_left().is_zero())
    }

    fn still_held(&self) -> Result<bool, CacheError> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if self.faults.asks.is_some_and(|enough| asked >= enough) {
            self.stolen.store(true, Ordering::Relaxed);
        }
        Ok(!self.stolen.load(Ordering::Relaxed))
    }

    fn lease_left(&self) -> Duration {
        let looked = self.looked.fetch_add(1, Ordering::Relaxed);
        let over = self.faults.looks.is_some_and(|enough| looked >= enough);
        let over = over || self.faults.blink == Some(looked);
        let lost = over || self.stolen.load(Ordering::Relaxed);
        if lost { Duration::ZERO } else { Duration::from_secs(60) }
    }

    fn release(&self) -> Result<bool, CacheError> {
        if self.faults.stays {
            return Err(CacheError::new(CacheErrorKind::Refused, "releasing the lock"));
        }
        Ok(!self.stolen.load(Ordering::Relaxed) && self.faults.looks.is_none())
    }
}

/// A registry whose marks last for a moment, and that counts how often they were set.
#[derive(Default)]
struct Watched {
    marked: AtomicU64,
    unmarked: AtomicU64,
    first_runs: AtomicU64,
    alone: AtomicBool,
}

impl Registry for Watched {
    fn mark_generating(&self, _: &str, _: &[(String, i16)], alone: bool) -> Result<(), CacheError> {
        assert_eq!(self.unmarked.load(Ordering::Relaxed), 0, "marked again at the end");
        self.marked.fetch_add(1, Ordering::Relaxed);
        self.alone.store(alone, Ordering::Relaxed);
        Ok(())
    }

    fn marks_last(&self) -> Duration {
        Duration::from_millis(30)
    }

    fn unmark_generating(&self, _: &str, _: &[(String, i16)]) -> Result<(), CacheError> {
        self.unmarked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn first_runs(&self, communities: &[String]) -> Result<Vec<Option<FirstRun>>, CacheError> {
        Ok(vec![Some(FirstRun::InProgress); communities.len()])
    }

    fn complete_first_run(&self, _: &str) -> Result<(), CacheError> {
        self.first_runs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn update_marks(&self) -> Result<UpdateMarks, CacheError> {
        let unreadable = (0..7).map(|number| format!("x{number}_agg_updated_soon")).collect();
        Ok(UpdateMarks { marks: Vec::new(), unreadable })
    }

    fn remove_update_mark(&self, _: &UpdateMark) -> Result<bool, CacheError> {
        unreachable!("there are none")
    }
}

/// The corpus `tiny-7` and a store of its own.
struct Place {
    _folder: TempDir,
    store: Arc<SqliteStore>,
    archive: Arc<Archive>,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("archive.db");
        let archive = Archive::open(path, ArchiveOptions::default()).unwrap();
        let corpus = Input::Path(fixtures::path("documents/tiny-7"));
        import(vec![corpus], &archive, &ImportOptions::default(), &mut ()).unwrap();
        let store = Arc::new(SqliteStore::open(folder.path().join("cache.db")).unwrap());
        Self { _folder: folder, store, archive: Arc::new(archive) }
    }

    fn service(&self) -> CachedResponseService {
        let clock = ManualClock::new("2025-12-31T12:00:00Z".parse().unwrap());
        CachedResponseService::new(
            Arc::clone(&self.archive),
            Arc::clone(&self.store) as Arc<dyn CacheStore>,
            Arc::new(clock),
            ServiceSettings { lifetime: None, ..ServiceSettings::default() },
        )
    }
}

fn create(service: &CachedResponseService, request: &Request) -> Result<Summary, ServiceError> {
    let run = &mut Run {
        hands: &Pool,
        workers: 1,
        most: None,
        stop: Stop::default(),
        progress: &mut |_| (),
    };
    service.create(request, run)
}

fn create_with(faults: Faults, request: &Request) -> (Place, Result<Summary, ServiceError>) {
    let place = Place::new();
    let lock = Fading { faults, ..Fading::default() };
    let created = create(&place.service().with_lock(Some(Arc::new(lock))), request);
    (place, created)
}

#[test]
fn a_run_that_lost_its_lock_stops_writing() {
    let faults = Faults { looks: Some(400), ..Faults::default() };
    let (place, summary) = create_with(faults, &Request::default());
    let summary = summary.unwrap();
    assert!(summary.lock_lost && summary.interrupted);
    assert!(summary.success < 32, "{}", summary.success);
    assert_eq!(place.store.summary().unwrap().entries, summary.success);
}

#[test]
fn a_lock_that_is_taken_away_stops_a_run_though_its_lease_runs_on() {
    let faults = Faults { asks: Some(3), ..Faults::default() };
    let (place, summary) = create_with(faults, &Request::default());
    let summary = summary.unwrap();
    assert!(summary.lock_lost && summary.interrupted);
    // It is asked when the run begins, before a shelf is stored, and in every write.
    assert_eq!((summary.success, summary.failed), (1, 0));
    assert_eq!(place.store.summary().unwrap().entries, summary.success);
}

/// Only the store knows: the lease goes on, and nobody looks at the lock itself.
#[test]
fn a_run_that_the_store_refuses_has_lost_its_lock() {
    let place = Place::new();
    let notebook = Arc::clone(&place.store) as Arc<dyn Notebook>;
    let lock = Arc::new(Fading { token: "one", ..Fading::default() });
    let service = place.service().with_notebook(Some(notebook)).with_lock(Some(lock));
    let mut found = None;
    let mut take_over = |_: &Progress<'_>| {
        let successor = Arc::new(Fading { token: "two", ..Fading::default() });
        let entries = || place.store.list(&EntryFilter::default()).unwrap();
        found.get_or_insert_with(|| {
            drop(place.store.fenced(successor).unwrap());
            entries()
        });
    };
    let mut run = Run {
        hands: &Pool,
        workers: 1,
        most: None,
        stop: Stop::default(),
        progress: &mut take_over,
    };
    let summary = service.create(&Request::default(), &mut run).unwrap();
    assert!(summary.lock_lost && summary.interrupted);
    assert_eq!((summary.failed, summary.warnings.as_slice()), (0, &[][..]));
    assert!((1..32).contains(&summary.success), "{}", summary.success);
    let left = place.store.list(&EntryFilter::default()).unwrap();
    assert_eq!((left.len() as u64, Some(left)), (summary.success, found));
    assert_eq!(place.store.recall().unwrap().notes.len(), 0);
}

#[test]
fn a_run_whose_lock_is_lost_before_it_begins_does_nothing() {
    let faults = Faults { asks: Some(0), ..Faults::default() };
    let (place, summary) = create_with(faults, &Request::default());
    let summary = summary.unwrap();
    assert!(summary.lock_lost && summary.interrupted);
    assert_eq!(summary.total(), 0);
    assert_eq!(place.store.summary().unwrap().entries, 0);
}

/// Whatever made a run leave out cells: what it does not speak of was not done.
#[test]
fn a_run_that_does_not_speak_of_every_cell_is_interrupted() {
    let mut interrupted = 0;
    for blink in [20, 60, 100, 140] {
        let faults = Faults { blink: Some(blink), ..Faults::default() };
        let (place, summary) = create_with(faults, &Request::default());
        let summary = summary.unwrap();
        assert!(!summary.lock_lost, "it was only a blink");
        assert_eq!(summary.interrupted, summary.total() < 32, "{blink}: {}", summary.total());
        assert_eq!(place.store.summary().unwrap().entries, summary.success);
        interrupted += u32::from(summary.interrupted);
    }
    assert!(interrupted > 0);
}

#[test]
fn a_lock_that_is_gone_at_the_end_was_lost() {
    let faults = Faults { looks: Some(u64::MAX), ..Faults::default() };
    let (_, summary) = create_with(faults, &Request::default());
    let summary = summary.unwrap();
    assert_eq!((summary.success, summary.lock_lost), (32, true));
}

#[test]
fn a_lock_that_cannot_be_given_back_is_told_whatever_came_out() {
    let faults = Faults { stays: true, ..Faults::default() };
    let (_, summary) = create_with(faults, &Request::default());
    let warnings = summary.unwrap().warnings.join("; ");
    assert!(warnings.contains("the lock was not given back: releasing the lock"), "{warnings}");

    let unknown = Communities::Named(vec![CommunityName::Any("nobody".to_owned())]);
    let request = Request { communities: unknown, ..Request::default() };
    let (_, failed) = create_with(faults, &request);
    let ServiceError::NotReleased { error, release } = failed.unwrap_err() else {
        panic!("both are told")
    };
    assert!(error.to_string().starts_with("no community has the id 'nobody'"), "{error}");
    assert_eq!(release.to_string(), "releasing the lock");
}

#[test]
fn a_long_run_is_marked_as_long_as_it_lasts() {
    let (place, registry) = (Place::new(), Arc::new(Watched::default()));
    let service = place
        .service()
        .with_registry(Some(Arc::clone(&registry) as _))
        .with_lock(Some(Arc::new(Fading::default())));
    let mut slowly = |_: &Progress<'_>| std::thread::sleep(Duration::from_millis(20));
    let mut run =
        Run { hands: &Pool, workers: 1, most: None, stop: Stop::default(), progress: &mut slowly };
    let summary = service.create(&Request::default(), &mut run).unwrap();
    let marked = registry.marked.load(Ordering::Relaxed);
    assert!(marked > 5, "{marked}");
    assert!(registry.alone.load(Ordering::Relaxed), "it holds the lock");
    assert_eq!(registry.first_runs.load(Ordering::Relaxed), 4);
    let warnings = summary.warnings.join("; ");
    assert!(
        warnings.ends_with("x3_agg_updated_soon, x4_agg_updated_soon and 2 more"),
        "{warnings}"
    );
}

/// Whoever has the lock now keeps the registry, too.
#[test]
fn a_lock_that_is_lost_at_the_last_moment_completes_no_first_run() {
    let (place, registry) = (Place::new(), Arc::new(Watched::default()));
    // When it begins, before each of four kinds of documents of four communities, in each write.
    let faults = Faults { asks: Some(1 + 16 + 32), ..Faults::default() };
    let lock = Fading { faults, ..Fading::default() };
    let service = place.service().with_registry(Some(Arc::clone(&registry) as _));
    let summary = create(&service.with_lock(Some(Arc::new(lock))), &Request::default()).unwrap();
    assert_eq!((summary.success, summary.lock_lost), (32, true));
    assert_eq!(registry.first_runs.load(Ordering::Relaxed), 0);
    assert_eq!(registry.unmarked.load(Ordering::Relaxed), 1);
}
