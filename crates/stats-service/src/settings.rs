//! What the service has to know about this installation, in resolved form.

use jiff::SignedDuration;
use stats_model::Category;
use stats_series::{FloatStyle, Layouts, SeriesConfig};

use crate::hash::hash;
use crate::matrix::verdict::ForeignRule;

/// The settings of a [`CachedResponseService`](crate::CachedResponseService).
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// Put before every key (`STATS_CACHE_PREFIX`).
    pub prefix: String,
    /// Lifetime of an entry; `None`: it never ends.
    pub lifetime: Option<SignedDuration>,
    /// The categories that are made when none are named, in generation order.
    pub categories: Vec<Category>,
    /// Whether responses hold only what the layout needs, unless the request says otherwise.
    pub optimize: bool,
    /// Whether only communities with `stats:dashboard_enabled` are among "all communities".
    pub opt_in: bool,
    /// How large floats are written.
    pub floats: FloatStyle,
    /// Subcount configuration and component registry.
    pub series: SeriesConfig,
    /// The configured layouts.
    pub layouts: Layouts,
    /// What to do about entries of other writers.
    pub foreign: ForeignRule,
    /// Whether shelves that have lost days are taken for the truth.
    pub accept_loss: bool,
    /// How often what cannot be made is tried, when somebody asks again and again.
    pub attempts: u32,
    /// How many days old the newest bookmark of a kind may be before somebody is told that the
    /// aggregation stands still; `None`: nobody is.
    pub still_after_days: Option<u16>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            prefix: "stats_dashboard".to_owned(),
            lifetime: Some(SignedDuration::from_hours(30 * 24)),
            categories: Category::ALL.to_vec(),
            optimize: true,
            opt_in: true,
            floats: FloatStyle::Plain,
            series: SeriesConfig::default(),
            layouts: Layouts::default(),
            foreign: ForeignRule::default(),
            accept_loss: false,
            attempts: 5,
            still_after_days: None,
        }
    }
}

impl ServiceSettings {
    /// Hash of what they say about what every response holds: subcounts, components, and how numbers
    /// are written where that is not as usual.
    pub(crate) fn configuration(&self) -> String {
        let series = self.series.canonical();
        match self.floats {
            FloatStyle::Plain => hash(&series),
            FloatStyle::Signed => hash(&format!("{series}\nlarge floats: signed")),
        }
    }
}
