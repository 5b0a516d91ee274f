//! The operations on stored responses (cache-and-jobs specification, sections 7, 8 and 15), over
//! any source of documents and any store.

mod communities;
mod completeness;
mod difference;
mod error;
mod explain;
mod generate;
mod list;
mod matrix;
mod plan;
mod request;
mod settings;
mod shelf;
mod summary;
mod verify;

use std::collections::BTreeSet;
use std::sync::Arc;

use stats_cache::{Body, CacheStore, Clock, Entry, EntryDescription, EntryState};
use stats_documents::DocumentSource;
use stats_series::Category;

pub use communities::{Communities, Directory, GLOBAL, Member, MemberLayout};
pub use completeness::{Gap, gap};
pub use difference::{FirstDifference, first_difference};
pub use error::{ServiceError, chain, similar};
pub use explain::Explanation;
pub use generate::{Progress, Run};
pub use list::{ListFilter, Listed};
pub use matrix::{
    Action, Cause, CellState, Difference, Facts, Keep, Refusal, StateName, Verdict, Wanted, decide,
    difference, position_text,
};
pub use plan::{Cell, Plan};
pub use request::{Request, Years};
pub use settings::{ServiceSettings, hash};
pub use summary::{Failure, Stored, Summary};
pub use verify::{Finding, Verification, VerifyRun};

/// Creates, reads, replaces, removes and examines stored responses.
pub struct CachedResponseService {
    source: Arc<dyn DocumentSource>,
    store: Arc<dyn CacheStore>,
    clock: Arc<dyn Clock>,
    settings: ServiceSettings,
    marks: BTreeSet<(String, i16)>,
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
        Self { source, store, clock, settings, marks: BTreeSet::new() }
    }

    /// The same with the community years that an aggregation marked as changed
    /// (cache-and-jobs specification, section 8.4).
    #[must_use]
    pub fn with_marks(mut self, marks: BTreeSet<(String, i16)>) -> Self {
        self.marks = marks;
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

    /// The stored response, if one stands.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn read(
        &self,
        community: &str,
        year: i16,
        category: Category,
    ) -> Result<Option<Entry>, ServiceError> {
        Ok(self.store.get(&self.key(community, year, category))?)
    }

    /// The stored responses of a community's year, in category order.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn read_all(&self, community: &str, year: i16) -> Result<Vec<Entry>, ServiceError> {
        let mut entries = Vec::new();
        for category in Category::ALL {
            entries.extend(self.read(community, year, category)?);
        }
        Ok(entries)
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
        let states = self.store.describe(&[self.key(community, year, category)])?;
        Ok(matches!(states.first(), Some(EntryState::Ours(_) | EntryState::Foreign(_))))
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
    ) -> Result<EntryDescription, ServiceError> {
        serde_json::from_slice::<serde::de::IgnoredAny>(json).map_err(ServiceError::NotJson)?;
        let body = Body::from_plain(self.store.encoding(), json.trim_ascii())
            .map_err(ServiceError::Encoding)?;
        let description = self.new_description(community, year, category);
        self.store.put(&description, &body)?;
        Ok(EntryDescription {
            plain_length: body.plain_length,
            stored_length: body.bytes.len() as u64,
            sha256: Some(body.sha256),
            ..description
        })
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
        Ok(directory.resolve_slug(name).unwrap_or_else(|_| name.to_owned()))
    }

    /// The description of an entry made now, of which nothing but its place and time is known.
    fn new_description(
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
            expires: self.settings.lifetime.and_then(|lifetime| now.checked_add(lifetime).ok()),
            data_through: None,
            origin: None,
            plain_length: 0,
            stored_length: 0,
            sha256: None,
        }
    }
}
