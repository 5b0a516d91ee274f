//! What a worker tells of itself to Celery's tools.

use serde_json::{Map, Value, json};

use super::books::Received;
use super::shared::Shared;
use super::shown::instant;

/// The tasks that are being performed.
pub(super) fn active(shared: &Shared) -> Value {
    let books = shared.books();
    let jobs = books.jobs.values().map(|job| {
        let begun = job.begun.as_microsecond() as f64 / 1e6;
        info(shared, &job.received, Some(begun), job.tag.is_none())
    });
    jobs.collect()
}

/// The tasks that wait for their time.
pub(super) fn scheduled(shared: &Shared) -> Value {
    let books = shared.books();
    let held = books.held.iter().map(|held| {
        json!({
            "eta": instant(held.eta),
            "priority": 6,
            "request": info(shared, &held.received, None, false),
        })
    });
    held.collect()
}

/// The ids of revoked tasks.
pub(super) fn revoked(shared: &Shared) -> Value {
    json!(shared.books().revoked.ids(shared.clock.now()).collect::<Vec<_>>())
}

/// Those of these tasks that are in hand, with what they are doing.
pub(super) fn some(shared: &Shared, ids: &[String]) -> Value {
    let books = shared.books();
    let mut found = Map::new();
    let active = books.jobs.values().map(|job| ("active", &job.received));
    let held = books.held.iter().map(|held| ("reserved", &held.received));
    for (state, received) in active.chain(held) {
        if ids.contains(&received.task.id) {
            let info = info(shared, received, None, false);
            found.insert(received.task.id.clone(), json!([state, info]));
        }
    }
    Value::Object(found)
}

/// Figures.
pub(super) fn stats(shared: &Shared) -> Value {
    let books = shared.books();
    let slots = shared.options.slots;
    json!({
        "total": books.begun,
        "pid": std::process::id(),
        "clock": shared.announcer.forward().to_string(),
        "uptime": shared.clock.now().duration_since(shared.started).as_secs(),
        "broker": {"hostname": shared.queue.place()},
        "prefetch_count": slots,
        "pool": {
            "implementation": "threads",
            "max-concurrency": slots,
            "threads": books.jobs.len(),
            "processes": [std::process::id()],
            "abandoned": books.abandoned,
        },
        "rusage": "N/A",
    })
}

/// The settings that mean something here, by Celery's names. No address is among them.
pub(super) fn configuration(shared: &Shared) -> Value {
    json!({
        "task_default_queue": shared.queue.name(),
        "worker_concurrency": shared.options.slots,
        "worker_send_task_events": shared.options.task_events,
        "accept_content": ["json", "msgpack"],
    })
}

/// The queues that tasks are taken from.
pub(super) fn queues(shared: &Shared) -> Value {
    let name = shared.queue.name();
    json!([{
        "name": name,
        "exchange": {
            "name": name,
            "type": "direct",
            "durable": true,
            "auto_delete": false,
            "arguments": null,
            "delivery_mode": null,
            "no_declare": false,
            "passive": false,
        },
        "routing_key": name,
        "durable": true,
        "exclusive": false,
        "auto_delete": false,
        "no_ack": false,
        "no_declare": null,
        "alias": null,
        "bindings": [],
        "queue_arguments": null,
        "binding_arguments": null,
        "consumer_arguments": null,
        "expires": null,
        "message_ttl": null,
        "max_length": null,
        "max_length_bytes": null,
        "max_priority": null,
    }])
}

fn info(shared: &Shared, received: &Received, begun: Option<f64>, acknowledged: bool) -> Value {
    let (task, queue) = (&received.task, shared.queue.name());
    json!({
        "id": task.id,
        "name": task.task,
        "args": task.arguments,
        "kwargs": task.keywords,
        "type": task.task,
        "hostname": shared.options.name,
        "time_start": begun,
        "acknowledged": acknowledged,
        "delivery_info": {
            "exchange": "",
            "routing_key": queue,
            "priority": task.priority,
            "redelivered": null,
        },
        "worker_pid": std::process::id(),
    })
}
