//! Which tasks are performed here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::handler::Handler;
use crate::TimeLimits;

/// How the tasks of one name are performed.
#[derive(Clone)]
pub struct TaskKind {
    pub(super) handler: Arc<dyn Handler>,
    pub(super) acks_late: bool,
    pub(super) tracks_start: bool,
    pub(super) ignores_result: bool,
    pub(super) time_limits: TimeLimits,
    pub(super) most_retries: u32,
}

impl TaskKind {
    /// Tasks that `handler` performs, with Celery's defaults: acknowledged when they begin, no time
    /// limits, three retries, results kept, their start not told.
    #[must_use]
    pub fn new(handler: impl Handler + 'static) -> Self {
        Self {
            handler: Arc::new(handler),
            acks_late: false,
            tracks_start: false,
            ignores_result: false,
            time_limits: TimeLimits::default(),
            most_retries: 3,
        }
    }

    /// Acknowledged only once they came to their end: a task whose worker is killed is performed
    /// again.
    #[must_use]
    pub fn acknowledged_late(self) -> Self {
        Self { acks_late: true, ..self }
    }

    /// Results say `STARTED` while a task is performed.
    #[must_use]
    pub fn with_start_told(self) -> Self {
        Self { tracks_start: true, ..self }
    }

    /// No results are kept.
    #[must_use]
    pub fn without_results(self) -> Self {
        Self { ignores_result: true, ..self }
    }

    /// Limits for tasks whose senders gave none.
    #[must_use]
    pub const fn with_time_limits(mut self, limits: TimeLimits) -> Self {
        self.time_limits = limits;
        self
    }

    /// How often a task that wants to be tried again is.
    #[must_use]
    pub const fn with_retries(mut self, most: u32) -> Self {
        self.most_retries = most;
        self
    }
}

impl fmt::Debug for TaskKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TaskKind")
            .field("acks_late", &self.acks_late)
            .field("time_limits", &self.time_limits)
            .finish_non_exhaustive()
    }
}

/// The tasks that a worker performs, by their full names.
#[derive(Debug, Clone, Default)]
pub struct Tasks(BTreeMap<String, TaskKind>);

impl Tasks {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and tasks of another name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, kind: TaskKind) -> Self {
        self.0.insert(name.into(), kind);
        self
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn kind(&self, name: &str) -> Option<&TaskKind> {
        self.0.get(name)
    }
}
