//! Moments and days as the archive writes them.

use std::time::{SystemTime, UNIX_EPOCH};

use stats_model::Day;

/// Milliseconds since 1970, only to order the use of shelves.
pub(super) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// A day as the archive writes it: `20250309`.
pub(super) fn number_of(day: Day) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day_of_month())
}

/// The day that is written as `number`.
pub(super) fn day_of(number: i64) -> Option<Day> {
    let part = |value: i64| u8::try_from(value % 100).ok();
    Day::new(i16::try_from(number / 10_000).ok()?, part(number / 100)?, part(number)?)
}
