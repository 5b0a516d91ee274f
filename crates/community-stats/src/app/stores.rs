//! The stores of responses, and what Redis shares with the Python side.

use std::sync::Arc;

use stats_cache::{
    BulkLock, CacheStore, FileLock, Notebook, RedisClient, RedisLock, RedisOptions, RedisRegistry,
    RedisStore, Registry, SqliteOptions, SqliteStore,
};
use stats_service::Nothing;

use super::parts::{App, AppError, make_folder_of};
use super::told::warn;
use crate::config::{LONGEST_LOCK, RedisUrl, StoreKind};
use crate::connections::redis_address;

/// What a command does with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It reads: a store that is not there is empty, and nothing is written.
    Read,
    /// It removes: a store that is not there is empty.
    Remove,
    /// It stores: a store that is not there is made.
    Store,
}

impl App {
    /// The store, and what goes with it.
    pub(super) fn store(&self, purpose: Use) -> Result<Stores, AppError> {
        match self.settings.cache.store {
            StoreKind::Sqlite => self.file(purpose),
            StoreKind::Redis => self.redis(),
        }
    }

    fn file(&self, purpose: Use) -> Result<Stores, AppError> {
        let path = self.settings.cache.file_path(&self.settings.data);
        let (options, clock) = (SqliteOptions::default(), Arc::clone(&self.clock));
        // What cannot be looked at is an error of whoever opens it, and not a store that is empty.
        let missing = path.metadata().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
        let is_empty = || missing || SqliteStore::is_unmade(&path);
        match purpose {
            Use::Read | Use::Remove if is_empty() => Ok(Stores::alone(Arc::new(Nothing), None)),
            Use::Read => {
                let store = Arc::new(SqliteStore::open_read_only(path, options, clock)?);
                let notebook: Option<Arc<dyn Notebook>> = Some(Arc::clone(&store) as _);
                Ok(Stores { notebook, ..Stores::alone(store, None) })
            }
            Use::Remove | Use::Store => {
                make_folder_of(&path)?;
                let store = SqliteStore::open_with(&path, options, clock)?;
                if let Some(aside) = store.set_aside() {
                    warn(&format!(
                        "{}; it was set aside as {}, and every response is made again",
                        aside.why,
                        aside.path.display()
                    ));
                }
                let store = Arc::new(store);
                let notebook: Option<Arc<dyn Notebook>> = Some(Arc::clone(&store) as _);
                Ok(Stores { notebook, ..Stores::alone(store, self.lock()?) })
            }
        }
    }

    /// The lock of bulk runs, unless it is switched off.
    ///
    /// # Errors
    /// When the address of the server that keeps it does not work.
    pub fn lock(&self) -> Result<Option<Arc<dyn BulkLock>>, AppError> {
        let settings = &self.settings.lock;
        if !settings.enabled {
            return Ok(None);
        }
        if self.settings.cache.store == StoreKind::Sqlite {
            let file = self.settings.cache.file_path(&self.settings.data);
            let lock = FileLock::beside(&file).with_clock(Arc::clone(&self.clock));
            return Ok(Some(Arc::new(lock)));
        }
        let client = prepared_client(&self.settings.cache.redis_targets().locks)?;
        let lifetime = settings.timeout.min(LONGEST_LOCK);
        let lock = RedisLock::new(client, &settings.key_prefix, &settings.name, lifetime);
        Ok(Some(Arc::new(lock.with_clock(Arc::clone(&self.clock)))))
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
        let store = Arc::new(RedisStore::open(responses, self.settings.cache.prefix.clone())?);
        Ok(Stores {
            notebook: Some(Arc::clone(&store) as _),
            store,
            registry: Some(Arc::new(RedisRegistry::new(registry, Arc::clone(&self.clock)))),
            lock: self.lock()?,
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
    fn alone(store: Arc<dyn CacheStore>, lock: Option<Arc<dyn BulkLock>>) -> Self {
        Self { store, registry: None, lock, notebook: None }
    }
}

fn redis_client(url: &RedisUrl) -> Result<Arc<RedisClient>, AppError> {
    Ok(Arc::new(RedisClient::connect(redis_address(url), RedisOptions::default())?))
}

fn prepared_client(url: &RedisUrl) -> Result<Arc<RedisClient>, AppError> {
    Ok(Arc::new(RedisClient::prepare(redis_address(url), RedisOptions::default())?))
}
