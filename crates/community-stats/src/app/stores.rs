//! The stores of responses, and what Redis shares with the Python side.

use std::sync::Arc;
use std::time::Duration;

use stats_cache::{
    CacheError, CacheStore, HeldLock, Notebook, RedisClient, RedisLock, RedisOptions,
    RedisRegistry, RedisStore, Registry, SqliteOptions, SqliteStore,
};

use super::{App, AppError, make_folder_of};
use crate::config::{RedisUrl, StoreKind};
use crate::connections::redis_address;
use crate::service::{BulkLock, HeldBulkLock, Nothing};

impl App {
    pub(super) fn store(&self) -> Result<Stores, AppError> {
        match self.settings.cache.store {
            StoreKind::Sqlite => {
                let path = self.settings.cache.file_path(&self.settings.data);
                make_folder_of(&path)?;
                let (options, clock) = (SqliteOptions::default(), Arc::clone(&self.clock));
                let store = Arc::new(SqliteStore::open_with(path, options, clock)?);
                let notebook: Option<Arc<dyn Notebook>> = Some(Arc::clone(&store) as _);
                Ok(Stores { notebook, ..Stores::alone(store) })
            }
            StoreKind::Redis => self.redis(),
        }
    }

    /// The store, or an empty one when there is no file for it yet.
    pub(super) fn store_if_any(&self) -> Result<Stores, AppError> {
        let file = self.settings.cache.file_path(&self.settings.data);
        let missing = self.settings.cache.store == StoreKind::Sqlite && !file.exists();
        if missing { Ok(Stores::alone(Arc::new(Nothing))) } else { self.store() }
    }

    /// The Redis databases that the Python side shares. Those of registry and lock are connected to
    /// when a run needs them.
    fn redis(&self) -> Result<Stores, AppError> {
        let targets = self.settings.cache.redis_targets();
        let responses = redis_client(&targets.responses)?;
        let registry = if targets.registry == targets.responses {
            Arc::clone(&responses)
        } else {
            prepared_client(&targets.registry)?
        };
        let settings = &self.settings.lock;
        let lock: Option<Arc<dyn BulkLock>> = if settings.enabled {
            let client = prepared_client(&targets.locks)?;
            let (prefix, name) = (&settings.key_prefix, &settings.name);
            Some(Arc::new(SharedLock(RedisLock::new(client, prefix, name, settings.timeout))))
        } else {
            None
        };
        let store = Arc::new(RedisStore::open(responses, self.settings.cache.prefix.clone())?);
        Ok(Stores {
            notebook: Some(Arc::clone(&store) as _),
            store,
            registry: Some(Arc::new(RedisRegistry::new(registry, Arc::clone(&self.clock)))),
            lock,
        })
    }
}

/// A store, and what goes with it where others write to it, too.
pub(super) struct Stores {
    pub(super) store: Arc<dyn CacheStore>,
    pub(super) registry: Option<Arc<dyn Registry>>,
    pub(super) lock: Option<Arc<dyn BulkLock>>,
    pub(super) notebook: Option<Arc<dyn Notebook>>,
}

impl Stores {
    fn alone(store: Arc<dyn CacheStore>) -> Self {
        Self { store, registry: None, lock: None, notebook: None }
    }
}

fn redis_client(url: &RedisUrl) -> Result<Arc<RedisClient>, AppError> {
    Ok(Arc::new(RedisClient::connect(redis_address(url), RedisOptions::default())?))
}

fn prepared_client(url: &RedisUrl) -> Result<Arc<RedisClient>, AppError> {
    Ok(Arc::new(RedisClient::prepare(redis_address(url), RedisOptions::default())?))
}

/// The lock that Python shares, as the service wants it.
struct SharedLock(RedisLock);

impl BulkLock for SharedLock {
    fn acquire(&self) -> Result<Option<Box<dyn HeldBulkLock>>, CacheError> {
        let held = self.0.acquire()?;
        Ok(held.map(|held| Box::new(SharedHeldLock(held)) as Box<dyn HeldBulkLock>))
    }

    fn holder(&self) -> Result<Option<String>, CacheError> {
        let holder = self.0.holder()?;
        Ok(holder.map(|holder| format!("the lock {} is {holder}", self.0.key())))
    }
}

struct SharedHeldLock(HeldLock);

impl HeldBulkLock for SharedHeldLock {
    fn renew(&self) -> Result<bool, CacheError> {
        self.0.renew()
    }

    fn still_held(&self) -> Result<bool, CacheError> {
        self.0.still_held()
    }

    fn lease_left(&self) -> Duration {
        self.0.lease_left()
    }

    fn release(self: Box<Self>) -> Result<bool, CacheError> {
        self.0.release()
    }
}
