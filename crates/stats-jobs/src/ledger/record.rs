//! What is written down, as JSON with a version. Whatever is of another version or cannot be read
//! counts as forgotten.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{LedgerError, LedgerErrorKind};
use super::id::RunId;
use super::outcome::JobOutcome;
use super::run::{Run, RunState, Trigger};
use super::worker::Worker;

/// The version of all records. It rises when one changes its meaning.
const RECORD_FORMAT: u32 = 1;
/// No text is longer, in characters.
const LONGEST_TEXT: usize = 1000;
/// No request is longer, in bytes.
const LONGEST_REQUEST: usize = 1 << 20;

#[derive(Serialize)]
struct Written<T> {
    v: u32,
    #[serde(flatten)]
    record: T,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// What never changes of a run.
#[derive(Serialize, Deserialize)]
struct Begun<'a> {
    id: Cow<'a, RunId>,
    trigger: Trigger,
    asked_by: Cow<'a, str>,
    request: Cow<'a, Value>,
    host: Cow<'a, str>,
    pid: u32,
    resumes: Option<Cow<'a, RunId>>,
    begun: Timestamp,
}

/// What changes of a run while it goes on.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub(super) last_sign: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) state: RunState,
    pub(super) planned: u64,
    pub(super) done: u64,
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) error: Option<String>,
    pub(super) cancel_asked: bool,
}

/// What never changes of a run, to be written down.
pub(super) fn begun(run: &Run) -> Result<String, LedgerError> {
    if run.state == RunState::Lost {
        let doing = format!("beginning {}: nobody begins a lost run", run.id);
        return Err(LedgerError::new(LedgerErrorKind::Refused, doing));
    }
    let json = write(&Begun {
        id: Cow::Borrowed(&run.id),
        trigger: run.trigger,
        asked_by: Cow::Borrowed(shortened(&run.asked_by)),
        request: Cow::Borrowed(&run.request),
        host: Cow::Borrowed(shortened(&run.host)),
        pid: run.pid,
        resumes: run.resumes.as_ref().map(Cow::Borrowed),
        begun: run.begun,
    })?;
    if json.len() > LONGEST_REQUEST {
        let doing = format!("beginning {}: its request is longer than a mebibyte", run.id);
        return Err(LedgerError::new(LedgerErrorKind::Refused, doing));
    }
    Ok(json)
}

/// The run that was written down under this name; `None` when it cannot be read.
pub(super) fn run(id: &str, begun: &[u8], course: Course) -> Option<Run> {
    let begun: Begun<'_> = read(begun)?;
    (begun.id.as_str() == id).then(|| Run {
        id: begun.id.into_owned(),
        trigger: begun.trigger,
        asked_by: begun.asked_by.into_owned(),
        request: begun.request.into_owned(),
        host: begun.host.into_owned(),
        pid: begun.pid,
        resumes: begun.resumes.map(Cow::into_owned),
        begun: begun.begun,
        last_sign: course.last_sign,
        ended: course.ended,
        state: course.state,
        planned: course.planned,
        done: course.done,
        counts: course.counts,
        error: course.error,
        cancel_asked: course.cancel_asked,
    })
}

/// An outcome to be written down.
pub(super) fn outcome(outcome: &JobOutcome) -> Result<String, LedgerError> {
    let is_short = |text: &str| text.len() <= LONGEST_TEXT;
    if [&outcome.job, &outcome.outcome, &outcome.detail].into_iter().all(|text| is_short(text)) {
        return write(outcome);
    }
    write(&JobOutcome {
        job: shortened(&outcome.job).to_owned(),
        outcome: shortened(&outcome.outcome).to_owned(),
        detail: shortened(&outcome.detail).to_owned(),
        ..*outcome
    })
}

/// A worker to be written down.
pub(super) fn worker(worker: &Worker) -> Result<String, LedgerError> {
    let doing = shortened(&worker.doing).to_owned();
    write(&Worker { doing, role: shortened(&worker.role).to_owned(), ..worker.clone() })
}

fn write(record: &impl Serialize) -> Result<String, LedgerError> {
    serde_json::to_string(&Written { v: RECORD_FORMAT, record }).map_err(|error| {
        LedgerError::caused_by(LedgerErrorKind::Refused, "writing something down", error)
    })
}

/// What was written down; `None` when it is of another version or cannot be read.
pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let Version { v } = serde_json::from_slice(json).ok()?;
    (v == RECORD_FORMAT).then(|| serde_json::from_slice(json).ok()).flatten()
}

/// A text, cut where it is very long.
pub(super) fn shortened(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST_TEXT).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// How many of these outcomes have which name, and of `counted` in addition.
pub(super) fn counts(
    outcomes: &[JobOutcome],
    counted: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let named = outcomes.iter().map(|one| (one.outcome.as_str(), 1));
    for (name, more) in named.chain(counted.iter().map(|(name, more)| (name.as_str(), *more))) {
        let count: &mut u64 = counts.entry(shortened(name).to_owned()).or_default();
        *count = count.saturating_add(more);
    }
    counts
}
