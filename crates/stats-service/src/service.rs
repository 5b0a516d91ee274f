//! The service: a source, a store and what goes with them, and what is asked of them everywhere.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use stats_cache::{
    BulkLock, CacheError, CacheStore, DamagedEntry, EntryDescription, EntryState, Lease, Memory,
    MemoryChanges, Notebook, Registry, response_key,
};
use stats_documents::{Directory, Feed, Source};
use stats_model::{Category, Cell, Clock};

use crate::blueprints::Blueprints;
use crate::error::ServiceError;
use crate::settings::ServiceSettings;

/// Creates, reads, replaces, removes and examines stored responses.
#[derive(Clone)]
pub struct CachedResponseService {
    pub(crate) documents: Arc<dyn Feed>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) store: Arc<dyn CacheStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: ServiceSettings,
    /// Hash of everything that settings say about what responses hold.
    pub(crate) configuration: String,
    pub(crate) registry: Option<Arc<dyn Registry>>,
    pub(crate) lock: Option<Arc<dyn BulkLock>>,
    pub(crate) notebook: Option<Arc<dyn Notebook>>,
    pub(crate) at_work: Option<Arc<TellRuns>>,
    pub(crate) blueprints: Arc<Blueprints>,
}

/// A run that goes on, as whoever remembers runs tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunAtWork {
    /// What was asked of it: a [`Request`](crate::Request).
    pub request: Value,
    /// When it began.
    pub since: Timestamp,
    /// Which one it is and who carries it out, for people.
    pub by: String,
}

/// Says which runs go on.
pub(crate) type TellRuns = dyn Fn() -> Vec<RunAtWork> + Send + Sync;

impl CachedResponseService {
    /// A service over this source and this store.
    #[must_use]
    pub fn new(
        source: impl Into<Source>,
        store: Arc<dyn CacheStore>,
        clock: Arc<dyn Clock>,
        settings: ServiceSettings,
    ) -> Self {
        let configuration = settings.configuration();
        let Source { documents, directory } = source.into();
        Self {
            documents,
            directory,
            store,
            clock,
            settings,
            configuration,
            registry: None,
            lock: None,
            notebook: None,
            at_work: None,
            blueprints: Arc::default(),
        }
    }

    /// The same with the registry by which others follow the work.
    #[must_use]
    pub fn with_registry(mut self, registry: Option<Arc<dyn Registry>>) -> Self {
        self.registry = registry;
        self
    }

    /// The same with the lock of bulk runs.
    #[must_use]
    pub fn with_lock(mut self, lock: Option<Arc<dyn BulkLock>>) -> Self {
        self.lock = lock;
        self
    }

    /// The same, and `tell` says which runs go on: for whoever only looks.
    #[must_use]
    pub fn with_runs(mut self, tell: impl Fn() -> Vec<RunAtWork> + Send + Sync + 'static) -> Self {
        self.at_work = Some(Arc::new(tell));
        self
    }

    /// Who holds the lock of bulk runs, for people; `None`: nobody, as far as can be told.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    pub fn locked_by(&self) -> Result<Option<String>, ServiceError> {
        let told = self.lock.as_ref().map(|lock| lock.told_holder()).transpose()?;
        Ok(told.flatten())
    }

    /// The same with a notebook of what comes to nothing.
    #[must_use]
    pub fn with_notebook(mut self, notebook: Option<Arc<dyn Notebook>>) -> Self {
        self.notebook = notebook;
        self
    }

    /// The same for a run that holds the lock with this lease: what it writes is refused once that is
    /// lost.
    pub(crate) fn fenced(&self, lease: &Arc<dyn Lease>) -> Result<Self, CacheError> {
        let notebook = self.notebook.as_ref();
        let notebook = notebook.map(|book| book.fenced_notes(Arc::clone(lease))).transpose()?;
        let store = self.store.fenced(Arc::clone(lease))?;
        Ok(Self { store, notebook, ..self.clone() })
    }

    /// The settings it works with.
    #[must_use]
    pub const fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    /// The store it works on.
    #[must_use]
    pub fn store(&self) -> &dyn CacheStore {
        self.store.as_ref()
    }

    /// The clock it goes by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// When a response ends that is stored now; `None`: never.
    pub(crate) fn end_of_life(&self, now: Timestamp) -> Option<Timestamp> {
        self.settings.lifetime.and_then(|lifetime| now.checked_add(lifetime).ok())
    }

    /// The description of an entry made now, of which nothing but its place and time is known.
    pub(crate) fn new_description(
        &self,
        community: &str,
        year: i16,
        category: Category,
    ) -> EntryDescription {
        let now = self.clock.now();
        EntryDescription {
            key: self.key(community, year, category),
            community: community.to_owned(),
            year,
            category,
            created: Some(now),
            expires: self.end_of_life(now),
            data_through: None,
            origin: None,
            plain_length: 0,
            stored_length: 0,
            sha256: None,
        }
    }

    /// What the store says of these keys, in their order. An entry whose body is cut or missing is
    /// damaged, as far as that shows without reading it.
    pub(crate) fn states(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError> {
        let mut states = self.store.describe(keys)?;
        self.doubt_bodies(keys, &mut states)?;
        Ok(states)
    }

    pub(crate) fn doubt_bodies(
        &self,
        keys: &[String],
        states: &mut [EntryState],
    ) -> Result<(), CacheError> {
        for unreadable in self.store.unreadable(keys)? {
            for (_, state) in keys.iter().zip(&mut *states).filter(|(key, _)| **key == unreadable) {
                if let EntryState::Ours(_) = state {
                    let why = "its body is cut or missing".to_owned();
                    *state = EntryState::Damaged(DamagedEntry { key: unreadable.clone(), why });
                }
            }
        }
        Ok(())
    }

    /// The key of a response.
    #[must_use]
    pub fn key(&self, community: &str, year: i16, category: Category) -> String {
        response_key(&self.settings.prefix, community, year, category).into_string()
    }

    /// The key of the response of a cell.
    #[must_use]
    pub fn key_of(&self, cell: &Cell) -> String {
        self.key(&cell.community, cell.year, cell.category)
    }

    /// What earlier runs noted.
    pub(crate) fn recall(&self) -> Result<Memory, CacheError> {
        self.notebook.as_ref().map_or_else(|| Ok(Memory::default()), |book| book.recall())
    }

    /// Forgets what was noted of these keys: their entries are others now. Losing a note loses
    /// history only, so nothing comes of it when that fails.
    pub(crate) fn forget(&self, keys: &[String]) {
        let Some(notebook) = &self.notebook else { return };
        if let Ok(memory) = notebook.recall() {
            let forget: Vec<String> =
                keys.iter().filter(|key| memory.notes.contains_key(*key)).cloned().collect();
            if !forget.is_empty() {
                drop(notebook.remember(&MemoryChanges { forget, ..MemoryChanges::default() }));
            }
        }
    }
}
