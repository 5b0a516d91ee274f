//! An installation, alone or beside Redis, put together over ports with named points.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use stats_cache::{
    BulkLock, CacheStore, Endpoint, FileLock, Notebook, RedisAddress, RedisClient, RedisLock,
    RedisOptions, RedisRegistry, RedisStore, Registry, SqliteOptions, SqliteStore,
};
use stats_documents::{Archive, ArchiveOptions, Feed, Source};
use stats_jobs::ledger::{Ledger, SqliteLedger, SqliteLedgerOptions};
use stats_jobs::{
    EmbeddedBroker, EmbeddedOptions, Queue, RedisBroker, RedisBrokerOptions, RedisResults, Results,
    Serializer,
};
use stats_model::{Clock, ManualClock, SystemClock};
use stats_service::{
    CachedResponseService, KeepRules, Keeper, RememberedDirectory, ServiceSettings,
};

use super::points::Points;
use super::ports::Pointed;

/// When the corpus is complete, so that the current year is its year.
const NOW: &str = "2025-12-31T12:00:00Z";

/// How long what a killed process held stays in its hand, where that does not end with the process.
pub(super) const LEASE: Duration = Duration::from_millis(400);

/// Where everything is: a data folder, and the database of Redis that has the responses, if one has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) data: PathBuf,
    pub(super) redis: Option<String>,
}

/// What processes work with.
pub(super) struct Parts {
    pub(super) service: Arc<CachedResponseService>,
    pub(super) directory: Arc<RememberedDirectory>,
    pub(super) store: Arc<dyn CacheStore>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) results: Arc<dyn Results>,
    pub(super) points: Points,
}

/// A store, and what goes with it.
struct Stores {
    store: Arc<dyn CacheStore>,
    notebook: Arc<dyn Notebook>,
    lock: Arc<dyn BulkLock>,
    registry: Option<Arc<dyn Registry>>,
}

impl Place {
    /// Opens everything as the program does.
    pub(super) fn open(&self, points: &Points) -> Parts {
        let archive = Archive::open(self.file("archive.db"), ArchiveOptions::default()).unwrap();
        let archive = Arc::new(archive);
        let directory = Arc::new(RememberedDirectory::new(Arc::clone(&archive) as _));
        let documents = Pointed::<dyn Feed>::new(archive, points);
        let Stores { store, notebook, lock, registry } = self.stores();
        let service = CachedResponseService::new(
            Source { documents, directory: Arc::clone(&directory) as _ },
            Pointed::<dyn CacheStore>::new(Arc::clone(&store), points),
            clock(),
            ServiceSettings {
                // A server goes by its own clock, which is ahead of the documents.
                lifetime: Some(SignedDuration::from_hours(24 * 10_000)),
                ..ServiceSettings::default()
            },
        );
        let registry = registry.map(|it| Pointed::<dyn Registry>::new(it, points) as _);
        let service = service
            .with_lock(Some(Pointed::<dyn BulkLock>::new(lock, points)))
            .with_notebook(Some(Pointed::<dyn Notebook>::new(notebook, points)))
            .with_registry(registry);
        let (queue, results) = self.jobs();
        Parts {
            service: Arc::new(service),
            directory,
            store,
            ledger: Pointed::<dyn Ledger>::new(Arc::new(self.ledger()), points),
            queue: Pointed::<dyn Queue>::new(queue, points),
            results: Pointed::<dyn Results>::new(results, points),
            points: points.clone(),
        }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    fn stores(&self) -> Stores {
        let Some(url) = &self.redis else {
            let file = self.file("cache.db");
            let store = SqliteStore::open_with(&file, SqliteOptions::default(), clock()).unwrap();
            let store = Arc::new(store);
            let lock = Arc::new(FileLock::beside(&file));
            return Stores { store: store.clone(), notebook: store, lock, registry: None };
        };
        let client = RedisClient::connect(address(url), RedisOptions::default()).unwrap();
        let client = Arc::new(client);
        let store = Arc::new(RedisStore::open(Arc::clone(&client), "stats_dashboard").unwrap());
        let lock = RedisLock::new(Arc::clone(&client), "cache::", "generation", LEASE);
        let registry: Arc<dyn Registry> = Arc::new(RedisRegistry::new(client, clock()));
        Stores {
            store: store.clone(),
            notebook: store,
            lock: Arc::new(lock),
            registry: Some(registry),
        }
    }

    fn ledger(&self) -> SqliteLedger {
        let (file, options) = (self.file("ledger.db"), SqliteLedgerOptions::default());
        SqliteLedger::open_with(file, options, clock()).unwrap()
    }

    fn jobs(&self) -> (Arc<dyn Queue>, Arc<dyn Results>) {
        let lifetime = RedisResults::LIFETIME;
        let Some(url) = &self.redis else {
            let look = Duration::from_millis(5);
            let options = EmbeddedOptions { lease: LEASE, look, ..EmbeddedOptions::default() };
            let file = self.file("jobs.db");
            let broker = EmbeddedBroker::open(file, options, Arc::new(SystemClock)).unwrap();
            return (Arc::new(broker.queue("stats-cache")), Arc::new(broker.results(lifetime)));
        };
        let options =
            RedisBrokerOptions { visibility_timeout: LEASE, ..RedisBrokerOptions::default() };
        let broker = RedisBroker::open(url, options, Arc::new(SystemClock)).unwrap();
        let results = RedisResults::new(broker.clone(), Serializer::Json, lifetime);
        (Arc::new(broker.queue("stats-cache")), Arc::new(results))
    }
}

impl Parts {
    /// One that knows nothing yet.
    pub(super) fn keeper(&self) -> Keeper {
        let directory = Arc::clone(&self.directory);
        Keeper::new(Arc::clone(&self.service), directory, KeepRules::default())
    }
}

/// The documents' clock.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(NOW.parse().unwrap()))
}

fn address(url: &str) -> RedisAddress {
    let (server, database) = url.strip_prefix("redis://").unwrap().split_once('/').unwrap();
    let (host, port) = server.split_once(':').unwrap();
    let endpoint = Endpoint::Tcp { host: host.to_owned(), port: port.parse().unwrap() };
    RedisAddress::new(endpoint, database.parse().unwrap())
}

/// Copies the files of a data folder.
pub(super) fn copy_files(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
