//! The task of the Python package: a run (cache-and-jobs specification, section 10).

use serde_json::{Value, json};
use stats_jobs::ledger::Trigger;
use stats_jobs::{Failure, TaskControl, TaskFailure, TaskMessage};
use stats_model::calendar::day_of;
use stats_service::{Pool, Request, Run, ServiceError, Summary, Years};

use super::arguments::{bound, communities, flag, years};
use super::{Bench, failed, is_shut_down};
use crate::daemon::recorder::Asked;

/// Its parameters, in their order.
const PARAMETERS: [&str; 5] =
    ["community_ids", "years", "overwrite", "current_year_only", "optimize"];

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
