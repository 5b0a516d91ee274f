//! What has to be done for a cell (one community, one year, one category): a pure decision from
//! what is stored and what would be made (cache-and-jobs specification, section 15, row 12).

use stats_cache::{EntryState, Origin, ShelfMark};
use stats_documents::OpenImport;
use stats_model::Position;

use crate::hash::hash;
use crate::matrix::completeness::Gap;
use crate::matrix::loss::{Loss, days_of};
use crate::matrix::verdict::{
    Action, Cause, CellState, Difference, ForeignRule, Keep, Pause, Refusal, Verdict, Wait,
};

/// What a cell would be made from now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The fingerprint of its shelf.
    pub shelf: ShelfMark,
    /// How far the source has moved, in the histories that it reads now.
    pub position: Position,
    /// Hash of the layout's component names; empty when not optimised.
    pub layout: String,
    /// Hash of the subcount configuration and component registry.
    pub configuration: String,
    /// Whether it holds only what the layout needs.
    pub optimized: bool,
    /// The version of the generator.
    pub generator: u32,
}

impl Wanted {
    /// All of it but the position in a few characters: another text, another thing to make.
    #[must_use]
    pub fn text(&self) -> String {
        let ShelfMark { count, max, sum } = self.shelf;
        let Self { layout, configuration, optimized, generator, .. } = self;
        let all = format!("{count} {max} {sum} {layout} {configuration} {optimized} {generator}");
        let mut text = hash(&all);
        text.truncate(16);
        text
    }
}

/// Everything the decision about one cell depends on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What stands under its key.
    pub entry: &'a EntryState,
    /// What it would be made from.
    pub wanted: &'a Wanted,
    /// What is missing before its period is complete.
    pub gap: Option<Gap>,
    /// The import that changed its documents and is open.
    pub import: Option<OpenImport>,
    /// Whether its year is the current one, UTC.
    pub current_year: bool,
    /// Whether an aggregation marked its year as changed.
    pub marked: bool,
    /// Whether the caller asked to make it in any case.
    pub overwrite: bool,
    /// Why it cannot be made at all.
    pub refusal: Option<Refusal>,
    /// What to do about an entry of another writer.
    pub foreign: ForeignRule,
    /// A loss of days that was found when its shelf was read last, if it still is as it was.
    pub known_loss: Option<Loss>,
    /// Whether the caller takes losses of days for the truth.
    pub accept_loss: bool,
    /// How long it is left alone since it could not be made.
    pub pause: Option<Pause>,
}

/// Decides about one cell.
#[must_use]
pub fn decide(facts: &Facts<'_>) -> Verdict {
    let state = state(facts.entry, facts.wanted);
    Verdict { state, action: action(state, facts) }
}

fn action(state: CellState, facts: &Facts<'_>) -> Action {
    if let Some(refusal @ (Refusal::Deleted | Refusal::Unreadable)) = facts.refusal {
        return Action::Refuse(refusal);
    }
    if let Some(loss) = loss(state, facts)
        && !facts.accept_loss
        // What is missing may still come.
        && facts.import.is_none()
    {
        return Action::Hold(loss);
    }
    if let Some(refusal) = facts.refusal {
        return Action::Refuse(refusal);
    }
    let adopts = facts.foreign == ForeignRule::Adopt;
    let cause = match state {
        _ if facts.overwrite => Cause::Overwrite,
        CellState::Fresh => return Action::Keep(Keep::Unchanged),
        CellState::Foreign if adopts => Cause::Adopt,
        CellState::Foreign | CellState::ByHand if facts.current_year => Cause::CurrentYear,
        CellState::Foreign | CellState::ByHand if facts.marked => Cause::Marked,
        CellState::Foreign => return Action::Keep(Keep::Foreign),
        CellState::ByHand => return Action::Keep(Keep::ByHand),
        CellState::Missing | CellState::Damaged | CellState::Expired | CellState::Stale(_) => {
            Cause::State
        }
    };
    match (facts.import, facts.gap) {
        (Some(import), _) => Action::Wait(Wait::Import(import)),
        (None, Some(gap)) => Action::Wait(Wait::Aggregation(gap)),
        (None, None) => match facts.pause {
            Some(pause) if !facts.overwrite => Action::Wait(Wait::Pause(pause)),
            _ => Action::Make(cause),
        },
    }
}

/// What a shelf has lost since the entry was made. A day takes a document at least, so the number of
/// documents tells without reading them; where several were of one day, an earlier reading may
/// have found more.
fn loss(state: CellState, facts: &Facts<'_>) -> Option<Loss> {
    if state == CellState::Fresh {
        return None;
    }
    let entry = facts.entry.description()?;
    let origin = entry.origin.as_ref();
    let counted = origin.and_then(|it| Loss::between(days_of(it), facts.wanted.shelf.count));
    counted.or(facts.known_loss)
}

fn state(entry: &EntryState, wanted: &Wanted) -> CellState {
    match entry {
        EntryState::Absent => CellState::Missing,
        EntryState::Damaged(_) => CellState::Damaged,
        EntryState::Expired(_) => CellState::Expired,
        EntryState::Foreign(_) => CellState::Foreign,
        EntryState::Ours(description) => match &description.origin {
            None => CellState::ByHand,
            Some(origin) => difference(origin, wanted).map_or(CellState::Fresh, CellState::Stale),
        },
    }
}

/// The first thing in which `origin` differs from `wanted`.
#[must_use]
pub fn difference(origin: &Origin, wanted: &Wanted) -> Option<Difference> {
    if !histories_stand(&origin.position, &wanted.position) {
        Some(Difference::History)
    } else if origin.shelf != wanted.shelf {
        Some(Difference::Documents)
    } else if origin.optimized != wanted.optimized {
        Some(Difference::Optimize)
    } else if origin.layout != wanted.layout {
        Some(Difference::Layout)
    } else if origin.configuration != wanted.configuration {
        Some(Difference::Configuration)
    } else if origin.generator != wanted.generator {
        Some(Difference::Generator)
    } else {
        None
    }
}

/// Whether every history that an entry was made from goes on. A new one beside them (the index of
/// a new year) changes nothing for the documents of the old ones.
fn histories_stand(position: &str, now: &Position) -> bool {
    serde_json::from_str::<Position>(position).is_ok_and(|position| position.goes_on_in(now))
}

/// The position of a source as the text that an [`Origin`] keeps.
#[must_use]
pub fn position_text(position: &Position) -> String {
    serde_json::to_string(position).unwrap_or_default()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
