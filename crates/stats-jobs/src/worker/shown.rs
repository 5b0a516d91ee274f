//! Tasks as Celery's tools show them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::events::Event;
use crate::{Failure, TaskMessage, python_repr};

/// A task has come.
pub(super) fn received(task: &TaskMessage) -> Event {
    let fields = json!({
        "uuid": task.id,
        "name": task.task,
        "args": python_repr(&Value::Array(task.arguments.clone())),
        "kwargs": python_repr(&Value::Object(task.keywords.clone())),
        "root_id": task.root_id,
        "parent_id": task.parent_id,
        "retries": task.retries,
        "eta": task.eta.map(instant),
        "expires": task.expires.map(instant),
    });
    Event::new("task-received", fields)
}

/// A task begins.
pub(super) fn started(task: &TaskMessage) -> Event {
    Event::new("task-started", json!({"uuid": task.id}))
}

/// A task is done.
pub(super) fn succeeded(task: &TaskMessage, result: &Value, seconds: f64) -> Event {
    let result = python_repr(result);
    Event::new("task-succeeded", json!({"uuid": task.id, "result": result, "runtime": seconds}))
}

/// A task has failed.
pub(super) fn failed(task: &TaskMessage, failure: &Failure) -> Event {
    let (exception, traceback) = (exception(failure), &failure.traceback);
    let fields = json!({"uuid": task.id, "exception": exception, "traceback": traceback});
    Event::new("task-failed", fields)
}

/// A task will be tried again.
pub(super) fn retried(task: &TaskMessage, failure: &Failure) -> Event {
    let (exception, traceback) = (exception(failure), &failure.traceback);
    let fields = json!({"uuid": task.id, "exception": exception, "traceback": traceback});
    Event::new("task-retried", fields)
}

/// A task is not performed, or its result not waited for.
pub(super) fn revoked(task: &TaskMessage, reason: &str) -> Event {
    let fields = json!({
        "uuid": task.id,
        "terminated": reason == "terminated",
        "signum": null,
        "expired": reason == "expired",
    });
    Event::new("task-revoked", fields)
}

/// A message was rejected.
pub(super) fn unknown(task: &TaskMessage) -> Event {
    Event::new("task-unknown", json!({"uuid": task.id, "name": task.task}))
}

/// As Python shows an exception.
fn exception(failure: &Failure) -> String {
    let message = python_repr(&Value::from(failure.message.as_str()));
    format!("{}({message})", failure.exception)
}

pub(super) fn instant(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}
