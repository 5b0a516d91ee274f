//! From the names that people give to communities to their ids: the one place where that is done.
//!
//! An id comes before a slug, and `global` before both, so that no slug can hide a community or the
//! repository.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use stats_cache::EntryFilter;
use stats_documents::{Documents, ShelfFilter};
use stats_model::{DocumentKind, GLOBAL};

use crate::error::{ServiceError, similar};
use crate::service::CachedResponseService;
use crate::survey::directory::Directory;

/// A community as somebody named it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommunityName {
    /// `global`, an id, or a slug.
    Any(String),
    /// A slug and nothing else.
    Slug(String),
}

/// Which communities a request is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Communities {
    /// Every community that takes part, and `global` last.
    #[default]
    All,
    /// These, in this order.
    Named(Vec<CommunityName>),
}

/// The id of a community that is known, or `global`. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommunityId(String);

impl CommunityId {
    /// The whole repository.
    #[must_use]
    pub fn global() -> Self {
        Self(GLOBAL.to_owned())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for CommunityId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommunityId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// What the directory makes of a name.
pub(crate) enum Found<'a> {
    /// The id of a community.
    Known(CommunityId),
    /// It may still be the id of documents or entries.
    Unknown(&'a str),
}

impl Directory {
    /// What a name means as far as communities tell.
    ///
    /// # Errors
    /// A slug that no standing community has.
    pub(crate) fn look_up<'a>(&self, name: &'a CommunityName) -> Result<Found<'a>, ServiceError> {
        match name {
            CommunityName::Slug(slug) => self.resolve_slug(slug).map(Found::Known),
            CommunityName::Any(name) if name == GLOBAL || self.find(name).is_some() => {
                Ok(Found::Known(CommunityId(name.clone())))
            }
            CommunityName::Any(name) => Ok(match self.id_of_slug(name) {
                Some(id) => Found::Known(CommunityId(id.to_owned())),
                None => Found::Unknown(name),
            }),
        }
    }

    /// The ids a request is about, each once, in its order. `shelved` are the communities that
    /// have documents; they stand in for the communities when none were imported at all.
    ///
    /// # Errors
    /// A name that is no id of a community or document, nor a slug.
    pub(crate) fn select(
        &self,
        asked: &Communities,
        opt_in: bool,
        shelved: &BTreeSet<String>,
    ) -> Result<Vec<CommunityId>, ServiceError> {
        let Communities::Named(names) = asked else {
            return Ok(self.all(opt_in, shelved).into_iter().map(CommunityId).collect());
        };
        let (mut ids, mut taken) = (Vec::new(), HashSet::new());
        for name in names {
            let id = match self.look_up(name)? {
                Found::Known(id) => id,
                Found::Unknown(name) if shelved.contains(name) => CommunityId(name.to_owned()),
                Found::Unknown(name) => return Err(self.unknown(name, shelved)),
            };
            if taken.insert(id.clone()) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// The ids of the communities that were deleted.
    pub(crate) fn deleted(&self) -> Vec<CommunityId> {
        self.gone().map(|community| CommunityId(community.id.clone())).collect()
    }

    fn resolve_slug(&self, slug: &str) -> Result<CommunityId, ServiceError> {
        let id = self.id_of_slug(slug);
        id.map(|id| CommunityId(id.to_owned())).ok_or_else(|| ServiceError::UnknownSlug {
            slug: slug.to_owned(),
            similar: similar(slug, self.standing().filter_map(|c| c.slug.as_deref())),
        })
    }

    fn unknown(&self, name: &str, shelved: &BTreeSet<String>) -> ServiceError {
        let ids = self.standing().map(|community| community.id.as_str());
        let slugs = self.standing().filter_map(|community| community.slug.as_deref());
        let shelved = shelved.iter().map(String::as_str);
        let similar = similar(name, ids.chain(slugs).chain(shelved).chain([GLOBAL]));
        ServiceError::UnknownCommunity { id: name.to_owned(), similar }
    }
}

/// The ids of the communities that a source means by these names.
///
/// # Errors
/// When one of them means nothing, or the source cannot answer.
pub fn resolve(
    documents: &dyn Documents,
    communities: &dyn stats_documents::Directory,
    names: &[CommunityName],
) -> Result<Vec<CommunityId>, ServiceError> {
    let directory =
        if names.is_empty() { Directory::default() } else { Directory::read(communities)? };
    names.iter().map(|name| known_to(documents, &directory, name)).collect()
}

fn known_to(
    documents: &dyn Documents,
    directory: &Directory,
    name: &CommunityName,
) -> Result<CommunityId, ServiceError> {
    match directory.look_up(name)? {
        Found::Known(id) => Ok(id),
        Found::Unknown(name) if has_documents(documents, name)? => Ok(CommunityId(name.to_owned())),
        Found::Unknown(name) => Err(directory.unknown(name, &BTreeSet::new())),
    }
}

fn has_documents(documents: &dyn Documents, community: &str) -> Result<bool, ServiceError> {
    let filter = ShelfFilter { communities: vec![community.to_owned()], years: Vec::new() };
    for kind in DocumentKind::ALL {
        match documents.fingerprints(kind, &filter) {
            Ok(shelves) if shelves.is_empty() => {}
            Ok(_) => return Ok(true),
            Err(error)
                if error.kind()
                    == stats_documents::SourceErrorKind::Own(stats_documents::Amiss::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

impl CachedResponseService {
    /// The community that a name means: one that is known, has documents, or has entries left in the
    /// store, as these outlive their community.
    ///
    /// # Errors
    /// When it means nothing, or source or store cannot answer.
    pub fn community(&self, name: &CommunityName) -> Result<CommunityId, ServiceError> {
        let unknown = match resolve(
            self.documents.as_ref(),
            self.directory.as_ref(),
            std::slice::from_ref(name),
        ) {
            Ok(ids) => return Ok(ids.into_iter().next().unwrap_or_else(CommunityId::global)),
            Err(error) => error,
        };
        let ServiceError::UnknownCommunity { id, .. } = &unknown else { return Err(unknown) };
        let filter = EntryFilter { communities: vec![id.clone()], ..EntryFilter::default() };
        if self.store.list(&filter)?.is_empty() {
            return Err(unknown);
        }
        Ok(CommunityId(id.clone()))
    }

    /// The communities that these names mean.
    ///
    /// # Errors
    /// When one of them means nothing, or the source cannot answer.
    pub fn communities(&self, names: &[CommunityName]) -> Result<Vec<CommunityId>, ServiceError> {
        resolve(self.documents.as_ref(), self.directory.as_ref(), names)
    }
}
