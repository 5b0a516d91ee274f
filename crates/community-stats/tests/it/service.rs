//! The service where the command line cannot reach: a lock that is lost, a registry that is watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use community_stats::service::{
    BulkLock, CachedResponseService, HeldBulkLock, Request, Run, ServiceError, ServiceSettings,
    Summary,
};
use stats_cache::{CacheError, CacheErrorKind, CacheStore, ManualClock, SqliteStore};
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Archive, ArchiveOptions};
use stats_testkit::fixtures;
use tempfile::TempDir;

/// How a lock ends.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// Its lease is over when it was looked at so often.
    looks: Option<u64>,
    /// Somebody else has it when it was asked for so often.
    asks: Option<u64>,
    /// It cannot be given back.
    stays: bool,
}

/// A lock with faults.
#[derive(Clone, Default)]
struct Fading {
    faults: Faults,
    looked: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
    stolen: Arc<AtomicBool>,
}

impl BulkLock for Fading {
    fn acquire(&self) -> Result<Option<Box<dyn HeldBulkLock>>, CacheError> {
        Ok(Some(Box::new(self.clone())))
    }

    fn holder(&self) -> Result<Option<String>, CacheError> {
        Ok(None)
    }
}

impl HeldBulkLock for Fading {
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
        let lost = over || self.stolen.load(Ordering::Relaxed);
        if lost { Duration::ZERO } else { Duration::from_secs(60) }
    }

    fn release(self: Box<Self>) -> Result<bool, CacheError> {
        if self.faults.stays {
            return Err(CacheError::new(CacheErrorKind::Refused, "releasing the lock"));
        }
        Ok(!self.stolen.load(Ordering::Relaxed) && self.faults.looks.is_none())
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
            Arc::clone(&self.archive) as _,
            Arc::clone(&self.store) as Arc<dyn CacheStore>,
            Arc::new(clock),
            ServiceSettings { lifetime: None, ..ServiceSettings::default() },
        )
    }
}

fn create(service: &CachedResponseService, request: &Request) -> Result<Summary, ServiceError> {
    let cancel = AtomicBool::new(false);
    service.create(request, &mut Run { workers: 1, cancel: &cancel, progress: &mut |_| () })
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
    // Three shelves, each with at most three categories.
    assert!((3..=9).contains(&summary.success), "{}", summary.success);
    assert_eq!(place.store.summary().unwrap().entries, summary.success);
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

    let unknown = community_stats::service::Communities::Named(vec!["nobody".to_owned()]);
    let request = Request { communities: unknown, ..Request::default() };
    let (_, failed) = create_with(faults, &request);
    let failure = community_stats::cli::Failure::from(failed.unwrap_err());
    let message = failure.message.unwrap();
    assert!(message.starts_with("no community has the id 'nobody'"), "{message}");
    assert!(message.contains("the lock was not given back: releasing the lock"), "{message}");
}
