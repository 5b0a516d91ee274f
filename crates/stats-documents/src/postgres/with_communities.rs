//! First days from one place, communities from the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use stats_model::{Community, Day};

use super::PostgresCommunities;
use crate::{Directory, SourceError};

/// The communities of the database; since when there is something of them says another place.
pub struct WithCommunities {
    /// Knows the first days.
    pub first_days: Arc<dyn Directory>,
    /// Answers the questions about communities.
    pub communities: PostgresCommunities,
}

impl std::fmt::Debug for WithCommunities {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("WithCommunities");
        debug.field("communities", &self.communities).finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Directory for WithCommunities {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        self.communities.communities()
    }

    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        self.first_days.first_events(communities)
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        self.first_days.first_record()
    }
}
