//! Whether a shelf has lost days since a response was made from it. A response that would show fewer
//! days than the one that is stored is not stored by itself: what is gone may come back.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use stats_cache::{EntryState, Origin};

use crate::difference::dates;

/// Days that are gone from a shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Days of the stored response.
    pub then: u64,
    /// Days that the shelf has now, at most.
    pub now: u64,
}

impl Loss {
    /// The loss of a shelf that had `then` days and has at most `now`, if it is more than a tenth of
    /// them, or all.
    #[must_use]
    pub const fn between(then: u64, now: u64) -> Option<Self> {
        let lost = then.saturating_sub(now);
        if lost > then / 10 { Some(Self { then, now }) } else { None }
    }

    /// How many days are gone, at least.
    #[must_use]
    pub const fn lost(self) -> u64 {
        self.then.saturating_sub(self.now)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} days are gone", self.lost(), self.then)
    }
}

/// How many days an origin stands for. Where that was not counted, its documents stand for them:
/// there are rarely more, and a response that is held in vain can be released.
#[must_use]
pub fn days_of(origin: &Origin) -> u64 {
    origin.days.unwrap_or(origin.shelf.count)
}

/// What a response that is made has to be held against before it takes the place of what stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Former {
    /// Nothing stands, or nothing that is to be spared.
    Nothing,
    /// A response of so many days.
    Days(u64),
    /// A response of which only its body tells the days.
    Unknown,
    /// The same, and it may become ours.
    Adoptable,
}

impl Former {
    pub(crate) fn of(entry: &EntryState) -> Self {
        match entry {
            EntryState::Absent | EntryState::Damaged(_) => Self::Nothing,
            EntryState::Foreign(_) => Self::Adoptable,
            EntryState::Ours(known) | EntryState::Expired(known) => {
                known.origin.as_ref().map_or(Self::Unknown, |origin| Self::Days(days_of(origin)))
            }
        }
    }
}

/// Whether a response of ours was made from documents: then its year counts, whatever the lifespan
/// says now.
pub(crate) fn stands_for_days(entry: &EntryState) -> bool {
    let origin = entry.description().and_then(|entry| entry.origin.as_ref());
    origin.is_some_and(|origin| days_of(origin) > 0)
}

/// How many days the points of a response are of. A layout may leave out some, so its documents may
/// be of more.
pub(crate) fn days_of_body(body: &[u8]) -> u64 {
    // Some series write the year, too.
    let days: HashSet<&[u8]> =
        dates(body).map(|date| &date[date.len().saturating_sub("03-01".len())..]).collect();
    days.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_tenth_is_a_loss() {
        let rows = [
            (365, 365, false),
            (365, 400, false),
            (365, 329, false),
            (365, 328, true),
            (365, 0, true),
            (10, 9, false),
            (10, 8, true),
            (9, 8, true),
            (1, 0, true),
            (0, 0, false),
            (0, 5, false),
            (u64::MAX, 0, true),
        ];
        for (then, now, lost) in rows {
            assert_eq!(Loss::between(then, now).is_some(), lost, "{then} {now}");
        }
        assert_eq!(Loss { then: 365, now: 30 }.to_string(), "335 of 365 days are gone");
    }

    #[test]
    fn the_days_of_a_body_are_those_of_its_points() {
        let point = |data: &str| format!(r#"{{"id":"a","name":"2024-03-09","data":[{data}]}}"#);
        let body = format!(
            r#"{{"global":{{"views":[{}],"downloads":[{}]}},"countries":{{"views":[]}}}}"#,
            point(r#"["03-01",5],["03-02",{"a":["03-08"]}]"#),
            point(r#"["2024-03-02",5],["2024-03-03",0]"#)
        );
        assert_eq!(days_of_body(body.as_bytes()), 3);
        for nothing in ["", "[]", "{}", "[[[[[[[[\"03-01\"]]]]]]]]", "{\"cut\":[1,"] {
            assert!(days_of_body(nothing.as_bytes()) <= 1, "{nothing}");
        }
    }
}
