//! The state of a cell, and what to do about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats_documents::{OpenImport, Unsettled};

use crate::matrix::completeness::Gap;
use crate::matrix::loss::Loss;

/// What stands under the key of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    /// Nothing.
    Missing,
    /// Something unreadable; it counts as nothing.
    Damaged,
    /// An entry whose lifetime is over.
    Expired,
    /// An entry that we made from something else than what there is now.
    Stale(Difference),
    /// An entry that another writer left: nobody told what it was made from.
    Foreign,
    /// An entry that somebody stored by hand.
    ByHand,
    /// An entry that we made from exactly what there is now.
    Fresh,
}

/// The first thing that differs between what an entry was made from and what there is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make it.
    Make(Cause),
    /// Leave what is stored.
    Keep(Keep),
    /// It would be made, but not all of its documents are there yet; what is stored stays.
    Wait(Wait),
    /// It would be made, but its shelf has lost days; what is stored stays and lives on.
    Hold(Loss),
    /// It cannot be made.
    Refuse(Refusal),
}

/// What a cell waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Its period is not aggregated yet.
    Aggregation(Gap),
    /// An import changed its documents, and has not ended or lost something.
    Import(OpenImport),
    /// An import changed its documents after they were read.
    ImportedMeanwhile,
    /// Its documents are written and cannot be searched yet.
    NotSearchable,
    /// Something else was stored in its place since the plan was made.
    Replaced,
    /// It could not be made, and is not tried again so soon.
    Pause(Pause),
}

/// How long a cell is left alone that could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Until when; `None`: until somebody asks for it, or what it is made from changes.
    pub until: Option<Timestamp>,
}

impl From<Unsettled> for Wait {
    fn from(unsettled: Unsettled) -> Self {
        match unsettled {
            Unsettled::Import(import) => Self::Import(import),
            Unsettled::Changed => Self::ImportedMeanwhile,
        }
    }
}

/// Why a cell is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its state asks for it.
    State,
    /// The caller asked to overwrite.
    Overwrite,
    /// An entry of another writer: it is made once, to become ours or to be replaced.
    Adopt,
    /// An entry of unknown origin, and the year is the current one.
    CurrentYear,
    /// An entry of unknown origin, and an aggregation marked the year as changed.
    Marked,
}

/// Why a cell is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// It was made from what there is now.
    Unchanged,
    /// Another writer left it, and no rule asks to make it again.
    Foreign,
    /// It was stored by hand, and no rule asks to make it again.
    ByHand,
}

/// What to do about entries of other writers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForeignRule {
    /// Make them once; equal ones become ours, others are replaced.
    #[default]
    Adopt,
    /// Upstream's rule: make them again for the current year and for marked ones, else keep them.
    Keep,
}

/// Why a cell cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The community was deleted.
    Deleted,
    /// The source has nothing for documents of this kind, not even an empty index.
    NoIndex,
    /// The source could not answer about documents of this kind.
    Unreadable,
}

impl Verdict {
    /// Whether nothing has to be done or said about the cell: what stands is as it should be, or nothing
    /// does since its time has not come. What waits for anything but the aggregation, and what stands
    /// and is not up to date, is not.
    #[must_use]
    pub const fn is_true(&self) -> bool {
        match self.action {
            Action::Keep(_) => true,
            Action::Wait(Wait::Aggregation(_)) => matches!(self.state, CellState::Missing),
            Action::Wait(_) | Action::Make(_) | Action::Hold(_) | Action::Refuse(_) => false,
        }
    }
}

/// State and action of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What stands under its key.
    pub state: CellState,
    /// What to do about it.
    pub action: Action,
}
