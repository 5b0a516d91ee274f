//! The communities of a request with their lifespans and layouts (cache-and-jobs specification,
//! sections 3.2 and 7).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use stats_model::{Community, Day, GLOBAL};
use stats_series::{ComponentNames, LayoutOwner, Layouts, Selection};

use crate::error::ServiceError;
use crate::hash::hash;
use crate::settings::ServiceSettings;
use crate::survey::directory::{Directory, stands, takes_part};
use crate::survey::names::CommunityId;

/// The year a lifespan begins in when nothing tells a better one.
const FALLBACK_YEAR: i16 = 2020;

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

impl Directory {
    /// The members with these ids: lifespan and layout of each.
    ///
    /// # Errors
    /// When the source cannot answer.
    pub(crate) fn members(
        &self,
        ids: Vec<CommunityId>,
        source: &dyn stats_documents::Directory,
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
