//! The fields of the hash of a run.

use std::collections::HashMap;

use jiff::Timestamp;
use redis::{FromRedisValue, Value};

use crate::ledger::record::{self, Course};
use crate::ledger::run::{Run, RunState};

/// Before the name of an outcome: the field with the number of jobs that had it.
const COUNT: &str = "count:";

/// The field that counts this outcome.
pub(super) fn count(outcome: &str) -> String {
    format!("{COUNT}{outcome}")
}

/// A number as it is written down: the server counts with signs.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What is written down of a run that begins.
pub(super) fn of(run: &Run, begun: &str) -> Vec<(String, String)> {
    let mut fields = vec![
        ("begun".to_owned(), begun.to_owned()),
        ("last_sign".to_owned(), run.last_sign.as_millisecond().to_string()),
        ("state".to_owned(), run.state.name().to_owned()),
        ("planned".to_owned(), number(run.planned).to_string()),
        ("done".to_owned(), number(run.done).to_string()),
    ];
    let ended = run.ended.map(|ended| ended.as_millisecond().to_string());
    fields.extend(ended.map(|ended| ("ended".to_owned(), ended)));
    let error = run.error.as_deref().map(|error| record::shortened(error).to_owned());
    fields.extend(error.map(|error| ("error".to_owned(), error)));
    fields.extend(run.cancel_asked.then(|| ("cancel_asked".to_owned(), "1".to_owned())));
    let counts = record::counts(&[], &run.counts);
    fields.extend(counts.into_iter().map(|(name, jobs)| (count(&name), number(jobs).to_string())));
    fields
}

/// The run of a hash; `None` when it cannot be read, or is not there.
pub(super) fn run(id: &str, hash: Value) -> Option<Run> {
    let fields: HashMap<Vec<u8>, Vec<u8>> = FromRedisValue::from_redis_value(hash).ok()?;
    let text = |field: &str| std::str::from_utf8(fields.get(field.as_bytes())?).ok();
    let time = |field| Timestamp::from_millisecond(text(field)?.parse().ok()?).ok();
    let optional = |field: &str| fields.contains_key(field.as_bytes());
    let mut counts = std::collections::BTreeMap::new();
    for (field, jobs) in &fields {
        let Some(name) = field.strip_prefix(COUNT.as_bytes()) else { continue };
        let jobs = std::str::from_utf8(jobs).ok()?.parse().ok()?;
        counts.insert(std::str::from_utf8(name).ok()?.to_owned(), jobs);
    }
    let course = Course {
        last_sign: time("last_sign")?,
        ended: if optional("ended") { Some(time("ended")?) } else { None },
        state: RunState::written(fields.get(b"state".as_slice())?)?,
        planned: text("planned")?.parse().ok()?,
        done: text("done")?.parse().ok()?,
        counts,
        error: if optional("error") { Some(text("error")?.to_owned()) } else { None },
        cancel_asked: optional("cancel_asked"),
    };
    record::run(id, fields.get(b"begun".as_slice())?, course)
}
