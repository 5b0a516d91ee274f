//! The instants of a schedule.

use std::fmt;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;

use super::civil::Utc;

/// What is done unless something else is said: ten minutes before each full hour.
const DEFAULT: &str = "50 * * * *";
/// No interval is shorter.
const SHORTEST: Duration = Duration::from_secs(1);
/// More instants are not counted.
const COUNTED: u64 = 1000;

/// Instants that come again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Cron { text: String, cron: Box<Cron> },
    Every(Duration),
}

/// Why something is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// It cannot be read.
    #[error(
        "'{text}' is no cron expression: {why}; it has five fields (minute, hour, day of month, \
         month, day of week; UTC), as in '{DEFAULT}'"
    )]
    Unreadable {
        /// What was to be read.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// It names days that are in no calendar.
    #[error("'{0}' never comes: no year has such a day")]
    Never(String),
    /// The interval is too short.
    #[error("{0:?} is no interval for a schedule: a second is the shortest")]
    TooShort(Duration),
}

impl Default for Schedule {
    /// Minute 50 of each hour.
    fn default() -> Self {
        Self::parse(DEFAULT).unwrap_or(Self(Kind::Every(Duration::from_secs(3600))))
    }
}

impl Schedule {
    /// The times of a cron expression of five fields, or of a name such as `@daily`; UTC.
    ///
    /// # Errors
    /// When it cannot be read, and when it never comes, as the 30th of February.
    pub fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let text = text.trim();
        let cron = parser.parse(text).map_err(|error| InvalidSchedule::Unreadable {
            text: text.to_owned(),
            why: error.to_string(),
        })?;
        let schedule = Self(Kind::Cron { text: text.to_owned(), cron: Box::new(cron) });
        match schedule.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(InvalidSchedule::Never(text.to_owned())),
        }
    }

    /// All whole multiples of `interval` since 1970, for all processes the same: of six hours, those
    /// are midnight, six, noon and eighteen UTC of each day.
    ///
    /// # Errors
    /// When it is shorter than a second.
    pub fn every(interval: Duration) -> Result<Self, InvalidSchedule> {
        if interval < SHORTEST {
            return Err(InvalidSchedule::TooShort(interval));
        }
        Ok(Self(Kind::Every(interval)))
    }

    /// The first instant after `now`; `None` at the end of all calendars.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::Cron { cron, .. } => {
                cron.find_next_occurrence(&Utc::of(now), false).ok()?.timestamp()
            }
            Kind::Every(interval) => multiple(*interval, number(*interval, now)? + 1),
        }
    }

    /// The last instant that is not after `now`; `None` at the beginning of all calendars.
    #[must_use]
    pub fn latest_until(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::Cron { cron, .. } => {
                cron.find_previous_occurrence(&Utc::of(now), true).ok()?.timestamp()
            }
            Kind::Every(interval) => multiple(*interval, number(*interval, now)?),
        }
    }

    /// How many instants there are from `first`, which is one, up to `last`, without it; a thousand
    /// where there are more.
    pub(super) fn count(&self, first: Timestamp, last: Timestamp) -> u64 {
        let following = |time: &Timestamp| self.next_after(*time);
        let instants = std::iter::successors(Some(first), following);
        instants.take_while(|time| *time < last).zip(0..COUNTED).count() as u64
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Cron { text, .. } => out.write_str(text),
            Kind::Every(interval) => write!(out, "every {interval:?}"),
        }
    }
}

/// The last multiple that is not after `time`.
fn number(interval: Duration, time: Timestamp) -> Option<i128> {
    let interval = i128::try_from(interval.as_nanos()).ok()?;
    Some(time.as_nanosecond().div_euclid(interval))
}

fn multiple(interval: Duration, number: i128) -> Option<Timestamp> {
    let interval = i128::try_from(interval.as_nanos()).ok()?;
    Timestamp::from_nanosecond(interval.checked_mul(number)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn next(schedule: &str, now: &str) -> String {
        Schedule::parse(schedule).unwrap().next_after(time(now)).unwrap().to_string()
    }

    fn refused(schedule: &str) -> String {
        Schedule::parse(schedule).unwrap_err().to_string()
    }

    #[test]
    fn the_default_is_minute_50_of_each_hour() {
        let schedule = Schedule::default();
        assert_eq!(schedule.to_string(), "50 * * * *");
        for (now, expected) in [
            ("2026-11-29T16:30:02.5Z", "2026-11-29T16:50:00Z"),
            ("2026-11-29T16:49:59.999Z", "2026-11-29T16:50:00Z"),
            ("2026-11-29T16:50:00Z", "2026-11-29T17:50:00Z"),
            ("2026-11-29T16:50:00.001Z", "2026-11-29T17:50:00Z"),
            ("2026-12-31T23:50:00Z", "2027-01-01T00:50:00Z"),
            ("1969-12-31T23:55:00Z", "1970-01-01T00:50:00Z"),
        ] {
            assert_eq!(schedule.next_after(time(now)).unwrap(), time(expected), "{now}");
        }
    }

    #[test]
    fn expressions_mean_what_they_mean_elsewhere() {
        for (schedule, expected) in [
            ("*/20 3 * * *", "2026-11-30T03:00:00Z"),
            ("15 4 1 * *", "2026-12-01T04:15:00Z"),
            ("0 0 * * sun", "2026-12-06T00:00:00Z"),
            ("0 0 * * 7", "2026-12-06T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("  30  2  1-5  JAN  * ", "2027-01-01T02:30:00Z"),
            ("@daily", "2026-11-30T00:00:00Z"),
            // Day of month or day of week, as crontabs have it.
            ("0 0 13 * 5", "2026-12-04T00:00:00Z"),
        ] {
            assert_eq!(next(schedule, "2026-11-29T16:30:00Z"), expected, "{schedule}");
        }
    }

    #[test]
    fn the_latest_instant_may_be_now() {
        let schedule = Schedule::default();
        for (now, expected) in [
            ("2026-11-29T16:49:59.999Z", "2026-11-29T15:50:00Z"),
            ("2026-11-29T16:50:00Z", "2026-11-29T16:50:00Z"),
            ("2026-11-29T16:50:00.7Z", "2026-11-29T16:50:00Z"),
        ] {
            assert_eq!(schedule.latest_until(time(now)).unwrap(), time(expected), "{now}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_told_with_a_reason() {
        for schedule in ["", "x", "61 * * * *", "* * * *", "0 50 * * * *", "50 * * * * 2030"] {
            let text = refused(schedule);
            assert!(text.starts_with(&format!("'{schedule}' is no cron expression: ")), "{text}");
            assert!(text.contains("five fields (minute, hour"), "{text}");
        }
        assert_eq!(refused("0 0 30 2 *"), "'0 0 30 2 *' never comes: no year has such a day");
        let error = Schedule::every(Duration::from_millis(999)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "999ms is no interval for a schedule: a second is the shortest"
        );
    }

    #[test]
    fn intervals_are_counted_from_1970() {
        let schedule = Schedule::every(Duration::from_secs(6 * 3600)).unwrap();
        assert_eq!(schedule.to_string(), "every 21600s");
        for (now, expected) in [
            ("2026-11-29T16:30:02Z", "2026-11-29T18:00:00Z"),
            ("2026-11-29T18:00:00Z", "2026-11-30T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"),
            ("1969-12-31T01:00:00Z", "1969-12-31T06:00:00Z"),
        ] {
            assert_eq!(schedule.next_after(time(now)).unwrap(), time(expected), "{now}");
        }
        assert_eq!(
            schedule.latest_until(time("1969-12-31T01:00:00Z")),
            Some(time("1969-12-31T00:00:00Z"))
        );
    }

    #[test]
    fn at_the_end_of_the_calendar_nothing_comes() {
        for schedule in [
            Schedule::default(),
            Schedule::every(Duration::from_secs(3600)).unwrap(),
            Schedule::every(Duration::MAX).unwrap(),
        ] {
            assert_eq!(schedule.next_after(Timestamp::MAX), None, "{schedule}");
        }
    }
}
