//! One response as an object: the class `CachedResponse` of the design document, section 1.

use std::fmt;
use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use stats_model::{Category, GLOBAL};

use crate::{
    Body, CacheError, CacheErrorKind, CacheKey, CacheStore, EntryDescription, EntryState,
    response_key,
};

/// The design's distinction between community and global responses. It is accepted, shown, and has
/// no effect (cache-and-jobs specification, section 15, row 21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheType {
    /// `community`
    Community,
    /// `global`
    Global,
}

impl fmt::Display for CacheType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Community => "community",
            Self::Global => "global",
        })
    }
}

/// The response of one category for one community and year, with its data once it was loaded or
/// made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedResponse {
    community_id: String,
    year: i16,
    category: Category,
    cache_type: CacheType,
    data: Option<Vec<u8>>,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl CachedResponse {
    /// A response without data. `community_id` is a community's UUID or [`GLOBAL`].
    #[must_use]
    pub fn new(community_id: impl Into<String>, year: i16, category: Category) -> Self {
        let community_id = community_id.into();
        let cache_type =
            if community_id == GLOBAL { CacheType::Global } else { CacheType::Community };
        Self {
            community_id,
            year,
            category,
            cache_type,
            data: None,
            created_at: None,
            expires_at: None,
        }
    }

    /// The same with another cache type than the one that follows from the community.
    #[must_use]
    pub fn with_cache_type(self, cache_type: CacheType) -> Self {
        Self { cache_type, ..self }
    }

    /// The community's UUID, or [`GLOBAL`].
    #[must_use]
    pub fn community_id(&self) -> &str {
        &self.community_id
    }

    /// The year.
    #[must_use]
    pub const fn year(&self) -> i16 {
        self.year
    }

    /// The category.
    #[must_use]
    pub const fn category(&self) -> Category {
        self.category
    }

    /// The cache type.
    #[must_use]
    pub const fn cache_type(&self) -> CacheType {
        self.cache_type
    }

    /// Whether it is about all communities.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.community_id == GLOBAL
    }

    /// The key under which it is stored.
    #[must_use]
    pub fn cache_key(&self, prefix: &str) -> CacheKey {
        response_key(prefix, &self.community_id, self.year, self.category)
    }

    /// The body, JSON, once there is one.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }

    /// When it was made; `None` when that is not known.
    #[must_use]
    pub const fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// When it ends; `None`: never.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Gives it data made at `now`, which end after `lifetime` (`None`: never).
    ///
    /// # Errors
    /// [`InvalidData`] when the data are not one complete JSON value, or end beyond the last
    /// timestamp there is.
    pub fn set_data(
        &mut self,
        data: Vec<u8>,
        now: Timestamp,
        lifetime: Option<SignedDuration>,
    ) -> Result<(), InvalidData> {
        raw_json(&data)?;
        let expires_at = match lifetime {
            None => None,
            Some(lifetime) => Some(now.checked_add(lifetime).map_err(InvalidData::Lifetime)?),
        };
        self.data = Some(data);
        self.created_at = Some(now);
        self.expires_at = expires_at;
        Ok(())
    }

    /// What a store is told about it: all but what it was made from.
    #[must_use]
    pub fn description(&self, prefix: &str) -> EntryDescription {
        EntryDescription {
            key: self.cache_key(prefix).into_string(),
            community: self.community_id.clone(),
            year: self.year,
            category: self.category,
            created: self.created_at,
            expires: self.expires_at,
            data_through: None,
            origin: None,
            plain_length: self.data.as_ref().map_or(0, |data| data.len() as u64),
            stored_length: 0,
            sha256: None,
        }
    }

    /// Reads its data from `store`; returns whether there were any. Without, it stays as it was.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn load(&mut self, store: &dyn CacheStore, prefix: &str) -> Result<bool, CacheError> {
        let Some(entry) = store.get(self.cache_key(prefix).as_str())? else {
            return Ok(false);
        };
        self.data = Some(entry.body);
        self.created_at = entry.description.created;
        self.expires_at = entry.description.expires;
        Ok(true)
    }

    /// Stores its data, in place of what was there; returns false when it has none.
    ///
    /// # Errors
    /// When they could not be stored; the old entry then still stands.
    pub fn save(&self, store: &dyn CacheStore, prefix: &str) -> Result<bool, CacheError> {
        let Some(data) = &self.data else {
            return Ok(false);
        };
        let description = self.description(prefix);
        let body = Body::from_plain(store.encoding(), data).map_err(|error| {
            let doing = format!("encoding the body of {}", description.key);
            CacheError::caused_by(CacheErrorKind::Refused, doing, error)
        })?;
        store.put(&description, &body)?;
        Ok(true)
    }

    /// Removes it from `store`; returns whether it was there. Its data stay in this object.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn delete(&self, store: &dyn CacheStore, prefix: &str) -> Result<bool, CacheError> {
        Ok(store.delete(&[self.cache_key(prefix).into_string()])? > 0)
    }

    /// The states of many responses in `store`, in their order. Other than
    /// [`CacheStore::describe`], it also tells which response the entry of another writer is.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn states(
        responses: &[Self],
        store: &dyn CacheStore,
        prefix: &str,
    ) -> Result<Vec<EntryState>, CacheError> {
        let keys: Vec<String> =
            responses.iter().map(|response| response.cache_key(prefix).into_string()).collect();
        let mut states = store.describe(&keys)?;
        for (state, response) in states.iter_mut().zip(responses) {
            if let EntryState::Foreign(description) = state {
                description.community.clone_from(&response.community_id);
                description.year = response.year;
                description.category = response.category;
            }
        }
        Ok(states)
    }

    /// Its JSON form (design document, section 1; cache-and-jobs specification, section 15, rows 4
    /// and 22): `community_id` is null for global, `data` are the body as it is or null, times are
    /// UTC or null when unknown.
    ///
    /// # Errors
    /// [`InvalidData::NotJson`] when data were loaded that are no JSON.
    pub fn to_json(&self, prefix: &str) -> Result<String, InvalidData> {
        let mut text = Vec::new();
        self.write_json(prefix, &mut text)?;
        String::from_utf8(text).map_err(|error| InvalidData::NotUtf8(error.utf8_error()))
    }

    /// Writes [`to_json`](Self::to_json) without holding a copy of the data.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json), and when `out` cannot be written.
    pub fn write_json(&self, prefix: &str, out: impl Write) -> Result<(), InvalidData> {
        let json = ResponseJson {
            community_id: (!self.is_global()).then_some(&self.community_id),
            year: self.year,
            category: self.category.query_name(),
            cache_type: self.cache_type,
            cache_key: self.cache_key(prefix).into_string(),
            data: self.data.as_deref().map(raw_json).transpose()?,
            created_at: self.created_at,
            expires_at: self.expires_at,
        };
        serde_json::to_writer(out, &json).map_err(|error| InvalidData::Write(error.into()))
    }
}

/// Why data cannot be those of a response, or cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum InvalidData {
    /// They are no text.
    #[error("the data are not UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// They are text, but not one JSON value.
    #[error("the data are not one complete JSON value")]
    NotJson(#[source] serde_json::Error),
    /// Their end cannot be expressed.
    #[error("the lifetime is too long")]
    Lifetime(#[source] jiff::Error),
    /// The output failed.
    #[error("the response could not be written")]
    Write(#[source] io::Error),
}

#[derive(Serialize)]
struct ResponseJson<'a> {
    community_id: Option<&'a String>,
    year: i16,
    category: &'static str,
    cache_type: CacheType,
    cache_key: String,
    data: Option<&'a RawValue>,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

/// `bytes` as exactly one JSON value, not taken apart.
fn raw_json(bytes: &[u8]) -> Result<&RawValue, InvalidData> {
    let text = std::str::from_utf8(bytes).map_err(InvalidData::NotUtf8)?;
    serde_json::from_str(text).map_err(InvalidData::NotJson)
}

/// Whether `bytes` are exactly one JSON value.
pub(crate) fn is_json(bytes: &[u8]) -> bool {
    raw_json(bytes).is_ok()
}
