//! What the worker answers to questions, and how it follows orders.

use serde_json::{Map, Value, json};

use super::ending::give_up;
use super::keeper::tell_of_worker;
use super::report;
use super::shared::Shared;
use super::task_control::StopReason;

/// The answer to a question or order; none where Celery's workers give none.
pub(super) fn answer(
    shared: &Shared,
    method: &str,
    arguments: &Map<String, Value>,
) -> Option<Value> {
    let argument = |name: &str| arguments.get(name).unwrap_or(&Value::Null);
    Some(match method {
        "ping" => json!({"ok": "pong"}),
        "active" | "dump_active" => report::active(shared),
        // No task is taken before there is a slot for it.
        "reserved" | "dump_reserved" => json!([]),
        "scheduled" | "dump_schedule" => report::scheduled(shared),
        "revoked" | "dump_revoked" => report::revoked(shared),
        "registered" | "dump_tasks" => json!(shared.tasks.names().collect::<Vec<_>>()),
        "query_task" => report::some(shared, &texts(argument("ids"))),
        "stats" => report::stats(shared),
        "conf" | "dump_conf" => report::configuration(shared),
        "active_queues" => report::queues(shared),
        "clock" => json!({"clock": shared.announcer.forward()}),
        "revoke" => {
            let ids = texts(argument("task_id"));
            revoke(shared, &ids, argument("terminate") == &Value::Bool(true))
        }
        "enable_events" => told("enabled", shared.announcer.tell_tasks(true)),
        "disable_events" => told("disabled", !shared.announcer.tell_tasks(false)),
        "heartbeat" => {
            tell_of_worker(shared, "worker-heartbeat");
            return None;
        }
        "hello" => return hello(shared, argument("from_node"), argument("revoked")),
        "shutdown" => {
            shared.begin_to_stop();
            json!({"ok": "shutting down"})
        }
        other => json!({"error": format!("'{other}' is not done here")}),
    })
}

/// Flags tasks as revoked; with `terminate`, those that are being performed are given up, too.
pub(super) fn revoke(shared: &Shared, ids: &[String], terminate: bool) -> Value {
    let now = shared.clock.now();
    let mut books = shared.books();
    ids.iter().for_each(|id| books.revoked.add(id, now));
    let meant = |job: &&super::books::Job| ids.contains(&job.received.task.id);
    let jobs = books.jobs.iter().filter(|(_, job)| terminate && meant(job));
    let numbers: Vec<u64> = jobs.map(|(number, _)| *number).collect();
    drop(books);
    for number in numbers {
        give_up(shared, number, StopReason::Revoked);
    }
    json!({"ok": format!("tasks {} flagged as revoked", ids.join(", "))})
}

fn told(what: &str, already: bool) -> Value {
    let already = if already { " already" } else { "" };
    json!({"ok": format!("task events{already} {what}")})
}

/// A worker that starts asks the others what was revoked before.
fn hello(shared: &Shared, from: &Value, revoked: &Value) -> Option<Value> {
    if from == shared.options.name.as_str() {
        return None;
    }
    let now = shared.clock.now();
    if let Value::Object(theirs) = revoked {
        let mut books = shared.books();
        theirs.keys().for_each(|id| books.revoked.add(id, now));
    }
    Some(json!({"revoked": {}, "clock": shared.announcer.forward()}))
}

/// One text, or several.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
