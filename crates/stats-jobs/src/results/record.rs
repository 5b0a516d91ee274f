//! The result of a task, as it is stored.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::{Refusal, Serializer};

/// How far a task has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// A worker performs it.
    Started,
    /// It failed and will be tried again.
    Retry,
    /// It is done.
    Success,
    /// It failed.
    Failure,
    /// It was revoked, or it expired.
    Revoked,
    /// A state that Python's side named.
    Other(String),
}

impl TaskState {
    /// The name of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Started => "STARTED",
            Self::Retry => "RETRY",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Revoked => "REVOKED",
            Self::Other(name) => name,
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let all = [Self::Started, Self::Retry, Self::Success, Self::Failure, Self::Revoked];
        let known = all.into_iter().find(|state| state.as_str() == name);
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    /// Whether it stays as it is.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Revoked)
    }
}

/// What is known of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskResult {
    /// The id of the task.
    pub id: String,
    /// How far it has come.
    pub state: TaskState,
    /// What it gave; an exception (see [`Failure`](super::Failure)) where it failed.
    pub result: Value,
    /// Where it failed, for people.
    pub traceback: Option<String>,
    /// When it came to its end, UTC, to the microsecond.
    pub done: Option<Timestamp>,
    /// The group that the task belongs to.
    pub group: Option<String>,
    /// The task that sent it.
    pub parent: Option<String>,
}

impl TaskResult {
    /// The bytes that are stored.
    #[must_use]
    pub fn write(&self, serializer: Serializer) -> Vec<u8> {
        let done = self.done.map(|done| {
            let done = done.round(Unit::Microsecond).unwrap_or(done);
            done.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
        });
        let mut meta = json!({
            "status": self.state.as_str(),
            "result": self.result,
            "traceback": self.traceback,
            "children": [],
            "date_done": done,
        });
        if let Some(group) = &self.group {
            meta["group_id"] = Value::from(group.as_str());
        }
        if let Some(parent) = &self.parent {
            meta["parent_id"] = Value::from(parent.as_str());
        }
        meta["task_id"] = Value::from(self.id.as_str());
        serializer.write(&meta)
    }

    /// Reads what is stored, by us or by Python's side.
    ///
    /// # Errors
    /// When it was written by another serialiser, or is no result.
    pub fn read(bytes: &[u8], serializer: Serializer) -> Result<Self, Refusal> {
        let meta = serializer.read(bytes)?;
        let text = |name: &str| meta[name].as_str().map(str::to_owned);
        let needed = |name: &'static str| {
            text(name).ok_or_else(|| Refusal::Body(format!("a result has no {name}")))
        };
        Ok(Self {
            id: needed("task_id")?,
            state: TaskState::named(&needed("status")?),
            result: meta.get("result").cloned().unwrap_or_default(),
            traceback: text("traceback"),
            done: text("date_done").as_deref().and_then(instant),
            group: text("group_id"),
            parent: text("parent_id"),
        })
    }
}

/// Celery 5.3 writes no offset, later ones do.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let naive: DateTime = text.parse().ok()?;
        Offset::UTC.to_timestamp(naive).ok()
    })
}
