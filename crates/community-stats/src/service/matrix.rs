//! What has to be done for a cell (one community, one year, one category): a pure decision from
//! what is stored and what would be made (cache-and-jobs specification, section 15, row 12).

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use stats_cache::{EntryState, Origin, ShelfMark};
use stats_documents::{OpenImport, Position};

use super::completeness::Gap;

/// What stands under the key of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellState {
    /// Nothing.
    Missing,
    /// Something unreadable; it counts as nothing.
    Damaged,
    /// An entry whose lifetime is over.
    Expired,
    /// An entry that we made from something else than what there is now.
    Stale(Difference),
    /// An entry of which we do not know what it was made from: another writer left it, or it was
    /// stored by hand.
    Foreign,
    /// An entry that we made from exactly what there is now.
    Fresh,
}

/// The first thing that differs between what an entry was made from and what there is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The source is another one, or was made anew.
    History,
    /// Documents were added, changed or removed.
    Documents,
    /// One holds all metrics, the other only those that the layout needs.
    Optimize,
    /// The layout needs other components.
    Layout,
    /// Another subcount configuration or component registry.
    Configuration,
    /// Another version of the generator.
    Generator,
}

/// What to do about a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make it.
    Make(Cause),
    /// Leave what is stored.
    Keep(Keep),
    /// It would be made, but not all of its documents are there yet; what is stored stays.
    Wait(Wait),
    /// It cannot be made.
    Refuse(Refusal),
}

/// What a cell waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Its period is not aggregated yet.
    Aggregation(Gap),
    /// An import changed its documents, and has not ended or lost something.
    Import(OpenImport),
}

/// Why a cell is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its state asks for it.
    State,
    /// The caller asked to overwrite.
    Overwrite,
    /// An entry of unknown origin, and the year is the current one.
    CurrentYear,
    /// An entry of unknown origin, and an aggregation marked the year as changed.
    Marked,
}

/// Why a cell is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It was made from what there is now.
    Unchanged,
    /// Its origin is unknown, and no rule asks to make it again.
    Foreign,
}

/// Why a cell cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The community was deleted.
    Deleted,
    /// The source has nothing for documents of this kind, not even an empty index.
    NoIndex,
}

/// State and action of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What stands under its key.
    pub state: CellState,
    /// What to do about it.
    pub action: Action,
}

/// What a cell would be made from now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The fingerprint of its shelf.
    pub shelf: ShelfMark,
    /// The histories that the source reads now.
    pub histories: BTreeSet<String>,
    /// Hash of the layout's component names; empty when not optimised.
    pub layout: String,
    /// Hash of the subcount configuration and component registry.
    pub configuration: String,
    /// Whether it holds only what the layout needs.
    pub optimized: bool,
    /// The version of the generator.
    pub generator: u32,
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
}

/// Decides about one cell.
#[must_use]
pub fn decide(facts: &Facts<'_>) -> Verdict {
    let state = state(facts.entry, facts.wanted);
    Verdict { state, action: action(state, facts) }
}

fn action(state: CellState, facts: &Facts<'_>) -> Action {
    if let Some(refusal) = facts.refusal {
        return Action::Refuse(refusal);
    }
    let cause = match state {
        _ if facts.overwrite => Cause::Overwrite,
        CellState::Fresh => return Action::Keep(Keep::Unchanged),
        CellState::Foreign if facts.current_year => Cause::CurrentYear,
        CellState::Foreign if facts.marked => Cause::Marked,
        CellState::Foreign => return Action::Keep(Keep::Foreign),
        CellState::Missing | CellState::Damaged | CellState::Expired | CellState::Stale(_) => {
            Cause::State
        }
    };
    match (facts.import, facts.gap) {
        (Some(import), _) => Action::Wait(Wait::Import(import)),
        (None, Some(gap)) => Action::Wait(Wait::Aggregation(gap)),
        (None, None) => Action::Make(cause),
    }
}

fn state(entry: &EntryState, wanted: &Wanted) -> CellState {
    match entry {
        EntryState::Absent => CellState::Missing,
        EntryState::Damaged(_) => CellState::Damaged,
        EntryState::Expired(_) => CellState::Expired,
        EntryState::Foreign(_) => CellState::Foreign,
        EntryState::Ours(description) => match &description.origin {
            None => CellState::Foreign,
            Some(origin) => difference(origin, wanted).map_or(CellState::Fresh, CellState::Stale),
        },
    }
}

/// The first thing in which `origin` differs from `wanted`.
#[must_use]
pub fn difference(origin: &Origin, wanted: &Wanted) -> Option<Difference> {
    if !histories_stand(&origin.position, &wanted.histories) {
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
fn histories_stand(position: &str, now: &BTreeSet<String>) -> bool {
    serde_json::from_str::<Position>(position).is_ok_and(|position| {
        position.0.iter().all(|mark| now.iter().any(|history| mark.is_of(history)))
    })
}

/// The position of a source as the text that an [`Origin`] keeps.
#[must_use]
pub fn position_text(position: &Position) -> String {
    serde_json::to_string(position).unwrap_or_default()
}

/// The state of a cell in one word, as `cache list --state` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StateName {
    /// Nothing is stored.
    Missing,
    /// Nothing is stored, and the period is not aggregated yet.
    Incomplete,
    /// Something unreadable is stored.
    Damaged,
    /// The lifetime of what is stored is over.
    Expired,
    /// What is stored was made from something else than what there is now.
    Stale,
    /// What is stored was left by another writer, or by hand.
    Foreign,
    /// What is stored was made from what there is now.
    Fresh,
    /// What is stored belongs to no community, year or category that would be made.
    Orphan,
}

impl StateName {
    /// All of them, in the order of the enumeration.
    pub const ALL: [Self; 8] = [
        Self::Missing,
        Self::Incomplete,
        Self::Damaged,
        Self::Expired,
        Self::Stale,
        Self::Foreign,
        Self::Fresh,
        Self::Orphan,
    ];

    /// The word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Incomplete => "incomplete",
            Self::Damaged => "damaged",
            Self::Expired => "expired",
            Self::Stale => "stale",
            Self::Foreign => "foreign",
            Self::Fresh => "fresh",
            Self::Orphan => "orphan",
        }
    }

    /// Whether an entry stands that is served.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Stale | Self::Foreign | Self::Fresh | Self::Orphan)
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl Verdict {
    /// The state in one word.
    #[must_use]
    pub const fn name(&self) -> StateName {
        match (self.state, self.action) {
            (CellState::Missing, Action::Wait(_)) => StateName::Incomplete,
            (CellState::Missing, _) => StateName::Missing,
            (CellState::Damaged, _) => StateName::Damaged,
            (CellState::Expired, _) => StateName::Expired,
            (CellState::Stale(_), _) => StateName::Stale,
            (CellState::Foreign, _) => StateName::Foreign,
            (CellState::Fresh, _) => StateName::Fresh,
        }
    }

    /// Why it is made, kept, waited for or refused.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.action {
            Action::Make(Cause::Overwrite) => "overwrite asked for".to_owned(),
            Action::Make(Cause::CurrentYear) => {
                "origin unknown, and the year is not over".to_owned()
            }
            Action::Make(Cause::Marked) => "origin unknown, and the year was aggregated".to_owned(),
            Action::Make(Cause::State) => self.state.to_string(),
            Action::Keep(Keep::Unchanged) => "unchanged".to_owned(),
            Action::Keep(Keep::Foreign) => "made by another writer".to_owned(),
            Action::Wait(wait) => wait.to_string(),
            Action::Refuse(refusal) => refusal.to_string(),
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregation(gap) => gap.fmt(formatter),
            Self::Import(import) => import.fmt(formatter),
        }
    }
}

impl fmt::Display for CellState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("not made yet"),
            Self::Damaged => formatter.write_str("damaged"),
            Self::Expired => formatter.write_str("expired"),
            Self::Stale(difference) => difference.fmt(formatter),
            Self::Foreign => formatter.write_str("made by another writer"),
            Self::Fresh => formatter.write_str("unchanged"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::History => "another source",
            Self::Documents => "documents changed",
            Self::Optimize => "other metrics wanted",
            Self::Layout => "layout changed",
            Self::Configuration => "subcount configuration changed",
            Self::Generator => "made by another version",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => formatter.write_str("the community was deleted"),
            Self::NoIndex => formatter.write_str("the index of its documents is missing"),
        }
    }
}

#[cfg(test)]
mod tests;
