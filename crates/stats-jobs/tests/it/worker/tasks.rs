//! What is performed, and what is not.

use std::time::Duration;

use serde_json::{Value, json};
use stats_jobs::{Failure, Message, Serializer, TaskState};

use crate::support::bench::Bench;
use crate::support::watched::Watched;

const AT_ONCE: Duration = Duration::from_secs(20);

#[test]
fn a_task_is_performed_and_its_result_is_kept() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let id = bench.send("add", json!([2, 40]));
    let result = bench.result(&id);
    assert_eq!((result.state, result.result), (TaskState::Success, json!(42)));
    assert_eq!(result.done.unwrap().to_string(), "2025-06-15T12:34:56Z");
    assert_eq!(worker.stop(AT_ONCE).unfinished, [""; 0]);
    let said = bench.said.all();
    assert_eq!(said[0], format!("task {id} begins: add"));
    assert_eq!(said[1], format!("task {id} is done after 0.0ns"));
}

#[test]
fn a_task_that_fails_says_why() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let result = bench.result(&bench.send("fail", json!(["bad 3"])));
    assert_eq!(result.state, TaskState::Failure);
    let failure = Failure::from_value(&result.result, None).unwrap();
    assert_eq!(failure, Failure::new("ValueError", "bad 3"));
    assert!(result.traceback.is_some());
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_panic_is_a_failure_and_the_worker_goes_on() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let result = bench.result(&bench.send("panic", json!([])));
    assert_eq!(result.state, TaskState::Failure);
    assert_eq!(result.result["exc_message"], json!(["panic: arranged"]));
    assert_eq!(bench.result(&bench.send("add", json!([1, 1]))).result, 2);
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn tasks_of_other_names_are_rejected_and_their_sender_is_told() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let result = bench.result(&bench.send("some.other.task", json!([])));
    assert_eq!(result.state, TaskState::Failure);
    let told = json!({
        "exc_type": "NotRegistered",
        "exc_message": ["some.other.task"],
        "exc_module": "celery.exceptions",
    });
    assert_eq!(result.result, told);
    bench.said.wait_for("'some.other.task' is not performed here");
    bench.wait_until_empty();
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn what_cannot_be_read_is_rejected_with_its_reason_and_never_comes_again() {
    let bench = Bench::new();
    let mut pickled = bench.task("add", json!([])).write(Serializer::Json);
    pickled.properties.content_type = "application/x-python-serialize".to_owned();
    let mut compressed = bench.task("add", json!([])).write(Serializer::Json);
    compressed.headers.insert("compression".to_owned(), json!("application/x-gzip"));
    for message in [&pickled, &compressed, &Message::default()] {
        bench.send_raw(message);
    }
    let worker = bench.worker(1);
    bench.said.wait_for("application/x-python-serialize");
    bench.said.wait_for("compressed with 'application/x-gzip'");
    bench.said.wait_for("task unknown is rejected: it is no task of version 2");
    let result = bench.result(pickled.text("id").unwrap());
    assert_eq!(result.state, TaskState::Failure);
    bench.wait_until_empty();
    bench.pass(3_600);
    assert_eq!(bench.result(&bench.send("add", json!([1, 1]))).result, 2);
    let _ = worker.stop(AT_ONCE);
    let rejected = bench.said.all().iter().filter(|line| line.contains("is rejected")).count();
    assert_eq!(rejected, 3);
}

#[test]
fn no_more_tasks_are_performed_at_a_time_than_there_are_slots() {
    let bench = Bench::new();
    let worker = bench.worker(3);
    let ids: Vec<String> = (0..7).map(|_| bench.send("wait", json!([]))).collect();
    bench.doings.wait_until_begun(3);
    assert_eq!(bench.queue.length().unwrap(), 4);
    bench.doings.open_gate();
    for id in ids {
        assert_eq!(bench.result(&id).result, "through");
    }
    assert_eq!(bench.doings.most(), 3);
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_task_is_in_hand_until_its_end_only_when_it_is_acknowledged_late() {
    for (name, while_performed) in [("wait", 1), ("wait_late", 0)] {
        let bench = Bench::new();
        let queue = Watched::new(bench.queue.clone());
        let worker = bench.worker_on(queue.clone(), 1);
        let id = bench.send(name, json!([]));
        bench.doings.wait_until_begun(1);
        assert_eq!(queue.acknowledged(), while_performed, "{name}");
        bench.doings.open_gate();
        bench.result(&id);
        let _ = worker.stop(AT_ONCE);
        assert_eq!(queue.acknowledged(), 1, "{name}");
    }
}

#[test]
fn results_nobody_asks_for_are_not_kept() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let mut task = bench.task("add", json!([1, 1]));
    task.ignore_result = true;
    bench.producer.send(&task).unwrap();
    bench.said.wait_for("is done");
    let _ = worker.stop(AT_ONCE);
    assert_eq!(bench.results.read(&task.id).unwrap(), None);
}

#[test]
fn the_start_of_a_task_is_told_where_that_is_wanted() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let id = bench.send("wait_late", json!([]));
    bench.doings.wait_until_begun(1);
    let result = bench.results.read(&id).unwrap().unwrap();
    assert_eq!((result.state, result.done), (TaskState::Started, None));
    assert_eq!(result.result["pid"], std::process::id());
    bench.doings.open_gate();
    assert_eq!(bench.result(&id).state, TaskState::Success);
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_task_is_tried_again_until_it_was_tried_too_often() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let id = bench.send("retry", json!(["a"]));
    for tries in 1..=2 {
        bench.doings.wait_until_begun(tries);
        bench.said.wait_for(&format!("will be tried again: ValueError: try {}", tries - 1));
        let waits = bench.results.read(&id).unwrap().unwrap();
        assert_eq!(waits.state, TaskState::Retry);
        bench.pass(60);
    }
    let result = bench.result(&id);
    assert_eq!(result.result["exc_message"], json!(["try 2"]));
    assert_eq!(result.state, TaskState::Failure);
    assert_eq!(bench.doings.begun(), 3);
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_revoked_task_is_not_performed() {
    let bench = Bench::new();
    let task = bench.task("add", json!([1, 1]));
    let worker = bench.worker(1);
    worker.revoke(std::slice::from_ref(&task.id), false);
    bench.producer.send(&task).unwrap();
    let result = bench.result(&task.id);
    assert_eq!(result.state, TaskState::Revoked);
    assert_eq!(result.result["exc_type"], "TaskRevokedError");
    assert_eq!(bench.doings.begun(), 0);
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_revoked_task_that_is_being_performed_is_given_up() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let id = bench.send("obey_late", json!([]));
    bench.doings.wait_until_begun(1);
    worker.revoke(std::slice::from_ref(&id), true);
    let result = bench.result(&id);
    assert_eq!(result.state, TaskState::Revoked);
    assert_eq!(result.result["exc_message"], json!(["terminated"]));
    assert_eq!(bench.result(&bench.send("add", json!([1, 1]))).result, Value::from(2));
    bench.wait_until_empty();
    let _ = worker.stop(AT_ONCE);
}
