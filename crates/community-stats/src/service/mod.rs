//! The operations on stored responses (cache-and-jobs specification, sections 7, 8 and 15), over
//! any source of documents and any store.

mod bulk;
mod communities;
mod completeness;
mod difference;
mod error;
mod explain;
mod generate;
mod list;
mod matrix;
mod nothing;
mod plan;
mod request;
mod sample;
mod settings;
mod settled;
mod shelf;
mod summary;
mod verify;

use std::sync::Arc;

use stats_cache::{CacheStore, CachedResponse, Clock, EntryDescription, EntryState, Registry};
use stats_documents::DocumentSource;
use stats_series::Category;

pub use bulk::{BulkLock, HeldBulkLock};
pub use communities::{Communities, Directory, GLOBAL, Member, MemberLayout};
pub use completeness::{Gap, gap};
pub use difference::{FirstDifference, first_difference};
pub use error::{ServiceError, chain, similar};
pub use explain::Explanation;
pub use generate::{Progress, Run};
pub use list::{ListFilter, Listed};
pub use matrix::{
    Action, Cause, CellState, Difference, Facts, Keep, Refusal, StateName, Verdict, Wait, Wanted,
    decide, difference, position_text,
};
pub use nothing::Nothing;
pub use plan::{Cell, Plan};
pub use request::{Request, Years};
pub use settings::{ServiceSettings, hash};
pub use summary::{Failure, Stored, Summary, Waiting};
pub use verify::{Finding, Verification, VerifyRun};

/// Creates, reads, replaces, removes and examines stored responses.
pub struct CachedResponseService {
    source: Arc<dyn DocumentSource>,
    store: Arc<dyn CacheStore>,
    clock: Arc<dyn Clock>,
    settings: ServiceSettings,
    /// Hash of the subcount configuration and component registry.
    configuration: String,
    registry: Option<Arc<dyn Registry>>,
    lock: Option<Arc<dyn BulkLock>>,
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
        let configuration = hash(&settings.series.canonical());
        Self { source, store, clock, settings, configuration, registry: None, lock: None }
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
        community: &str,
        year: i16,
        category: Category,
    ) -> Result<Option<CachedResponse>, ServiceError> {
        let mut response = CachedResponse::new(community, year, category);
        let found = response.load(self.store.as_ref(), &self.settings.prefix)?;
        Ok(found.then_some(response))
    }

    /// The stored responses of a community's year, in category order.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn read_all(
        &self,
        community: &str,
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
        community: &str,
        year: i16,
        category: Category,
    ) -> Result<Option<EntryDescription>, ServiceError> {
        let response = CachedResponse::new(community, year, category);
        let store = self.store.as_ref();
        let states = CachedResponse::states(&[response], store, &self.settings.prefix)?;
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
        community: &str,
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
        community: &str,
        year: i16,
        category: Category,
        json: &[u8],
    ) -> Result<CachedResponse, ServiceError> {
        let mut response = CachedResponse::new(community, year, category);
        let (data, now) = (json.trim_ascii().to_vec(), self.clock.now());
        response.set_data(data, now, self.settings.lifetime)?;
        response.save(self.store.as_ref(), &self.settings.prefix)?;
        Ok(response)
    }

    /// Removes the response of one category, or of all eight; returns how many stood.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn delete(
        &self,
        community: &str,
        year: i16,
        category: Option<Category>,
    ) -> Result<u64, ServiceError> {
        let categories = category.map_or_else(|| Category::ALL.to_vec(), |one| vec![one]);
        let keys: Vec<String> =
            categories.into_iter().map(|category| self.key(community, year, category)).collect();
        Ok(self.store.delete(&keys)?)
    }

    /// The id of the community that `name` means: `global`, the id of a community or of stored
    /// documents, or a slug. A name that means nothing stands for itself, as entries of a
    /// community outlive it.
    ///
    /// # Errors
    /// When the source cannot answer.
    pub fn community_id(&self, name: &str) -> Result<String, ServiceError> {
        if name == GLOBAL {
            return Ok(name.to_owned());
        }
        let directory = Directory::read(self.source.as_ref())?;
        if directory.find(name).is_some() {
            return Ok(name.to_owned());
        }
        Ok(directory.id_of_slug(name).unwrap_or(name).to_owned())
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
            expires: self.settings.lifetime.and_then(|lifetime| now.checked_add(lifetime).ok()),
            data_through: None,
            origin: None,
            plain_length: 0,
            stored_length: 0,
            sha256: None,
        }
    }
}
