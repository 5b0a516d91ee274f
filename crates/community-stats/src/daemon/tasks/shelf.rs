//! One shelf for a run that another process carries out: a task of our own. Its name is none of the design
//! document, whose tasks take no lock and give only keys: this one is held against the lease of its run,
//! and its result says of each response what a thread of that run would have said.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use stats_jobs::{Failure, TaskControl, TaskFailure, TaskMessage};
use stats_service::{Errand, ServiceError, ShelfReport, Stop, chain};
use tracing::debug;

use super::{Bench, failed, is_shut_down};

/// Where the exceptions are said to be.
const EXCEPTIONS: &str = "community_stats";
/// The exception of a task whose run is over.
pub(crate) const RUN_OVER: &str = "RunOver";
/// So often a task looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(in crate::daemon) fn perform(
    bench: &Bench,
    task: &TaskMessage,
    control: &TaskControl,
) -> Result<Value, TaskFailure> {
    let errand: Errand = serde_json::from_value(Value::Object(task.keywords.clone()))
        .map_err(|error| Failure::new("TypeError", format!("this is no shelf: {error}")))?;
    match while_wanted(bench, control, |stop| bench.service.make_errand(&errand, stop)) {
        Ok(report) => {
            tell(&report);
            Ok(json!(report))
        }
        Err(_) if is_shut_down(bench, control) => Err(TaskFailure::Interrupted),
        Err(error @ ServiceError::RunOver) => {
            Err(Failure::of(EXCEPTIONS, RUN_OVER, chain(&error)).into())
        }
        Err(error @ ServiceError::OtherHands(_)) => {
            Err(Failure::of(EXCEPTIONS, "OtherHands", chain(&error)).into())
        }
        Err(error) => Err(failed(bench, &error, control)),
    }
}

/// Works while another thread looks whether that is still wanted.
fn while_wanted<T>(bench: &Bench, control: &TaskControl, work: impl FnOnce(&Stop) -> T) -> T {
    let (stop, (done, wait)) = (Stop::default(), mpsc::channel::<()>());
    thread::scope(|scope| {
        let asked = stop.clone();
        scope.spawn(move || {
            while wait.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                if control.should_stop() || bench.recorder.is_ending() {
                    asked.ask();
                }
            }
        });
        let result = work(&stop);
        drop(done);
        result
    })
}

fn tell(report: &ShelfReport) {
    let ShelfReport { community, year, documents, bytes, took, .. } = report;
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    debug!(%community, year, documents, bytes, ms, "shelf made for a run elsewhere");
}
