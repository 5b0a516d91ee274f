//! The operations on single entries: read, described, stored by hand, removed.

use stats_cache::{CachedResponse, EntryDescription, EntryState};
use stats_model::Category;

use crate::error::ServiceError;
use crate::service::CachedResponseService;
use crate::survey::names::CommunityId;

impl CachedResponseService {
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
}
