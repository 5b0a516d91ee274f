//! The service where the command line cannot reach: a lock that is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use community_stats::service::{
    BulkLock, CachedResponseService, HeldBulkLock, Request, Run, ServiceSettings,
};
use stats_cache::{CacheError, CacheStore, ManualClock, SqliteStore};
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Archive, ArchiveOptions};
use stats_testkit::fixtures;

/// A lock that is lost when its lease was looked at so often.
struct Fading {
    looks: Arc<AtomicU64>,
    enough: u64,
}

impl BulkLock for Fading {
    fn acquire(&self) -> Result<Option<Box<dyn HeldBulkLock>>, CacheError> {
        Ok(Some(Box::new(Self { looks: Arc::clone(&self.looks), enough: self.enough })))
    }
}

impl HeldBulkLock for Fading {
    fn renew(&self) -> Result<bool, CacheError> {
        Ok(!self.lease_left().is_zero())
    }

    fn lease_left(&self) -> Duration {
        let looked = self.looks.fetch_add(1, Ordering::Relaxed);
        if looked < self.enough { Duration::from_secs(60) } else { Duration::ZERO }
    }

    fn release(self: Box<Self>) -> Result<bool, CacheError> {
        Ok(false)
    }
}

#[test]
fn a_run_that_lost_its_lock_stops_writing() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("archive.db");
    let archive = Archive::open(path, ArchiveOptions::default()).unwrap();
    let corpus = Input::Path(fixtures::path("documents/tiny-7"));
    import(vec![corpus], &archive, &ImportOptions::default(), &mut ()).unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("cache.db")).unwrap());
    let clock = ManualClock::new("2025-12-31T12:00:00Z".parse().unwrap());
    let lock = Fading { looks: Arc::default(), enough: 400 };
    let service = CachedResponseService::new(
        Arc::new(archive),
        Arc::clone(&store) as Arc<dyn CacheStore>,
        Arc::new(clock),
        ServiceSettings { lifetime: None, ..ServiceSettings::default() },
    )
    .with_lock(Some(Arc::new(lock)));
    let cancel = AtomicBool::new(false);
    let mut run = Run { workers: 1, cancel: &cancel, progress: &mut |_| () };
    let summary = service.create(&Request::default(), &mut run).unwrap();
    assert!(summary.lock_lost && summary.interrupted);
    assert!(summary.success < 32, "{}", summary.success);
    assert_eq!(store.summary().unwrap().entries, summary.success);
}
