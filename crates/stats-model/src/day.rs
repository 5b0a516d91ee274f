//! Days, as the fields of documents name them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A calendar day, `YYYY-MM-DD`, UTC: the ten characters before the `T` of a day field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day {
    year: i16,
    month: u8,
    day: u8,
}

/// A text that is not a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a day of the form YYYY-MM-DD, alone or with a time that is on that day in UTC"
)]
pub struct InvalidDay(pub String);

impl Day {
    /// The day, when it exists in the calendar and its year is in 1..=9999.
    #[must_use]
    pub fn new(year: i16, month: u8, day: u8) -> Option<Self> {
        let exists = (1..=9999).contains(&year)
            && jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
                .is_ok();
        exists.then_some(Self { year, month, day })
    }

    /// Its year.
    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }

    /// Its month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Its day of the month, from 1.
    #[must_use]
    pub const fn day_of_month(self) -> u8 {
        self.day
    }
}

impl FromStr for Day {
    type Err = InvalidDay;

    /// Reads `YYYY-MM-DD`, alone or followed by `T` and a time of day, which may have a zone as long
    /// as the day is the same in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDay(text.chars().take(40).collect());
        let (date, time) = text.split_once('T').map_or((text, None), |(it, time)| (it, Some(time)));
        if time.is_some_and(|time| !is_time_of_the_day(time)) {
            return Err(invalid());
        }
        let bytes = date.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(invalid());
        }
        let number = |range: std::ops::Range<usize>| -> Option<i16> {
            let digits = &bytes[range];
            digits
                .iter()
                .all(u8::is_ascii_digit)
                .then(|| digits.iter().fold(0, |value, digit| value * 10 + i16::from(digit - b'0')))
        };
        let (year, month, day) = (number(0..4), number(5..7), number(8..10));
        match (year, month, day) {
            (Some(year), Some(month), Some(day)) => {
                Self::new(year, month as u8, day as u8).ok_or_else(invalid)
            }
            _ => Err(invalid()),
        }
    }
}

/// Whether this is `hh`, `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f…`, alone or with a zone in which that
/// time falls on the same day as in UTC.
fn is_time_of_the_day(text: &str) -> bool {
    let (clock, zone) = match text.find(['Z', '+', '-']) {
        Some(start) => text.split_at(start),
        None => (text, "Z"),
    };
    let whole = match clock.split_once('.') {
        Some((whole, fraction)) => {
            let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
            if whole.len() != 8 || fraction.is_empty() || !digits {
                return false;
            }
            whole
        }
        None => clock,
    };
    let parts: Option<Vec<i32>> = whole.split(':').map(two_digits).collect();
    let minutes = match parts.as_deref() {
        Some([hour @ 0..24]) => hour * 60,
        Some([hour @ 0..24, minute @ 0..60] | [hour @ 0..24, minute @ 0..60, 0..60]) => {
            hour * 60 + minute
        }
        _ => return false,
    };
    minutes_ahead_of_utc(zone).is_some_and(|ahead| (0..24 * 60).contains(&(minutes - ahead)))
}

/// How far a zone is ahead: `Z`, or a sign and `hh`, `hhmm` or `hh:mm`.
fn minutes_ahead_of_utc(zone: &str) -> Option<i32> {
    let sign = match zone.as_bytes().first()? {
        b'Z' => return (zone.len() == 1).then_some(0),
        b'-' => -1,
        _ => 1,
    };
    let (hours, minutes) = zone[1..].split_at_checked(2)?;
    let (hours, minutes) = (two_digits(hours)?, minutes.strip_prefix(':').unwrap_or(minutes));
    let minutes = if zone.len() == 3 { 0 } else { two_digits(minutes)? };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn two_digits(text: &str) -> Option<i32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_may_have_a_time_that_is_on_it() {
        for time in [
            "",
            "T00",
            "T23:59",
            "T00:00:00",
            "T23:59:59",
            "T00:00:00Z",
            "T23:59:59.999999999Z",
            "T12:00:00.1+00:00",
            "T12:00:00-0500",
            "T12:00:00+05",
            "T00:00-00:00",
            "T23:30+05:45",
            "T05:45:00+05:45",
            "T18:59:59-05:00",
        ] {
            let day: Day = format!("2025-12-31{time}").parse().unwrap();
            assert_eq!(day.to_string(), "2025-12-31", "{time}");
        }
        for time in [
            "T",
            "Tgarbage",
            "T24",
            "T1",
            "T23:60",
            "T23:59:60",
            "T23:59:59.",
            "T23:59:59.1a",
            "T23.5",
            "T23:59:59 ",
            "T+5:00:00",
            "T00:00:00ZZ",
            "T00:00:00+",
            "T00:00:00+1",
            "T00:00:00+24:00",
            "T00:00:00+00:60",
            "T00:00:00+00:00:00",
            "T00:00:00+é",
            "T🙂",
            " 00:00:00",
            "t00:00:00",
            "Z",
            // Another day in UTC.
            "T23:30:00-05:00",
            "T00:00:00+01:00",
            "T05:44:59+05:45",
            "T19:00:00-05:00",
        ] {
            let read = format!("2025-12-31{time}").parse::<Day>();
            assert!(read.is_err(), "{time}");
        }
    }
}
