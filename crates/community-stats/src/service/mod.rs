//! The operations on stored responses (cache-and-jobs specification, sections 7, 8 and 15), over
//! any source of documents and any store.

mod bulk;
mod compare;
mod completeness;
mod difference;
mod directory;
mod error;
mod explain;
mod generate;
mod job;
mod judge;
mod left_over;
mod list;
mod lock;
mod look_back;
mod loss;
mod make;
mod matrix;
mod members;
mod names;
mod nothing;
mod plan;
mod remember;
mod request;
mod sample;
mod settings;
mod settled;
mod share;
mod shelf;
mod standing;
mod still;
mod summary;
mod survey;
mod verification;
mod verify;

use std::sync::Arc;

use jiff::Timestamp;
use stats_cache::{CacheStore, CachedResponse, EntryDescription, EntryState, Notebook, Registry};
use stats_documents::DocumentSource;
use stats_model::{Category, Clock};

pub use completeness::{Gap, gap};
pub use difference::{FirstDifference, first_difference};
pub use error::{ServiceError, chain, similar};
pub use explain::{Explanation, LastFailure};
pub use generate::{Progress, Run};
pub use list::{ListFilter, Listed};
pub use lock::{BulkLock, HeldBulkLock, Unlocked};
pub use loss::{Loss, days_of};
pub use matrix::{
    Action, Cause, CellState, Difference, Facts, ForeignRule, Keep, Refusal, StateName, Verdict,
    Wait, Wanted, decide, difference, position_text,
};
pub use members::{Member, MemberLayout};
pub use names::{Communities, CommunityId, CommunityName, resolve};
pub use nothing::Nothing;
pub use plan::{Cell, Plan};
pub use request::{Request, Years};
pub use settings::{ServiceSettings, hash};
pub use still::StandingStill;
pub use summary::{Failure, Held, Stored, Summary, Waiting};
pub use verification::{Finding, LeftOver, Verification, VerifyRun};

/// Creates, reads, replaces, removes and examines stored responses.
pub struct CachedResponseService {
    source: Arc<dyn DocumentSource>,
    store: Arc<dyn CacheStore>,
    clock: Arc<dyn Clock>,
    settings: ServiceSettings,
    /// Hash of everything that settings say about what responses hold.
    configuration: String,
    registry: Option<Arc<dyn Registry>>,
    lock: Option<Arc<dyn BulkLock>>,
    notebook: Option<Arc<dyn Notebook>>,
}

impl CachedResponseService {
    /// A service over this source and this store.
    #[must_use]
    pub fn new(
        source: Arc<dyn DocumentSource>,
        store: Arc<dyn CacheStore>,
        clock: Arc<dyn Clock>,
        settings: ServiceSettings,
    ) -> Self {
        let configuration = settings.configuration();
        Self {
            source,
            store,
            clock,
            settings,
            configuration,
            registry: None,
            lock: None,
            notebook: None,
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

    /// The same with a notebook of what comes to nothing.
    #[must_use]
    pub fn with_notebook(mut self, notebook: Option<Arc<dyn Notebook>>) -> Self {
        self.notebook = notebook;
        self
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

    /// The source it reads.
    #[must_use]
    pub fn source(&self) -> &dyn DocumentSource {
        self.source.as_ref()
    }

    /// The clock it goes by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The stored response with its data, if one stands.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn read(
        &self,
        community: &CommunityId,
        year: i16,
        category: Category,
    ) -> Result<Option<CachedResponse>, ServiceError> {
        let mut response = CachedResponse::new(community.as_str(), year, category);
        let found = response.load(self.store.as_ref(), &self.settings.prefix)?;
        Ok(found.then_some(response))
    }

    /// The stored responses of a community's year, in category order.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn read_all(
        &self,
        community: &CommunityId,
        year: i16,
    ) -> Result<Vec<CachedResponse>, ServiceError> {
        let mut responses = Vec::new();
        for category in Category::ALL {
            responses.extend(self.read(community, year, category)?);
        }
        Ok(responses)
    }

    /// What is known about a stored response without reading its body, if one stands.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn describe(
        &self,
        community: &CommunityId,
        year: i16,
        category: Category,
    ) -> Result<Option<EntryDescription>, ServiceError> {
        let states = self.states(&[self.key(community, year, category)])?;
        Ok(match states.into_iter().next() {
            Some(EntryState::Ours(description) | EntryState::Foreign(description)) => {
                Some(description)
            }
            _ => None,
        })
    }

    /// Whether a response stands under its key. Its body is not read.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn exists(
        &self,
        community: &CommunityId,
        year: i16,
        category: Category,
    ) -> Result<bool, ServiceError> {
        Ok(self.describe(community, year, category)?.is_some())
    }

    /// Stores a body that the caller made, with the normal key and lifetime. White space around
    /// the JSON is left away; everything else is kept as it is.
    ///
    /// # Errors
    /// When it is not JSON, or cannot be stored.
    pub fn update(
        &self,
        community: &CommunityId,
        year: i16,
        category: Category,
        json: &[u8],
    ) -> Result<CachedResponse, ServiceError> {
        let mut response = CachedResponse::new(community.as_str(), year, category);
        let (data, now) = (json.trim_ascii().to_vec(), self.clock.now());
        response.set_data(data, now, self.settings.lifetime)?;
        response.save(self.store.as_ref(), &self.settings.prefix)?;
        self.forget(&[self.key(community, year, category)]);
        Ok(response)
    }

    /// Removes the response of one category, or of all eight; returns how many stood.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn delete(
        &self,
        community: &CommunityId,
        year: i16,
        category: Option<Category>,
    ) -> Result<u64, ServiceError> {
        let categories = category.map_or_else(|| Category::ALL.to_vec(), |one| vec![one]);
        let keys: Vec<String> =
            categories.into_iter().map(|category| self.key(community, year, category)).collect();
        let deleted = self.store.delete(&keys)?;
        self.forget(&keys);
        Ok(deleted)
    }

    /// Removes every response, and what was noted; returns how many.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn clear(&self) -> Result<u64, ServiceError> {
        let removed = self.store.clear()?;
        if let Some(notebook) = &self.notebook {
            notebook.forget_all()?;
        }
        Ok(removed)
    }

    /// When a response ends that is stored now; `None`: never.
    fn end_of_life(&self, now: Timestamp) -> Option<Timestamp> {
        self.settings.lifetime.and_then(|lifetime| now.checked_add(lifetime).ok())
    }

    /// The description of an entry made now, of which nothing but its place and time is known.
    fn new_description(&self, community: &str, year: i16, category: Category) -> EntryDescription {
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
}
