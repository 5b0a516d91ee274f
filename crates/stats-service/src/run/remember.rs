//! What a run leaves behind beside the responses: entries that are held live on, and what came to
//! nothing is noted until it succeeds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use stats_cache::{CacheError, EntryDescription, EntryState, Memory, MemoryChanges, Note, Trouble};
use stats_documents::jittered;
use stats_model::{Category, Cell, chain};

use crate::matrix::loss::Loss;
use crate::matrix::verdict::{Action, Keep};
use crate::report::{Held, Summary};
use crate::service::CachedResponseService;
use crate::stop::Stop;
use crate::survey::judge::Judge;
use crate::survey::plan::{Plan, PlannedCell};
use crate::survey::request::{KEYS_PER_QUESTION, Request};

/// The longest pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

impl CachedResponseService {
    /// Gives entries that are held a new lifetime when less than half of theirs is left.
    pub(crate) fn keep_alive(&self, stop: &Stop, summary: &mut Summary) {
        let keys: Vec<String> =
            summary.held_responses.iter().map(|held| self.key_of(&held.cell)).collect();
        for keys in keys.chunks(KEYS_PER_QUESTION) {
            if let Err(error) = self.prolong(keys) {
                if stop.is_lost_by(&error) {
                    return;
                }
                let text = format!("held responses may end: {}", chain(&error));
                summary.warnings.push(text);
                return;
            }
        }
    }

    fn prolong(&self, keys: &[String]) -> Result<(), CacheError> {
        let now = self.clock.now();
        for (key, state) in keys.iter().zip(self.store.describe(keys)?) {
            let ends = match &state {
                EntryState::Ours(EntryDescription { expires, .. })
                | EntryState::Foreign(EntryDescription { expires, .. })
                | EntryState::Expired(EntryDescription { expires, .. }) => *expires,
                EntryState::Absent | EntryState::Damaged(_) => None,
            };
            if let Some(ends) = ends
                && self.is_soon(ends, now)
            {
                self.store.prolong(key, self.end_of_life(now))?;
            }
        }
        Ok(())
    }

    fn is_soon(&self, ends: Timestamp, now: Timestamp) -> bool {
        let lifetime = self.settings.lifetime;
        lifetime.is_none_or(|lifetime| ends.duration_since(now) < lifetime / 2)
    }

    /// Notes what came to nothing, and forgets what succeeded.
    pub(crate) fn note_down(&self, plan: &Plan, stop: &Stop, summary: &mut Summary) {
        let Some(notebook) = &self.notebook else { return };
        let changes = self.changes(plan, summary);
        if !changes.is_empty()
            && let Err(error) = notebook.remember(&changes)
            && !stop.is_lost_by(&error)
        {
            summary.warnings.push(format!("what happened is not remembered: {}", chain(&error)));
        }
    }

    fn changes(&self, plan: &Plan, summary: &Summary) -> MemoryChanges {
        let mut changes = MemoryChanges::default();
        let is_refused = |cell: &&PlannedCell| matches!(cell.verdict.action, Action::Refuse(_));
        let refused: BTreeSet<Cell> =
            plan.cells.iter().filter(is_refused).map(|cell| plan.place(cell)).collect();
        let troubles = summary.errors.iter().map(|it| (&it.cell, Trouble::failed(&it.error)));
        let held = summary.held_responses.iter().map(|it| (&it.cell, self.trouble_of(plan, it)));
        for (cell, trouble) in troubles.chain(held) {
            let key = self.key_of(cell);
            let known = plan.memory.notes.get(&key);
            let note = self.note_of(plan, &refused, cell, known, trouble);
            changes.notes.push((key, note));
        }
        let stand = self.standing_now(plan, summary);
        for (community, year, category) in &stand {
            let key = self.key(community, *year, *category);
            if plan.memory.notes.contains_key(&key) {
                changes.forget.push(key);
            }
        }
        changes.first_years = earlier_years(&plan.memory, &stand);
        changes
    }

    /// What is noted of a trouble, with what was noted before. Each failure in a row is followed by a
    /// longer pause, as long as what the response is made from is the same.
    fn note_of(
        &self,
        plan: &Plan,
        refused: &BTreeSet<Cell>,
        cell: &Cell,
        known: Option<&Note>,
        trouble: Trouble,
    ) -> Note {
        let now = self.clock.now();
        // Of what cannot even be tried nothing was tried in vain.
        let is_refused = refused.contains(cell);
        let made_from = Judge::new(self, plan, &Request::default()).made_from(cell);
        let made_from = made_from.filter(|_| !is_refused);
        let failed_before = |note: &&Note| matches!(note.trouble, Trouble::Failed { .. });
        let again = known.filter(failed_before).filter(|it| it.made_from == made_from);
        let again = again.filter(|_| !is_refused);
        let attempts = again.map_or(1, |known| known.attempts.saturating_add(1));
        let pause = jittered(attempts, FIRST_PAUSE, LONGEST_PAUSE);
        let failed = matches!(trouble, Trouble::Failed { .. });
        let Cell { community, year, category } = cell.clone();
        Note {
            community,
            year,
            category,
            since: known.map_or(now, |known| known.since),
            last: now,
            attempts,
            next: now.checked_add(pause).ok().filter(|_| failed),
            made_from,
            trouble,
        }
    }

    /// What was found when the shelf was read, now or the last time. What the number of documents tells
    /// is told by it again.
    fn trouble_of(&self, plan: &Plan, held: &Held) -> Trouble {
        let known = plan.memory.notes.get(&self.key_of(&held.cell));
        let Held { loss: Loss { then, now }, found, .. } = held;
        match (found, known.map(|note| &note.trouble)) {
            (None, Some(trouble @ Trouble::Held { .. })) => trouble.clone(),
            _ => {
                let (shelf, length) = found.unwrap_or_default();
                Trouble::Held { shelf, then: *then, now: *now, length }
            }
        }
    }

    /// What stands now as it should.
    fn standing_now<'a>(
        &self,
        plan: &'a Plan,
        summary: &'a Summary,
    ) -> Vec<(&'a str, i16, Category)> {
        let made = &summary.responses;
        let made =
            made.iter().map(|it| (it.cell.community.as_str(), it.cell.year, it.cell.category));
        let kept = plan.cells.iter().filter(|cell| {
            matches!(
                cell.verdict.action,
                Action::Keep(Keep::Unchanged | Keep::ByHand | Keep::Foreign)
            )
        });
        let kept = kept.map(|cell| (plan.member(cell).id.as_str(), cell.year, cell.category));
        made.chain(kept).collect()
    }
}

/// The first year of each community that is earlier than what is remembered.
fn earlier_years(memory: &Memory, stand: &[(&str, i16, Category)]) -> Vec<(String, i16)> {
    let mut first: BTreeMap<&str, i16> = BTreeMap::new();
    for (community, year, _) in stand {
        let known = first.entry(community).or_insert(*year);
        *known = (*known).min(*year);
    }
    first
        .into_iter()
        .filter(|(community, year)| memory.first_years.get(*community).is_none_or(|it| year < it))
        .map(|(community, year)| (community.to_owned(), year))
        .collect()
}
