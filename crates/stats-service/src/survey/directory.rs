//! The communities that the source knows (cache-and-jobs specification, section 3.2).

use std::collections::{BTreeSet, HashMap};

use stats_model::{Community, DeletionStatus, GLOBAL};

use crate::error::ServiceError;

/// The communities that the source knows, read once.
#[derive(Debug, Default)]
pub(crate) struct Directory {
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
    pub(crate) fn read(source: &dyn stats_documents::Directory) -> Result<Self, ServiceError> {
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
    pub(crate) fn all(&self, opt_in: bool, shelved: &BTreeSet<String>) -> Vec<String> {
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
    pub(crate) fn id_of_slug(&self, slug: &str) -> Option<&str> {
        self.by_slug.get(slug).map(|place| self.communities[*place].id.as_str())
    }

    /// The community with this id.
    #[must_use]
    pub(crate) fn find(&self, id: &str) -> Option<&Community> {
        self.by_id.get(id).map(|place| &self.communities[*place])
    }

    /// Whether the source knows any communities at all.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.communities.is_empty()
    }

    /// Whether entries of this community are still wanted: it stands. Where no community is known at
    /// all, those that have documents stand in for them; else documents outlive their community.
    #[must_use]
    pub(crate) fn is_wanted(&self, id: &str, shelved: &BTreeSet<String>) -> bool {
        match self.find(id) {
            Some(community) => stands(community),
            None => id == GLOBAL || (self.is_empty() && shelved.contains(id)),
        }
    }

    /// The communities that were deleted.
    pub(crate) fn gone(&self) -> impl Iterator<Item = &Community> {
        self.communities.iter().filter(|community| !stands(community))
    }

    /// The communities that were not deleted.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Community> {
        self.communities.iter().filter(|community| stands(community))
    }
}

/// Whether a community was not deleted.
pub(crate) fn stands(community: &Community) -> bool {
    community.deletion == DeletionStatus::Published
}

/// Whether a community is among "all communities".
pub(crate) fn takes_part(community: &Community, opt_in: bool) -> bool {
    stands(community) && (!opt_in || community.dashboard_enabled == Some(true))
}
