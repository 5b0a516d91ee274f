//! Days of a calendar from instants of a clock, all UTC.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::Day;

/// The UTC day of an instant.
#[must_use]
pub fn day_of(instant: Timestamp) -> Day {
    day(TimeZone::UTC.to_datetime(instant).date())
}

/// The UTC day before that of an instant.
#[must_use]
pub fn day_before(instant: Timestamp) -> Day {
    let date = TimeZone::UTC.to_datetime(instant).date();
    day(date.yesterday().unwrap_or(date))
}

/// How many days the second day comes after the first; negative when it comes before.
#[must_use]
pub fn days_between(first: Day, second: Day) -> i64 {
    let date = |day: Day| {
        let (month, day_of_month) = (day.month() as i8, day.day_of_month() as i8);
        Date::new(day.year(), month, day_of_month).unwrap_or(Date::ZERO)
    };
    date(second).duration_since(date(first)).as_hours() / 24
}

fn day(date: Date) -> Day {
    let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
    Day::new(date.year(), month, day).unwrap_or_else(|| first_of(1))
}

/// The first of January of a year between 1 and 9999; other years give the nearest of those.
#[must_use]
pub fn first_of(year: i16) -> Day {
    calendar_day(year, 1, 1)
}

/// The 31st of December of a year between 1 and 9999; other years give the nearest of those.
#[must_use]
pub fn last_of(year: i16) -> Day {
    calendar_day(year, 12, 31)
}

/// January and December have the days asked for in every year of the calendar.
fn calendar_day(year: i16, month: u8, day: u8) -> Day {
    let year = year.clamp(1, 9999);
    match Day::new(year, month, day) {
        Some(day) => day,
        None => unreachable!("{year}-{month}-{day} is in every calendar"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_before_new_year_is_in_the_old_year() {
        let instant: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        assert_eq!(day_of(instant).to_string(), "2026-01-01");
        assert_eq!(day_before(instant).to_string(), "2025-12-31");
    }

    #[test]
    fn days_are_counted_over_the_ends_of_months_and_years() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert_eq!(days_between(day("2024-02-28"), day("2024-03-01")), 2);
        assert_eq!(days_between(day("2026-01-01"), day("2025-12-31")), -1);
        assert_eq!(days_between(day("0001-01-01"), day("0001-01-01")), 0);
    }

    #[test]
    fn years_outside_the_calendar_are_moved_into_it() {
        assert_eq!(last_of(-5).to_string(), "0001-12-31");
        assert_eq!(first_of(10_000).to_string(), "9999-01-01");
    }
}
