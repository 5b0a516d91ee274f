//! Times that come while tasks wait or are performed.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use stats_jobs::{Queue, RedisBroker, RedisBrokerOptions, TaskState, TimeLimits};
use stats_model::Clock;
use stats_testkit::services::Redis;
use stats_testkit::wait;

use crate::support::bench::Bench;
use crate::support::watched::Watched;

const AT_ONCE: Duration = Duration::from_secs(20);

#[test]
fn a_task_that_came_too_late_is_revoked() {
    let bench = Bench::new();
    let mut task = bench.task("add", json!([1, 1]));
    task.expires = Some(bench.clock.now() + SignedDuration::from_secs(60));
    bench.producer.send(&task).unwrap();
    bench.pass(61);
    let worker = bench.worker(1);
    let result = bench.result(&task.id);
    assert_eq!(result.state, TaskState::Revoked);
    assert_eq!(result.result["exc_message"], json!(["expired"]));
    assert_eq!(bench.doings.begun(), 0);
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_soft_limit_asks_a_task_to_come_to_its_end() {
    let bench = Bench::new();
    let mut task = bench.task("obey", json!([]));
    let (soft, hard) = (Some(Duration::from_secs(10)), Some(Duration::from_secs(60)));
    task.time_limits = TimeLimits { soft, hard };
    bench.producer.send(&task).unwrap();
    let worker = bench.worker(1);
    bench.doings.wait_until_begun(1);
    bench.pass(10);
    let result = bench.result(&task.id);
    assert_eq!((result.state, result.result), (TaskState::Success, json!("SoftTimeLimit")));
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_task_that_stops_at_its_soft_limit_has_failed() {
    let bench = Bench::new();
    let mut task = bench.task("stop_late", json!([]));
    task.time_limits.soft = Some(Duration::from_secs(10));
    bench.producer.send(&task).unwrap();
    let worker = bench.worker(1);
    bench.doings.wait_until_begun(1);
    bench.pass(10);
    let result = bench.result(&task.id);
    assert_eq!(result.state, TaskState::Failure);
    assert_eq!(result.result["exc_type"], "SoftTimeLimitExceeded");
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_task_that_stops_without_a_reason_has_failed_and_does_not_come_again() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let result = bench.result(&bench.send("give_up_late", json!([])));
    assert_eq!(result.result["exc_message"], json!(["it stopped though nobody asked it to"]));
    let _ = worker.stop(AT_ONCE);
    bench.pass(3_600);
    assert_eq!((bench.doings.begun(), bench.queue.length().unwrap()), (1, 0));
}

#[test]
fn a_hard_limit_fails_a_task_and_frees_its_slot() {
    let bench = Bench::new();
    let mut task = bench.task("wait_late", json!([]));
    task.time_limits = TimeLimits { soft: None, hard: Some(Duration::from_secs(10)) };
    bench.producer.send(&task).unwrap();
    let worker = bench.worker(1);
    bench.doings.wait_until_begun(1);
    bench.pass(10);
    let result = bench.result(&task.id);
    assert_eq!(result.state, TaskState::Failure);
    assert_eq!(result.result["exc_type"], "TimeLimitExceeded");
    assert_eq!(result.result["exc_message"], json!(["10"]));
    assert_eq!(bench.result(&bench.send("add", json!([1, 1]))).result, 2);
    // What it gives later is not wanted any more.
    bench.doings.open_gate();
    bench.pass(61);
    assert_eq!(bench.result(&task.id).state, TaskState::Failure);
    bench.wait_until_empty();
    let _ = worker.stop(AT_ONCE);
}

#[test]
fn a_worker_whose_tasks_never_end_begins_no_more() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    for count in 1..=2 {
        let mut task = bench.task("wait", json!([]));
        task.time_limits.hard = Some(Duration::from_secs(10));
        bench.producer.send(&task).unwrap();
        bench.doings.wait_until_begun(count);
        bench.pass(10);
        bench.result(&task.id);
    }
    bench.said.wait_for("2 tasks beyond their time limits do not end");
    let id = bench.send("add", json!([1, 1]));
    bench.doings.open_gate();
    assert_eq!(bench.result(&id).result, 2);
    let _ = worker.stop(AT_ONCE);
}

/// Longer than its lease.
#[test]
fn a_long_task_stays_in_hand() {
    let bench = Bench::new();
    let queue = Watched::new(bench.queue.clone());
    let worker = bench.worker_on(queue.clone(), 1);
    let id = bench.send("wait_late", json!([]));
    bench.doings.wait_until_begun(1);
    for _ in 0..6 {
        let kept = queue.kept();
        bench.pass(25);
        wait::until("the lease begins anew", || queue.kept() > kept);
        assert_eq!(bench.queue.receive(Duration::ZERO).unwrap(), None);
    }
    bench.doings.open_gate();
    assert_eq!(bench.result(&id).state, TaskState::Success);
    assert_eq!(bench.doings.begun(), 1);
    let _ = worker.stop(AT_ONCE);
}

/// A queue that knows no times: the worker keeps the task in hand.
#[test]
fn a_task_waits_in_hand_for_its_time() {
    let Some(server) = Redis::shared() else { return };
    let bench = Bench::new();
    let broker =
        RedisBroker::open(&server.database(), RedisBrokerOptions::default(), bench.clock.clone());
    let queue = std::sync::Arc::new(broker.unwrap().queue("stats-cache"));
    let start = || bench.worker_on(queue.clone(), 1);
    let send = |seconds| {
        let mut task = bench.task("add", json!([seconds, 0]));
        task.eta = Some(bench.clock.now() + SignedDuration::from_secs(seconds));
        queue.send(&task.write(stats_jobs::Serializer::Msgpack)).unwrap();
        task.id
    };
    let (later, soon) = (send(60), send(30));
    let worker = start();
    wait::until("both are in hand", || queue.length().unwrap() == 0);
    bench.pass(30);
    assert_eq!(bench.result(&soon).result, 30);
    assert_eq!(bench.results.read(&later).unwrap(), None);
    // A worker that stops gives back what has not begun.
    let _ = worker.stop(AT_ONCE);
    assert_eq!(queue.length().unwrap(), 1);
    bench.pass(30);
    let worker = start();
    assert_eq!(bench.result(&later).result, 60);
    let _ = worker.stop(AT_ONCE);
}
