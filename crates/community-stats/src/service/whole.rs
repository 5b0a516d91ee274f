//! Entries whose bodies cannot be read count as damaged, as far as that shows without reading them.

use stats_cache::{CacheError, EntryState};

use super::CachedResponseService;
use super::judge::Judge;
use super::loss::Former;
use super::matrix::{Action, Keep};
use super::plan::Plan;

impl CachedResponseService {
    /// Decides anew about the cells that a plan takes for unchanged although their bodies are cut or
    /// missing.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(super) fn doubt_bodies(&self, plan: &mut Plan) -> Result<(), CacheError> {
        let unchanged: Vec<usize> = (0..plan.cells.len())
            .filter(|index| plan.cells[*index].verdict.action == Action::Keep(Keep::Unchanged))
            .collect();
        let keys: Vec<String> = unchanged
            .iter()
            .map(|index| &plan.cells[*index])
            .map(|cell| self.key(&plan.member(cell).id, cell.year, cell.category))
            .collect();
        let unreadable = self.store.unreadable(&keys)?;
        if unreadable.is_empty() {
            return Ok(());
        }
        for (index, key) in unchanged.into_iter().zip(keys) {
            if unreadable.contains(&key) {
                self.decide_as_damaged(plan, index, key);
            }
        }
        Ok(())
    }

    /// Decides about a cell whose entry turned out to be damaged.
    fn decide_as_damaged(&self, plan: &mut Plan, index: usize, key: String) {
        let cell = plan.cells[index];
        let place = (cell.member, cell.year, cell.category);
        let entry = EntryState::Damaged(key.clone());
        let verdict = Judge::new(self, plan, false).verdict(place, &key, &entry);
        plan.cells[index].former = Former::of(&entry);
        plan.cells[index].verdict = verdict;
    }
}
