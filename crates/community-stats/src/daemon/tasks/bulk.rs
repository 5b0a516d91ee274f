//! The task of the Python package: a run (cache-and-jobs specification, section 10).

use std::time::Duration;

use serde_json::{Value, json};
use stats_jobs::ledger::Trigger;
use stats_jobs::{Failure, TaskControl, TaskFailure, TaskMessage};
use stats_model::calendar::day_of;
use stats_service::{Pool, Request, Run, ServiceError, Summary, Years};

use super::arguments::{bound, communities, flag, years};
use super::{Bench, failed, is_shut_down};
use crate::config::LONGEST_LOCK;
use crate::daemon::recorder::Asked;

/// Its parameters, in their order.
const PARAMETERS: [&str; 5] =
    ["community_ids", "years", "overwrite", "current_year_only", "optimize"];

/// So often whoever waits for the lock looks whether it is free.
const LOOK_AT_LOCK: Duration = Duration::from_secs(1);

/// What the schedule of the Python package sends.
const BEAT: [Value; 5] =
    [Value::Null, Value::Null, Value::Bool(false), Value::Bool(false), Value::Null];

pub(super) fn perform(
    bench: &Bench,
    task: &TaskMessage,
    control: &TaskControl,
) -> Result<Value, TaskFailure> {
    let performed = try_perform(bench, task, control);
    match performed {
        Err(TaskFailure::Failed(failure)) if bench.upstream_results => {
            Ok(json!({"success": false, "error": failure.message}))
        }
        performed => performed,
    }
}

fn try_perform(
    bench: &Bench,
    task: &TaskMessage,
    control: &TaskControl,
) -> Result<Value, TaskFailure> {
    let arguments = bound(task, &PARAMETERS)?;
    let request = request(bench, &arguments)?;
    if control.comes_again() {
        outlive_the_holder(bench, control);
    }
    let asked = Asked {
        trigger: trigger(task),
        asked_by: format!("task {}", task.id),
        request: json!(request),
        resumes: None,
        planned: 0,
        limit: None,
        ends: Some(Box::new({
            let control = control.clone();
            move || control.should_stop()
        })),
    };
    let made = bench.recorder.record(asked, |stop, progress| {
        let run = &mut Run {
            hands: &Pool,
            workers: bench.workers,
            most: None,
            stop: stop.clone(),
            progress,
        };
        bench.service.create(&request, run)
    });
    match made {
        Ok((_, summary)) => ended(bench, &summary, control),
        // Whoever waited for the lock, and was asked to stop meanwhile, leaves it to another worker.
        Err(ServiceError::Locked(_)) if control.comes_again() && is_shut_down(bench, control) => {
            Err(TaskFailure::Interrupted)
        }
        Err(ServiceError::Locked(_)) => Ok(json!({
            "success": false,
            "skipped": true,
            "reason": "Another cache generation task is already running",
            "community_ids": arguments["community_ids"],
            "years": arguments["years"],
        })),
        Err(error) => Err(failed(bench, &error, control)),
    }
}

/// Waits until nobody holds the lock of bulk runs, for as long as somebody can hold it who was killed:
/// the one, perhaps, that this task was given to before.
fn outlive_the_holder(bench: &Bench, control: &TaskControl) {
    let clock = bench.service.clock();
    let begun = clock.monotonic();
    let is_held = || bench.service.locked_by().is_ok_and(|holder| holder.is_some());
    let is_over = || clock.monotonic().saturating_sub(begun) > LONGEST_LOCK + LOOK_AT_LOCK;
    while !control.should_stop() && !is_over() && is_held() {
        clock.sleep(LOOK_AT_LOCK);
    }
}

fn ended(bench: &Bench, summary: &Summary, control: &TaskControl) -> Result<Value, TaskFailure> {
    if summary.lock_lost {
        let lost = "the lock of bulk runs was lost, so the run stopped writing";
        return Err(Failure::new("RuntimeError", lost).into());
    }
    if summary.interrupted && is_shut_down(bench, control) {
        return Err(TaskFailure::Interrupted);
    }
    if summary.interrupted {
        return Err(Failure::new("RuntimeError", "the run was stopped before its end").into());
    }
    Ok(json!(summary))
}

fn request(bench: &Bench, arguments: &serde_json::Map<String, Value>) -> Result<Request, Failure> {
    let current_year_only = flag("current_year_only", &arguments["current_year_only"], false)?;
    let years = if current_year_only {
        Years::Named(vec![day_of(bench.service.clock().now()).year()])
    } else {
        years(&arguments["years"])?
    };
    let optimize = match &arguments["optimize"] {
        Value::Null => None,
        given => Some(flag("optimize", given, false)?),
    };
    Ok(Request {
        communities: communities(&arguments["community_ids"])?,
        years,
        optimize,
        overwrite: flag("overwrite", &arguments["overwrite"], false)?,
        patient: true,
        ..Request::default()
    })
}

fn trigger(task: &TaskMessage) -> Trigger {
    let [first, rest @ ..] = task.arguments.as_slice() else { return Trigger::Message };
    let is_beat = first == "all" && rest == &BEAT[1..] && task.keywords.is_empty();
    if is_beat { Trigger::Beat } else { Trigger::Message }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;
    use stats_cache::{BulkLock, FileLock, Lease};
    use stats_documents::Source;
    use stats_jobs::StopReason;
    use stats_jobs::ledger::Keep;
    use stats_model::{Clock, ManualClock};
    use stats_service::{CachedResponseService, Nothing, ServiceSettings};

    use super::*;
    use crate::daemon::recorder::Recorder;

    /// A clock by which somebody else's lease ends once so much time has gone by.
    struct LeaseEnds {
        clock: ManualClock,
        after: Duration,
        lease: Mutex<Option<Box<dyn Lease>>>,
    }

    impl Clock for LeaseEnds {
        fn now(&self) -> Timestamp {
            self.clock.now()
        }

        fn monotonic(&self) -> Duration {
            self.clock.monotonic()
        }

        fn sleep(&self, duration: Duration) {
            self.clock.sleep(duration);
            if self.monotonic() >= self.after {
                drop(self.lease.lock().unwrap().take());
            }
        }
    }

    /// What comes of the task, and when, while somebody else holds the lock for so long.
    fn performed(held: Duration, control: &TaskControl) -> (Value, Duration) {
        let (ended, waited) = tried(held, control);
        (ended.unwrap(), waited)
    }

    fn tried(held: Duration, control: &TaskControl) -> (Result<Value, TaskFailure>, Duration) {
        let folder = tempfile::tempdir().unwrap();
        let lock = || FileLock::beside(&folder.path().join("cache.db"));
        let lease = Mutex::new(lock().acquire(Timestamp::UNIX_EPOCH).unwrap());
        assert!(lease.lock().unwrap().is_some());
        let clock = ManualClock::new("2025-12-31T12:00:00Z".parse().unwrap());
        let clock = Arc::new(LeaseEnds { clock, after: held, lease });
        let source = Source::from(Arc::new(Nothing));
        let settings = ServiceSettings::default();
        let service =
            CachedResponseService::new(source, Arc::new(Nothing), clock.clone(), settings);
        let ending = Arc::new(AtomicBool::new(false));
        let recorder = Recorder::new(None, clock.clone(), Keep::default(), ending);
        let bench = Bench {
            service: Arc::new(service.with_lock(Some(Arc::new(lock())))),
            recorder: Arc::new(recorder),
            workers: 1,
            upstream_results: false,
            active: AtomicUsize::new(0),
        };
        let task = TaskMessage {
            arguments: vec![json!("all")],
            ..TaskMessage::new("1", super::super::BULK)
        };
        (perform(&bench, &task, control), clock.monotonic())
    }

    #[test]
    fn a_task_that_comes_again_waits_for_whoever_was_killed_over_it() {
        let short = Duration::from_secs(40);
        let (first, waited) = performed(short, &TaskControl::new());
        assert_eq!((&first["skipped"], waited), (&json!(true), Duration::ZERO));
        let (again, waited) = performed(short, &TaskControl::coming_again());
        assert_eq!((&again["skipped"], waited), (&json!(0), short));
        // Nobody who is dead holds it for so long.
        let (living, waited) = performed(Duration::from_secs(600), &TaskControl::coming_again());
        assert_eq!(living["skipped"], true);
        assert!(waited < Duration::from_secs(70), "{waited:?}");
        // Whoever is asked to stop meanwhile leaves it to another worker.
        let stopped = TaskControl::coming_again();
        stopped.ask_to_stop(StopReason::Shutdown);
        assert_eq!(tried(short, &stopped).0, Err(TaskFailure::Interrupted));
    }
}
