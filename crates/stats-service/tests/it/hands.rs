//! Tasks that are made by others for a run.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use stats_cache::{
    BulkLock, CacheError, CacheStore, FileLock, Lease, LockEntry, LockHolder, SqliteStore,
};
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Archive, ArchiveOptions};
use stats_model::ManualClock;
use stats_series::FloatStyle;
use stats_service::{
    CachedResponseService, Errand, Hands, Job, Outcome, Over, Pool, Progress, Request, Run,
    ServiceError, ServiceSettings, ShelfReport, ShelfTask, Stop, Summary,
};
use stats_testkit::fixtures;
use tempfile::TempDir;

/// An archive, a store and its lock, for as many processes as a test needs.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: TempDir::new().unwrap() };
        place.import("archive.db");
        place
    }

    fn import(&self, name: &str) {
        let archive =
            Archive::open(self.folder.path().join(name), ArchiveOptions::default()).unwrap();
        let corpus = Input::Path(fixtures::path("documents/tiny-7"));
        import(vec![corpus], &archive, &ImportOptions::default(), &mut ()).unwrap();
    }

    fn lock(&self) -> FileLock {
        FileLock::beside(&self.folder.path().join("cache.db"))
    }

    /// The service as another process has it.
    fn service(&self, archive: &str, settings: ServiceSettings) -> CachedResponseService {
        let path = self.folder.path().join(archive);
        let archive = Arc::new(Archive::open(path, ArchiveOptions::default()).unwrap());
        let store = SqliteStore::open(self.folder.path().join("cache.db")).unwrap();
        let store: Arc<dyn CacheStore> = Arc::new(store);
        let clock = Arc::new(ManualClock::new("2025-12-31T12:00:00Z".parse().unwrap()));
        let settings = ServiceSettings { lifetime: None, ..settings };
        let service = CachedResponseService::new(archive, store, clock, settings);
        service.with_lock(Some(Arc::new(self.lock())))
    }

    fn worker(&self) -> CachedResponseService {
        self.service("archive.db", ServiceSettings::default())
    }
}

fn create(service: &CachedResponseService, hands: &dyn Hands) -> Summary {
    let (stop, progress) = (Stop::default(), &mut |_: &Progress<'_>| ());
    let run = &mut Run { hands, workers: 2, most: None, stop, progress };
    service.create(&Request::default(), run).unwrap()
}

/// Has everything made by another service, as a message would carry it, each task twice.
struct Elsewhere {
    worker: CachedResponseService,
    found: AtomicUsize,
    last: Mutex<Option<Errand>>,
}

impl Hands for Elsewhere {
    fn make_all(
        &self,
        job: &Job<'_>,
        tasks: VecDeque<ShelfTask>,
        tell: &mut dyn FnMut(ShelfReport),
    ) -> Vec<String> {
        for task in tasks {
            let text = serde_json::to_string(&job.errand(&task)).unwrap();
            let errand: Errand = serde_json::from_str(&text).unwrap();
            assert_eq!(errand, job.errand(&task));
            let made = self.worker.make_errand(&errand, &Stop::default()).unwrap();
            let again = self.worker.make_errand(&errand, &Stop::default()).unwrap();
            let is_found =
                |outcome: &Outcome| matches!(outcome, Outcome::Stored { over: Over::Found, .. });
            assert!(again.outcomes.iter().all(|(_, outcome)| is_found(outcome)), "{again:?}");
            assert_eq!(again.documents, 0);
            self.found.fetch_add(again.outcomes.len(), Ordering::Relaxed);
            let text = serde_json::to_string(&made).unwrap();
            let told: ShelfReport = serde_json::from_str(&text).unwrap();
            assert!(task.is_told_by(&told));
            tell(told);
            *self.last.lock().unwrap() = Some(errand);
        }
        vec!["made elsewhere".to_owned()]
    }
}

#[test]
fn what_is_made_elsewhere_counts_and_is_made_once() {
    let place = Place::new();
    let worker = place.worker();
    let hands = Elsewhere { worker, found: AtomicUsize::new(0), last: Mutex::new(None) };
    let summary = create(&place.worker(), &hands);
    assert_eq!((summary.success, summary.total(), summary.interrupted), (32, 32, false));
    assert_eq!(hands.found.into_inner(), 32);
    assert!(summary.documents > 0 && summary.response_bytes > 0);
    assert_eq!(summary.warnings, ["made elsewhere"]);
    // The run is over: what comes late is refused, also while another one goes on.
    let errand = hands.last.into_inner().unwrap().unwrap();
    let late = || hands.worker.make_errand(&errand, &Stop::default()).unwrap_err();
    assert!(matches!(late(), ServiceError::RunOver), "{}", late());
    let held = place.lock().acquire("2025-12-31T12:00:00Z".parse().unwrap()).unwrap().unwrap();
    assert!(matches!(late(), ServiceError::RunOver), "{}", late());
    drop(held);
    assert_eq!(create(&place.worker(), &Pool).skipped, 32);
}

/// Tells of no task, and asks somebody with another source or other settings for the first one.
struct Others(Vec<CachedResponseService>);

impl Hands for Others {
    fn make_all(
        &self,
        job: &Job<'_>,
        tasks: VecDeque<ShelfTask>,
        _: &mut dyn FnMut(ShelfReport),
    ) -> Vec<String> {
        let errand = job.errand(&tasks[0]);
        let refused = |other: &CachedResponseService| {
            other.make_errand(&errand, &Stop::default()).unwrap_err().to_string()
        };
        self.0.iter().map(refused).collect()
    }
}

#[test]
fn whoever_would_make_other_responses_makes_none_and_what_nobody_made_is_not_done() {
    let place = Place::new();
    place.import("another.db");
    let floats = FloatStyle::Signed;
    let others = Others(vec![
        place.service("another.db", ServiceSettings::default()),
        place.service("archive.db", ServiceSettings { floats, ..ServiceSettings::default() }),
        place.worker().with_lock(None),
    ]);
    let summary = create(&place.worker(), &others);
    let expected = [
        "the documents are those of another source",
        "the version or the settings differ",
        "the lock of bulk runs is switched off",
    ];
    for (warning, why) in summary.warnings.iter().zip(expected) {
        assert!(warning.ends_with(why), "{warning}");
    }
    assert_eq!((summary.warnings.len(), summary.total(), summary.interrupted), (3, 0, true));
    assert_eq!(place.worker().store().summary().unwrap().entries, 0);
}

/// A lock that never tells that it is lost. When it is asked in front of a write, a successor begins.
struct Deaf {
    successor: Arc<dyn CacheStore>,
    asked: Arc<AtomicUsize>,
    token: &'static str,
}

impl Deaf {
    fn lease(&self, token: &'static str) -> Self {
        Self { successor: Arc::clone(&self.successor), asked: Arc::clone(&self.asked), token }
    }
}

impl BulkLock for Deaf {
    fn name(&self) -> String {
        "deaf".to_owned()
    }

    fn acquire(&self, _: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError> {
        Ok(None)
    }

    fn join(&self, _: &str) -> Result<Option<Box<dyn Lease>>, CacheError> {
        Ok(Some(Box::new(self.lease("one"))))
    }

    fn holder(&self) -> Result<Option<LockHolder>, CacheError> {
        Ok(None)
    }

    fn take_away(&self, _: &dyn Fn(&LockHolder) -> bool) -> Result<Option<LockHolder>, CacheError> {
        Ok(None)
    }
}

impl Lease for Deaf {
    fn token(&self) -> &str {
        self.token
    }

    fn entry(&self) -> Option<LockEntry> {
        None
    }

    fn renew(&self) -> Result<bool, CacheError> {
        Ok(true)
    }

    /// First when the run is named in the store, then in front of the first write.
    fn still_held(&self) -> Result<bool, CacheError> {
        if self.token == "one" && self.asked.fetch_add(1, Ordering::Relaxed) == 1 {
            drop(self.successor.fenced(Arc::new(self.lease("two")))?);
        }
        Ok(true)
    }

    fn lease_left(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn release(&self) -> Result<bool, CacheError> {
        Ok(true)
    }
}

/// Nothing but the store knows: that is enough.
#[test]
fn a_write_for_a_run_that_has_a_successor_is_refused_by_the_store() {
    let place = Place::new();
    let store = SqliteStore::open(place.folder.path().join("cache.db")).unwrap();
    let lock = Deaf { successor: Arc::new(store), asked: Arc::default(), token: "" };
    let asked = Arc::clone(&lock.asked);
    let worker = place.worker().with_lock(Some(Arc::new(lock)));
    let taken = Taken(Mutex::new(None));
    create(&place.worker(), &taken);
    let errand = taken.0.into_inner().unwrap().unwrap();
    let refused = worker.make_errand(&errand, &Stop::default()).unwrap_err();
    assert!(matches!(refused, ServiceError::RunOver), "{refused}");
    assert!(asked.load(Ordering::Relaxed) >= 2, "it did not come as far as to write");
    assert_eq!(place.worker().store().summary().unwrap().entries, 0);
}

/// Takes the first task, and makes none.
struct Taken(Mutex<Option<Errand>>);

impl Hands for Taken {
    fn make_all(
        &self,
        job: &Job<'_>,
        tasks: VecDeque<ShelfTask>,
        _: &mut dyn FnMut(ShelfReport),
    ) -> Vec<String> {
        *self.0.lock().unwrap() = Some(job.errand(&tasks[0]));
        Vec::new()
    }
}
