//! The tasks that others send: the one of the Python package, which is a run, the two of the design
//! document, which make single responses (cache-and-jobs specification, sections 10 and 15, row 14), and
//! the shelf of a run that goes on elsewhere.

mod arguments;
mod batch;
mod bulk;
mod shelf;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use stats_jobs::{
    Failure, Handler, StopReason, TaskControl, TaskFailure, TaskKind, TaskMessage, Tasks,
};
use stats_service::{CachedResponseService, ServiceError, chain};

pub(crate) use self::shelf::RUN_OVER;
#[cfg(test)]
pub(super) use self::shelf::perform as make_shelf;
use super::recorder::Recorder;

/// Before the name of each task.
const MODULE: &str = "invenio_stats_dashboard.tasks.cache_tasks.";

/// The task of the Python package.
pub(crate) const BULK: &str =
    "invenio_stats_dashboard.tasks.cache_tasks.generate_cached_responses_task";
/// The task that makes several responses.
pub(crate) const BATCH: &str =
    "invenio_stats_dashboard.tasks.cache_tasks.generate_batch_cache_task";

/// The task that makes one shelf for a run; only this program sends and performs it.
pub(crate) const SHELF: &str = "community_stats.tasks.make_shelf";

/// What all tasks work with.
pub(crate) struct Bench {
    pub(crate) service: Arc<CachedResponseService>,
    pub(crate) recorder: Arc<Recorder>,
    /// How many shelves are read at the same time.
    pub(crate) workers: usize,
    /// Whether a failure is told as the Python package does.
    pub(crate) upstream_results: bool,
    /// How many tasks are performed at the moment.
    pub(crate) active: AtomicUsize,
}

type Perform = fn(&Bench, &TaskMessage, &TaskControl) -> Result<Value, TaskFailure>;

/// One of the tasks at a bench.
struct AtBench {
    bench: Arc<Bench>,
    perform: Perform,
}

impl Handler for AtBench {
    fn perform(&self, task: &TaskMessage, control: &TaskControl) -> Result<Value, TaskFailure> {
        let _active = Active::of(&self.bench.active);
        (self.perform)(&self.bench, task, control)
    }
}

/// Counts as long as it lives.
struct Active<'a>(&'a AtomicUsize);

impl<'a> Active<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All tasks that are performed here. They are acknowledged late: what a worker that was killed did not
/// bring to its end is done by another one, and what stands already is not made again.
pub(crate) fn all(bench: &Arc<Bench>) -> Tasks {
    let kind = |perform: Perform| {
        TaskKind::new(AtBench { bench: Arc::clone(bench), perform }).acknowledged_late()
    };
    Tasks::new()
        .with(BULK, kind(bulk::perform))
        .with(BATCH, kind(batch::several))
        .with(SHELF, kind(shelf::perform).with_start_told())
        .with(format!("{MODULE}generate_cached_response_task"), kind(batch::one))
}

/// Why a task has no result.
fn failed(bench: &Bench, error: &ServiceError, control: &TaskControl) -> TaskFailure {
    if matches!(error, ServiceError::Interrupted) || is_shut_down(bench, control) {
        return TaskFailure::Interrupted;
    }
    TaskFailure::Failed(Failure::new("RuntimeError", chain(error)))
}

/// Whether the worker is stopping. Who asks this process to end asks its runs first: then the worker's
/// own word comes a moment later.
fn is_shut_down(bench: &Bench, control: &TaskControl) -> bool {
    let is_told = || control.stop_reason() == Some(StopReason::Shutdown);
    let begun = Instant::now();
    while bench.recorder.is_ending() && !is_told() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(20));
    }
    is_told()
}

/// So long a task that was stopped waits for the word of its worker.
const PATIENCE: Duration = Duration::from_secs(20);
