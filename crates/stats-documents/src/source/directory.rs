//! Communities and their first days.

use std::collections::BTreeMap;

use stats_model::{Community, Day};

use crate::SourceError;

/// A place that knows communities, and since when there is something of them. The contract of the
/// [module](super) holds for it, too.
pub trait Directory: Send + Sync {
    /// All communities, deleted ones included, sorted by id. `global` is not among them.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn communities(&self) -> Result<Vec<Community>, SourceError>;

    /// The day of the oldest community event of each of these communities (of all, when empty);
    /// those without events are absent (cache-and-jobs specification, section 7).
    ///
    /// # Errors
    /// When the source cannot answer.
    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError>;

    /// The day the oldest record of the repository was created, if there is any.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn first_record(&self) -> Result<Option<Day>, SourceError>;
}
