//! A few bodies in turn: entries without expiry may be overwritten by others with as many bytes, and
//! nothing but the bytes tells.

use stats_cache::{CacheError, DamagedEntry, EntryState};

use crate::matrix::loss::Former;
use crate::matrix::verdict::{Action, Keep};
use crate::service::CachedResponseService;
use crate::survey::judge::Judge;
use crate::survey::plan::Plan;
use crate::survey::request::Request;

/// At least so many bodies are looked at in a run.
const LEAST: usize = 4;

/// Every body comes up within so many hours, if a run begins in each.
const TURNS: usize = 100;

impl CachedResponseService {
    /// Reads some of the bodies that a plan takes for unchanged, others each hour, and decides anew
    /// about those that turn out to be somebody else's. Entries with an expiry need none of this:
    /// nobody else hits the millisecond.
    ///
    /// # Errors
    /// When the store cannot answer. The plan can be used all the same.
    pub(crate) fn look_at_some(&self, plan: &mut Plan) -> Result<(), CacheError> {
        if self.settings.lifetime.is_some() {
            return Ok(());
        }
        let unchanged: Vec<usize> = (0..plan.cells.len())
            .filter(|index| plan.cells[*index].verdict.action == Action::Keep(Keep::Unchanged))
            .collect();
        let now = self.clock.now();
        for index in turn(&unchanged, now.as_second() / 3600) {
            let cell = plan.cells[*index];
            let key = self.key(&plan.member(&cell).id, cell.year, cell.category);
            let entry = match self.store.get(&key)? {
                Some(entry) if entry.description.origin.is_some() => continue,
                Some(entry) => EntryState::Foreign(entry.description),
                None => {
                    EntryState::Damaged(DamagedEntry::new(key.as_str(), "its body cannot be read"))
                }
            };
            let place = (cell.member, cell.year, cell.category);
            let verdict = Judge::new(self, plan, &Request::default()).verdict(place, &key, &entry);
            plan.cells[*index].former = Former::of(&entry);
            if let EntryState::Foreign(_) = entry {
                plan.cells[*index].seen = entry.seen();
            }
            plan.cells[*index].verdict = verdict;
        }
        Ok(())
    }
}

/// The part of `all` whose turn it is in this hour.
fn turn(all: &[usize], hour: i64) -> &[usize] {
    let size = all.len().div_ceil(TURNS).max(LEAST);
    let turns = all.len().div_ceil(size).max(1);
    let turn = usize::try_from(hour).unwrap_or(0) % turns;
    all.get(turn * size..all.len().min((turn + 1) * size)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_turn_and_none_is_long() {
        for count in [0, 1, 3, 4, 5, 399, 401, 7200] {
            let all: Vec<usize> = (0..count).collect();
            let mut seen = Vec::new();
            for hour in 480_000..480_000 + TURNS as i64 {
                let part = turn(&all, hour);
                assert!(part.len() <= LEAST.max(count.div_ceil(TURNS)), "{count}");
                seen.extend_from_slice(part);
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, all);
        }
    }
}
