//! The matrix in memory: every cell with its state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stats_model::{Category, Cell};

use crate::matrix::verdict::{Action, Keep, Verdict, Wait};
use crate::matrix::words::StateName;

/// What is known of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Square {
    /// Its year.
    pub year: i16,
    /// Its category.
    pub category: Category,
    /// Its state.
    pub state: StateName,
    /// What stands there and what has to be done about it.
    pub verdict: Verdict,
    /// Since when it is in this state, as far as is known.
    pub since: Option<Timestamp>,
    /// When what stands there ends; `None`: never, or nothing stands.
    pub expires: Option<Timestamp>,
}

/// The cells of one community, in the order year, category.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The slug of the community, when known.
    pub slug: Option<String>,
    /// Its cells.
    pub squares: Vec<Square>,
}

/// All cells by the ids of their communities.
#[derive(Debug, Clone, Default)]
pub struct Board {
    rows: BTreeMap<String, Row>,
}

/// A cell that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Oldest {
    /// The cell.
    #[serde(flatten)]
    pub cell: Cell,
    /// Its state.
    pub state: StateName,
    /// Since when, as far as is known.
    pub since: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

impl Board {
    /// The cells of each community.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.rows.iter().map(|(community, row)| (community.as_str(), row))
    }

    /// How many cells are in which state.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<StateName, u64> {
        let mut counts = BTreeMap::new();
        for square in self.squares() {
            *counts.entry(square.state).or_default() += 1;
        }
        counts
    }

    /// The cell that is not true for the longest time: something is made, held or refused there.
    #[must_use]
    pub fn oldest_untrue(&self) -> Option<Oldest> {
        let all = self
            .rows
            .iter()
            .flat_map(|(community, row)| row.squares.iter().map(move |square| (community, square)));
        let untrue = all.filter(|(_, square)| !is_true(square));
        let (community, square) =
            untrue.min_by_key(|(_, square)| (square.since.is_none(), square.since))?;
        Some(Oldest {
            cell: Cell::new(community.as_str(), square.year, square.category),
            state: square.state,
            since: square.since,
            reason: square.verdict.reason(),
        })
    }

    /// How many cells are not as they should be: something is made, held, refused or given up there.
    #[must_use]
    pub fn untrue(&self) -> u64 {
        self.squares().filter(|square| !is_true(square)).count() as u64
    }

    /// How many cells are not as they should be and wait for something.
    #[must_use]
    pub fn untrue_waiting(&self) -> u64 {
        let waits = |it: &&Square| match it.verdict.action {
            Action::Wait(Wait::Pause(_)) => false,
            Action::Wait(_) => !is_true(it),
            _ => false,
        };
        self.squares().filter(waits).count() as u64
    }

    /// How many cells have to be made that no run is about to make.
    #[must_use]
    pub fn to_make(&self) -> u64 {
        let is_to_make = |it: &&Square| {
            matches!(it.verdict.action, Action::Make(_)) && it.state != StateName::Running
        };
        self.squares().filter(is_to_make).count() as u64
    }

    /// When something has to be looked at again, of whichever community comes first.
    pub(crate) fn first_due(&self, ahead: SignedDuration) -> Option<Timestamp> {
        self.squares().filter_map(|square| due(square, ahead)).min()
    }

    /// The communities of which something has to be looked at again by `now`.
    pub(crate) fn due_by(&self, now: Timestamp, ahead: SignedDuration) -> BTreeSet<String> {
        let is_due = |square: &Square| due(square, ahead).is_some_and(|due| due <= now);
        let rows = self.rows.iter().filter(|(_, row)| row.squares.iter().any(is_due));
        rows.map(|(community, _)| community.clone()).collect()
    }

    /// Takes over what a survey saw of some communities (of all, if `whole`). What is in the state
    /// in which it was known stays there since then.
    pub(crate) fn take(&mut self, seen: BTreeMap<String, Row>, whole: bool) {
        let mut before = if whole { std::mem::take(&mut self.rows) } else { BTreeMap::new() };
        for (community, mut row) in seen {
            if let Some(known) = before.remove(&community).or_else(|| self.rows.remove(&community))
            {
                keep_since(&mut row, &known);
            }
            self.rows.insert(community, row);
        }
    }

    /// Forgets communities.
    pub(crate) fn drop(&mut self, communities: &BTreeSet<String>) {
        self.rows.retain(|community, _| !communities.contains(community));
    }

    fn squares(&self) -> impl Iterator<Item = &Square> {
        self.rows.values().flat_map(|row| &row.squares)
    }
}

/// When a cell has to be looked at again though nothing moves: what is as it should be so long before
/// its end that it can be given a longer life, anything else at its end, or when its pause is over.
fn due(square: &Square, ahead: SignedDuration) -> Option<Timestamp> {
    let end = match square.verdict.action {
        Action::Keep(Keep::Unchanged) | Action::Hold(_) => {
            square.expires.map(|expires| expires.checked_sub(ahead).unwrap_or(expires))
        }
        _ => square.expires,
    };
    let again = match square.verdict.action {
        Action::Wait(Wait::Pause(pause)) => pause.until,
        _ => None,
    };
    [end, again].into_iter().flatten().min()
}

/// Whether nothing has to be done or said about a cell.
fn is_true(square: &Square) -> bool {
    square.verdict.is_true()
}

fn keep_since(row: &mut Row, known: &Row) {
    let place = |square: &Square| (square.year, square.category);
    let mut known = known.squares.iter().peekable();
    for square in &mut row.squares {
        while known.next_if(|it| place(it) < place(square)).is_some() {}
        if let Some(before) = known.next_if(|it| place(it) == place(square))
            && before.state == square.state
        {
            square.since = before.since.or(square.since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::verdict::{CellState, Pause};

    #[test]
    fn what_is_as_it_should_be_is_due_ahead_of_its_end_and_anything_else_at_its_end() {
        let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let end = time("2025-01-10T00:00:00Z");
        let square = |action, expires| Square {
            year: 2025,
            category: Category::UsageDelta,
            state: StateName::Fresh,
            verdict: Verdict { state: CellState::Fresh, action },
            since: None,
            expires,
        };
        let ahead = SignedDuration::from_hours(24);
        let fresh = Action::Keep(Keep::Unchanged);
        assert_eq!(due(&square(fresh, end), ahead), time("2025-01-09T00:00:00Z"));
        assert_eq!(due(&square(fresh, None), ahead), None);
        assert_eq!(due(&square(Action::Keep(Keep::Foreign), end), ahead), end);
        let paused = |until| Action::Wait(Wait::Pause(Pause { attempts: 1, until }));
        let until = time("2025-01-02T00:00:00Z");
        assert_eq!(due(&square(paused(until), end), ahead), until);
        assert_eq!(due(&square(paused(None), None), ahead), None);
    }
}
