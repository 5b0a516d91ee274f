//! Entries that belong to no cell, and why.

use stats_cache::{EntryDescription, EntryState};
use stats_model::calendar::day_of;

use crate::matrix::loss::stands_for_days;
use crate::matrix::words::StateName;
use crate::service::CachedResponseService;

/// Why what stands of a community is an orphan.
pub(crate) const GONE: &str = "the community is gone";
const NEVER: &str = "outside the lifespan of the community";
const LOST: &str = "all days of the year are gone, and it is outside the lifespan of the community";
const ELSEWHERE: &str = "stored under another prefix";
const NOT_YET: &str = "its year has not begun by the clock of this machine";

impl CachedResponseService {
    /// State and reason of an entry that belongs to no cell, of a community that is `wanted` or not.
    /// What was made from documents of a community that stands is not thrown away because its year
    /// dropped out of the lifespan, nor anything that somebody with another prefix stored, nor what a
    /// clock that was set back calls the future.
    pub(crate) fn state_of_left_over(
        &self,
        wanted: bool,
        entry: &EntryDescription,
    ) -> (StateName, &'static str) {
        if entry.key != self.key(&entry.community, entry.year, entry.category) {
            (StateName::Foreign, ELSEWHERE)
        } else if !wanted {
            (StateName::Orphan, GONE)
        } else if entry.year > day_of(self.clock.now()).year() {
            (StateName::Held, NOT_YET)
        } else if stands_for_days(&EntryState::Ours(entry.clone())) {
            (StateName::Held, LOST)
        } else {
            (StateName::Orphan, NEVER)
        }
    }
}
