//! What a caller can ask for.

use serde::{Deserialize, Serialize};
use stats_model::Category;

use crate::survey::names::Communities;

/// How many keys one question to the store is about.
pub(crate) const KEYS_PER_QUESTION: usize = 512;

/// The years a request is about; only those in the lifespan of a community count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Years {
    /// The whole lifespan of each community.
    #[default]
    Auto,
    /// These, in this order.
    Named(Vec<i16>),
}

impl Years {
    /// The years of a community whose lifespan is `first..=current`.
    #[must_use]
    pub fn within(&self, first: i16, current: i16) -> Vec<i16> {
        match self {
            Self::Auto => (first..=current).collect(),
            Self::Named(years) => {
                years.iter().copied().filter(|year| (first..=current).contains(year)).collect()
            }
        }
    }
}

/// What to look at, and how to make it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// Which communities.
    pub communities: Communities,
    /// Which years.
    pub years: Years,
    /// Which categories; none named means the configured ones.
    pub categories: Vec<Category>,
    /// Whether responses hold only what the layout needs; `None`: as configured.
    pub optimize: Option<bool>,
    /// Whether to make what stands and is unchanged, too.
    pub overwrite: bool,
    /// Whether shelves that have lost days are taken for the truth; also when settings do not say so.
    pub accept_loss: bool,
    /// Whether what could not be made is given pauses that grow, and is left alone after some
    /// attempts: for whoever asks again and again. What it is made from changing ends that.
    pub patient: bool,
}

impl Request {
    /// Whether it is about this year and category, of whatever community and lifespan.
    pub(crate) fn is_about(&self, year: i16, category: Category) -> bool {
        let year = match &self.years {
            Years::Auto => true,
            Years::Named(years) => years.contains(&year),
        };
        year && (self.categories.is_empty() || self.categories.contains(&category))
    }
}
