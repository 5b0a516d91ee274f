//! States and reasons in words.

use std::fmt;

use serde::Serialize;
use stats_documents::Unsettled;

use crate::matrix::loss::Loss;
use crate::matrix::verdict::{
    Action, Cause, CellState, Difference, Keep, Pause, Refusal, Verdict, Wait,
};

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
    /// What is stored stays, though its shelf has lost days since it was made.
    Held,
    /// What is stored was left by another writer, or by hand.
    Foreign,
    /// It could not be made, and is tried again.
    Failed,
    /// It could not be made so often that it is not tried any more.
    Dead,
    /// A run that goes on is about to make it.
    Running,
    /// What is stored was made from what there is now.
    Fresh,
    /// What is stored belongs to a community that is gone, or to a year that it never had.
    Orphan,
}

impl StateName {
    /// All of them, in the order of the enumeration.
    pub const ALL: [Self; 12] = [
        Self::Missing,
        Self::Incomplete,
        Self::Damaged,
        Self::Expired,
        Self::Stale,
        Self::Held,
        Self::Foreign,
        Self::Failed,
        Self::Dead,
        Self::Running,
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
            Self::Held => "held",
            Self::Foreign => "foreign",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Running => "running",
            Self::Fresh => "fresh",
            Self::Orphan => "orphan",
        }
    }

    /// Whether something is stored, served or not; of what cannot be made, or is being made, that is
    /// not known.
    #[must_use]
    pub const fn is_stored(self) -> bool {
        !matches!(
            self,
            Self::Missing | Self::Incomplete | Self::Failed | Self::Dead | Self::Running
        )
    }

    /// Whether an entry stands that is served.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Stale | Self::Held | Self::Foreign | Self::Fresh | Self::Orphan)
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
            (_, Action::Hold(_)) => StateName::Held,
            (_, Action::Wait(Wait::Pause(Pause { until: Some(_), .. }))) => StateName::Failed,
            (_, Action::Wait(Wait::Pause(Pause { until: None, .. }))) => StateName::Dead,
            (CellState::Missing, Action::Wait(_)) => StateName::Incomplete,
            (CellState::Missing, _) => StateName::Missing,
            (CellState::Damaged, _) => StateName::Damaged,
            (CellState::Expired, _) => StateName::Expired,
            (CellState::Stale(_), _) => StateName::Stale,
            (CellState::Foreign | CellState::ByHand, _) => StateName::Foreign,
            (CellState::Fresh, _) => StateName::Fresh,
        }
    }

    /// Why it is made, kept, waited for or refused.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.action {
            Action::Make(Cause::Overwrite) => "overwrite asked for".to_owned(),
            Action::Make(Cause::Adopt) => "made by another writer, to be compared".to_owned(),
            Action::Make(Cause::CurrentYear) => {
                "origin unknown, and the year is not over".to_owned()
            }
            Action::Make(Cause::Marked) => "origin unknown, and the year was aggregated".to_owned(),
            Action::Make(Cause::State) => self.state.to_string(),
            Action::Keep(keep) => keep.to_string(),
            Action::Hold(loss) => loss.to_string(),
            Action::Wait(wait) => wait.to_string(),
            Action::Refuse(refusal) => refusal.to_string(),
        }
    }
}

/// Why a response stays that has more days than its shelf: the loss, and what the source says, where it
/// has nothing for the whole kind.
pub(crate) fn held_because(loss: Loss, missing: Option<&str>) -> String {
    match missing {
        Some(missing) => format!("{loss}: {missing}"),
        None => loss.to_string(),
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregation(gap) => gap.fmt(formatter),
            Self::Import(import) => import.fmt(formatter),
            Self::ImportedMeanwhile => Unsettled::Changed.fmt(formatter),
            Self::NotSearchable => formatter.write_str("written but not searchable yet"),
            Self::Pause(pause) => pause.fmt(formatter),
            Self::Replaced => formatter
                .write_str("was changed meanwhile; what stands there now stays until the next run"),
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts {
            1 => formatter.write_str("failed once, ")?,
            times => write!(formatter, "failed {times} times, ")?,
        }
        match self.until {
            Some(until) => write!(formatter, "next try at {until:.0}"),
            None => formatter.write_str("not tried any more"),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unchanged => "unchanged",
            Self::Foreign => "made by another writer",
            Self::ByHand => "stored by hand",
        })
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
            Self::ByHand => formatter.write_str("stored by hand"),
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
            Self::NoIndex => formatter.write_str("its documents are missing"),
            Self::Unreadable => formatter.write_str("its documents cannot be asked for"),
        }
    }
}
