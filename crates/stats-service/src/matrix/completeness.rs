//! Whether the aggregation has gone far enough for a year (cache-and-jobs specification,
//! section 6.3).

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stats_model::calendar::{day_before, day_of, last_of};
use stats_model::{Bookmark, Day};

/// What is missing before a response may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The last day that was aggregated completely; `None` without a bookmark. Not before `needed`
    /// only if it is in the future.
    pub through: Option<Day>,
    /// The day that has to be reached.
    pub needed: Day,
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.through {
            Some(day) if day >= self.needed => {
                write!(formatter, "a bookmark of the future ({day}) says nothing")
            }
            Some(day) => write!(formatter, "aggregated through {day}, needs {}", self.needed),
            None => write!(formatter, "no bookmark, needs {}", self.needed),
        }
    }
}

/// The gap before the responses of `year` are complete at the instant `now`; `None`: they are.
///
/// The current year is complete when yesterday was aggregated, every other year when its
/// 31 December was. Future years are thus incomplete, and so is everything under a bookmark of a day
/// that has not come anywhere on earth.
#[must_use]
pub fn gap(bookmark: Option<Bookmark>, year: i16, now: Timestamp) -> Option<Gap> {
    let needed = if year == day_of(now).year() { day_before(now) } else { last_of(year) };
    let through = bookmark.map(|bookmark| bookmark.day);
    let tomorrow = now.checked_add(SignedDuration::from_hours(24)).unwrap_or(now);
    let future = through > Some(day_of(tomorrow)) && through >= Some(needed);
    (through < Some(needed) || future).then_some(Gap { through, needed })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of section 6.3; times of the day are gone once a bookmark is a [`Day`].
    #[test]
    fn the_table_of_the_specification() {
        let rows = [
            ("2025-06-15T00:30:00Z", "2025-06-13", 2025, false),
            ("2025-06-15T00:30:00Z", "2025-06-14", 2025, true),
            ("2025-06-15T00:30:00Z", "2024-12-30", 2024, false),
            ("2025-06-15T00:30:00Z", "2024-12-31", 2024, true),
            ("2025-06-15T00:30:00Z", "2025-06-15", 2026, false),
            ("2026-01-01T00:10:00Z", "2025-12-31", 2026, true),
            ("2026-01-01T00:10:00Z", "2025-12-30", 2025, false),
            // Clocks differ, and so do days; no more than that.
            ("2025-06-15T00:30:00Z", "2025-06-16", 2025, true),
            ("2025-06-15T00:30:00Z", "2025-06-17", 2025, false),
            ("2025-06-15T00:30:00Z", "9999-12-31", 2024, false),
        ];
        for (now, bookmark, year, complete) in rows {
            let bookmark = Some(Bookmark { day: bookmark.parse().unwrap() });
            let found = gap(bookmark, year, now.parse().unwrap());
            assert_eq!(found.is_none(), complete, "{now} {bookmark:?} {year}: {found:?}");
        }
    }

    #[test]
    fn without_a_bookmark_nothing_is_complete() {
        let found = gap(None, 2024, "2025-06-15T00:30:00Z".parse().unwrap()).unwrap();
        assert_eq!(found.to_string(), "no bookmark, needs 2024-12-31");
    }
}
