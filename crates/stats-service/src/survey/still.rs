//! Whether the aggregation stands still: documents that nobody computes any more leave everything
//! that is stored as it is, and nobody notices.

use std::fmt;

use stats_model::{Day, DocumentKind, calendar::days_between};

/// A kind of documents whose newest bookmark is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingStill {
    /// The kind.
    pub kind: DocumentKind,
    /// The last day that was aggregated of any community.
    pub newest: Day,
    /// How many days ago that is.
    pub days: i64,
}

impl StandingStill {
    /// The kinds among these whose newest bookmark is more than `bound` days older than `today`.
    pub fn among(
        newest: impl IntoIterator<Item = (DocumentKind, Option<Day>)>,
        today: Day,
        bound: u16,
    ) -> Vec<Self> {
        let still = |(kind, newest): (DocumentKind, Option<Day>)| {
            let newest = newest?;
            let days = days_between(newest, today);
            (days > i64::from(bound)).then_some(Self { kind, newest, days })
        };
        newest.into_iter().filter_map(still).collect()
    }
}

impl fmt::Display for StandingStill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, newest, days } = self;
        write!(
            formatter,
            "the aggregation of {kind} stands still: its newest bookmark is of {newest}, {days} days \
             ago"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_bound_stands_still() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let still = |newest: Option<&str>| {
            let kinds = [(DocumentKind::ALL[0], newest.map(day))];
            StandingStill::among(kinds, day("2026-01-02"), 2).first().map(|still| still.days)
        };
        assert_eq!(still(Some("2026-01-02")), None);
        assert_eq!(still(Some("2025-12-31")), None);
        assert_eq!(still(Some("2025-12-30")), Some(3));
        assert_eq!(still(Some("2026-02-01")), None);
        assert_eq!(still(None), None);
    }
}
