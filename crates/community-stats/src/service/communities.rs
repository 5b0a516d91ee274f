//! Which communities and years a request is about (cache-and-jobs specification, sections 3.2
//! and 7).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use stats_documents::{Community, Day, DeletionStatus, DocumentSource};
use stats_series::{ComponentNames, LayoutOwner, Layouts, Selection};

use super::error::ServiceError;
use super::names::{CommunityId, CommunityName};
use super::settings::{ServiceSettings, hash};

/// The community id of the whole repository.
pub const GLOBAL: &str = "global";

/// The year a lifespan begins in when nothing tells a better one.
const FALLBACK_YEAR: i16 = 2020;

/// Which communities a request is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Communities {
    /// Every community that takes part, and `global` last.
    #[default]
    All,
    /// These, in this order.
    Named(Vec<CommunityName>),
}

/// What the layout of a community asks for.
#[derive(Debug)]
pub struct MemberLayout {
    /// The components it shows.
    pub names: ComponentNames,
    /// Hash of their names.
    pub hash: String,
}

impl MemberLayout {
    /// The selection that makes a response of this layout.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection::Components(self.names.clone())
    }
}

/// A community that a request is about.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its id, or `global`.
    pub id: CommunityId,
    /// Its slug, when known.
    pub slug: Option<String>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Whether it is among "all communities".
    pub takes_part: bool,
    /// Whether its entries are wanted: it stands, or stands in for communities that nobody knows.
    pub wanted: bool,
    /// The first year of its lifespan.
    pub first_year: i16,
    /// What its layout asks for.
    pub layout: Arc<MemberLayout>,
}

/// The communities that the source knows, read once.
#[derive(Debug, Default)]
pub(super) struct Directory {
    communities: Vec<Community>,
    /// Where the community with an id is.
    by_id: HashMap<String, usize>,
    /// Where the standing community with a slug is.
    by_slug: HashMap<String, usize>,
}

impl Directory {
    /// Reads it.
    ///
    /// # Errors
    /// When the source cannot answer.
    pub(super) fn read(source: &dyn DocumentSource) -> Result<Self, ServiceError> {
        let communities = source.communities()?;
        let (mut by_id, mut by_slug) = (HashMap::new(), HashMap::new());
        for (place, community) in communities.iter().enumerate() {
            by_id.entry(community.id.clone()).or_insert(place);
            if let (Some(slug), true) = (&community.slug, stands(community)) {
                by_slug.entry(slug.clone()).or_insert(place);
            }
        }
        Ok(Self { communities, by_id, by_slug })
    }

    /// The ids of all communities that take part, and `global` last.
    pub(super) fn all(&self, opt_in: bool, shelved: &BTreeSet<String>) -> Vec<String> {
        let mut ids: Vec<String> = if self.communities.is_empty() {
            shelved.iter().filter(|id| *id != GLOBAL).cloned().collect()
        } else {
            self.communities
                .iter()
                .filter(|c| takes_part(c, opt_in))
                .map(|c| c.id.clone())
                .collect()
        };
        ids.push(GLOBAL.to_owned());
        ids
    }

    /// The id of the community with exactly this slug, if there is one. Slugs of deleted communities
    /// do not count.
    #[must_use]
    pub(super) fn id_of_slug(&self, slug: &str) -> Option<&str> {
        self.by_slug.get(slug).map(|place| self.communities[*place].id.as_str())
    }

    /// The community with this id.
    #[must_use]
    pub(super) fn find(&self, id: &str) -> Option<&Community> {
        self.by_id.get(id).map(|place| &self.communities[*place])
    }

    /// Whether the source knows any communities at all.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.communities.is_empty()
    }

    /// Whether entries of this community are still wanted: it stands. Where no community is known at
    /// all, those that have documents stand in for them; else documents outlive their community.
    #[must_use]
    pub(super) fn is_wanted(&self, id: &str, shelved: &BTreeSet<String>) -> bool {
        match self.find(id) {
            Some(community) => stands(community),
            None => id == GLOBAL || (self.is_empty() && shelved.contains(id)),
        }
    }

    /// The communities that were deleted.
    pub(super) fn gone(&self) -> impl Iterator<Item = &Community> {
        self.communities.iter().filter(|community| !stands(community))
    }

    /// The communities that were not deleted.
    pub(super) fn standing(&self) -> impl Iterator<Item = &Community> {
        self.communities.iter().filter(|community| stands(community))
    }

    /// The members with these ids: lifespan and layout of each.
    ///
    /// # Errors
    /// When the source cannot answer.
    pub(super) fn members(
        &self,
        ids: Vec<CommunityId>,
        source: &dyn DocumentSource,
        settings: &ServiceSettings,
        first_shelf: &BTreeMap<String, i16>,
    ) -> Result<Vec<Member>, ServiceError> {
        let named: Vec<String> =
            ids.iter().filter(|id| id.as_str() != GLOBAL).map(ToString::to_string).collect();
        let events =
            if named.is_empty() { BTreeMap::new() } else { source.first_events(&named)? };
        let fallback = source.first_record()?.map(Day::year);
        let mut cache = LayoutCache { layouts: &settings.layouts, known: HashMap::new() };
        let member = |id: CommunityId| {
            let community = self.find(&id);
            let told = [events.get(id.as_str()).copied(), community.and_then(|c| c.created)];
            let first_year = told
                .into_iter()
                .flatten()
                .map(Day::year)
                .min()
                .or(fallback)
                .or_else(|| first_shelf.get(id.as_str()).copied())
                .unwrap_or(FALLBACK_YEAR);
            let wanted = match community {
                Some(community) => stands(community),
                None => {
                    id.as_str() == GLOBAL
                        || (self.is_empty() && first_shelf.contains_key(id.as_str()))
                }
            };
            Member {
                takes_part: community.map_or(wanted, |it| takes_part(it, settings.opt_in)),
                wanted,
                slug: community.and_then(|c| c.slug.clone()),
                deleted: community.is_some_and(|community| !stands(community)),
                first_year,
                layout: cache.of(&id, community),
                id,
            }
        };
        Ok(ids.into_iter().map(member).collect())
    }
}

/// Whether a community was not deleted.
fn stands(community: &Community) -> bool {
    community.deletion == DeletionStatus::Published
}

/// Whether a community is among "all communities".
fn takes_part(community: &Community, opt_in: bool) -> bool {
    stands(community) && (!opt_in || community.dashboard_enabled == Some(true))
}

/// Most communities share a layout; each is read once.
struct LayoutCache<'a> {
    layouts: &'a Layouts,
    known: HashMap<String, Arc<MemberLayout>>,
}

impl LayoutCache<'_> {
    fn of(&mut self, id: &str, community: Option<&Community>) -> Arc<MemberLayout> {
        let own = community.and_then(|community| community.dashboard_layout.as_ref());
        let kind = match own {
            _ if id == GLOBAL => GLOBAL.to_owned(),
            None => String::new(),
            Some(layout) => layout.to_string(),
        };
        let layouts = self.layouts;
        let make = || {
            let owner =
                if id == GLOBAL { LayoutOwner::Global } else { LayoutOwner::Community(own) };
            let names = layouts.components(owner);
            let hash = hash(&names.canonical());
            Arc::new(MemberLayout { names, hash })
        };
        Arc::clone(self.known.entry(kind).or_insert_with(make))
    }
}
