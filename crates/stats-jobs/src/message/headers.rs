//! The values of headers, read one by one.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Longer names and ids are refused, in bytes: they become names of keys.
const LONGEST_NAME: usize = 255;
/// No task takes longer than this, in seconds: some thirty years.
const LONGEST_TIME: f64 = 1e9;

type Headers = Map<String, Value>;

/// A text that has to be there.
pub(super) fn needed(headers: &Headers, name: &'static str) -> Result<String, Refusal> {
    match headers.get(name) {
        None => Err(Refusal::Protocol),
        Some(Value::String(text)) if text.is_empty() => Err(fault(name, "is empty")),
        Some(Value::String(text)) if text.len() > LONGEST_NAME => Err(fault(name, "is too long")),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(fault(name, "is no text")),
    }
}

/// A text, if it is there.
pub(super) fn text(headers: &Headers, name: &str) -> Option<String> {
    headers.get(name)?.as_str().map(str::to_owned)
}

/// A number that counts; 0 when it is missing.
pub(super) fn count(headers: &Headers, name: &'static str) -> Result<u32, Refusal> {
    match headers.get(name) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .ok_or_else(|| fault(name, "is no count")),
    }
}

/// An instant, if it is there. One without an offset is UTC, as where Celery's `enable_utc` is on.
pub(super) fn instant(headers: &Headers, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let text = match headers.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(fault(name, "is no time")),
    };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Some(instant));
    }
    let naive = text.parse::<DateTime>().ok();
    let instant = naive.and_then(|naive| Offset::UTC.to_timestamp(naive).ok());
    instant.map(Some).ok_or_else(|| fault(name, "is no time"))
}

/// A pair of times in seconds: the hard limit, then the soft one.
pub(super) fn limits(
    headers: &Headers,
    name: &'static str,
) -> Result<[Option<Duration>; 2], Refusal> {
    let limits = match headers.get(name) {
        None | Some(Value::Null) => return Ok([None, None]),
        Some(Value::Array(limits)) => limits,
        Some(_) => return Err(fault(name, "is no pair")),
    };
    let limit = |at: usize| match limits.get(at) {
        None | Some(Value::Null) => Ok(None),
        Some(limit) => limit
            .as_f64()
            .filter(|seconds| (0.0..LONGEST_TIME).contains(seconds))
            // None, as Celery takes it.
            .map(|seconds| (seconds > 0.0).then(|| Duration::from_secs_f64(seconds)))
            .ok_or_else(|| fault(name, "holds no time")),
    };
    Ok([limit(0)?, limit(1)?])
}

pub(super) const fn fault(name: &'static str, fault: &'static str) -> Refusal {
    Refusal::Header { name, fault }
}
