//! One run: who asked for what, who carries it out, how far it has come.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::RunId;
use super::process;

/// What made a run begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// Somebody at the command line.
    Command,
    /// Something that was watched changed.
    Watch,
    /// It was due.
    Schedule,
    /// A marker that another program left.
    Marker,
    /// The beat of Celery.
    Beat,
    /// A message in a queue.
    Message,
    /// A request over the network.
    Request,
    /// An earlier run came to nothing.
    Retry,
}

impl Trigger {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Watch => "watch",
            Self::Schedule => "schedule",
            Self::Marker => "marker",
            Self::Beat => "beat",
            Self::Message => "message",
            Self::Request => "request",
            Self::Retry => "retry",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It goes on, as far as is known.
    Running,
    /// All was done.
    Done,
    /// Some was done, some failed.
    Partly,
    /// Nothing came of it.
    Failed,
    /// It was stopped from outside, and can be gone on with.
    Interrupted,
    /// Somebody asked that it end.
    Cancelled,
    /// Whoever carried it out is gone without a word. Never written down: [`Run::state_at`] says it.
    Lost,
}

impl RunState {
    /// Those that are written down.
    const WRITTEN: [Self; 6] =
        [Self::Running, Self::Done, Self::Partly, Self::Failed, Self::Interrupted, Self::Cancelled];

    /// Whether a run can be ended with it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        !matches!(self, Self::Running | Self::Lost)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Partly => "partly",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }

    /// The state that is written down under this name.
    pub(super) fn written(name: &[u8]) -> Option<Self> {
        Self::WRITTEN.into_iter().find(|state| state.name().as_bytes() == name)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A run. Times are kept to the millisecond, texts up to a thousand characters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// What made it begin.
    pub trigger: Trigger,
    /// Who asked for it: `user@host`, or the id of a task.
    pub asked_by: String,
    /// What was asked for; only who carries it out knows what it means. A mebibyte of JSON at most.
    pub request: Value,
    /// The machine on which it is carried out.
    pub host: String,
    /// The process there.
    pub pid: u32,
    /// The run that it goes on with.
    pub resumes: Option<RunId>,
    /// When it began.
    pub begun: Timestamp,
    /// When there was a sign of life the last time.
    pub last_sign: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it stands, by its own account.
    pub state: RunState,
    /// How many jobs it has before it.
    pub planned: u64,
    /// How many of those are behind it.
    pub done: u64,
    /// How many jobs had which outcome, by its name.
    pub counts: BTreeMap<String, u64>,
    /// What ended it, if something went wrong.
    pub error: Option<String>,
    /// Whether somebody asked that it end.
    pub cancel_asked: bool,
}

impl Run {
    /// A run that this process begins at the time of its name, `begun`.
    #[must_use]
    pub fn begin(
        id: RunId,
        trigger: Trigger,
        asked_by: impl Into<String>,
        request: Value,
        begun: Timestamp,
    ) -> Self {
        Self {
            id,
            trigger,
            asked_by: asked_by.into(),
            request,
            host: process::host(),
            pid: std::process::id(),
            resumes: None,
            begun,
            last_sign: begun,
            ended: None,
            state: RunState::Running,
            planned: 0,
            done: 0,
            counts: BTreeMap::new(),
            error: None,
            cancel_asked: false,
        }
    }

    /// How it stands at `now`: lost, when it says that it goes on, but its last sign of life is longer
    /// ago than `patience`, or its process on this machine is gone. Another process may have its number
    /// by now; then only the time tells.
    #[must_use]
    pub fn state_at(&self, now: Timestamp, patience: Duration) -> RunState {
        let goes_on = self.state == RunState::Running;
        if goes_on
            && (is_silent(self.last_sign, now, patience) || process::is_gone(&self.host, self.pid))
        {
            return RunState::Lost;
        }
        self.state
    }
}

/// Whether the last sign of life is longer ago than `patience`.
pub(super) fn is_silent(last_sign: Timestamp, now: Timestamp, patience: Duration) -> bool {
    now.duration_since(last_sign).unsigned_abs() > patience && last_sign < now
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn run() -> Run {
        let begun = Timestamp::UNIX_EPOCH;
        Run::begin(RunId::of(begun, 0), Trigger::Command, "me@here", Value::Null, begun)
    }

    #[test]
    fn names_are_those_of_json() {
        for state in RunState::WRITTEN {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
            assert_eq!(RunState::written(state.name().as_bytes()), Some(state));
        }
        assert_eq!(RunState::written(b"lost"), None);
        for trigger in
            ["command", "watch", "schedule", "marker", "beat", "message", "request", "retry"]
        {
            let read: Trigger = serde_json::from_value(trigger.into()).unwrap();
            assert_eq!(read.to_string(), trigger);
        }
    }

    #[test]
    fn silence_makes_a_run_lost_that_has_not_ended() {
        let mut run = run();
        run.host = "elsewhere".to_owned();
        let minute = run.begun + MINUTE;
        assert_eq!(run.state_at(minute, MINUTE), RunState::Running);
        assert_eq!(run.state_at(minute + Duration::from_nanos(1), MINUTE), RunState::Lost);
        // The clock of who signs may be ahead.
        run.last_sign = minute + MINUTE * 5;
        assert_eq!(run.state_at(minute, MINUTE), RunState::Running);
        run.last_sign = run.begun;
        run.state = RunState::Done;
        assert_eq!(run.state_at(minute + MINUTE, MINUTE), RunState::Done);
    }

    #[test]
    fn a_process_of_this_machine_that_is_gone_makes_its_run_lost() {
        let mut run = run();
        assert_eq!(run.state_at(run.begun, MINUTE), RunState::Running);
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        run.pid = ended.id();
        assert_eq!(run.state_at(run.begun, MINUTE), RunState::Lost);
        run.host = "elsewhere".to_owned();
        assert_eq!(run.state_at(run.begun, MINUTE), RunState::Running);
    }
}
