//! Workers that stop.

use std::time::Duration;

use serde_json::json;
use stats_jobs::TaskState;

use crate::support::bench::Bench;

const AT_ONCE: Duration = Duration::from_secs(20);

#[test]
fn a_worker_that_stops_waits_for_what_is_being_performed_and_begins_nothing() {
    let bench = Bench::new();
    let worker = bench.worker(1);
    let first = bench.send("wait", json!([]));
    bench.doings.wait_until_begun(1);
    let second = bench.send("add", json!([1, 1]));
    worker.begin_to_stop();
    assert!(worker.is_stopping() && worker.wait(Duration::ZERO));
    bench.doings.open_gate();
    assert_eq!(worker.stop(AT_ONCE).unfinished, [""; 0]);
    assert_eq!(bench.result(&first).state, TaskState::Success);
    assert_eq!(bench.results.read(&second).unwrap(), None);
    assert_eq!(bench.queue.length().unwrap(), 1);
}

#[test]
fn a_task_that_is_interrupted_waits_again() {
    for name in ["obey", "obey_late"] {
        let bench = Bench::new();
        let worker = bench.worker(1);
        let id = bench.send(name, json!([]));
        bench.doings.wait_until_begun(1);
        assert_eq!(worker.stop(AT_ONCE).unfinished, [""; 0]);
        bench.said.wait_for(&format!("task {id} stopped and waits again"));
        assert_eq!(bench.results.read(&id).unwrap(), None);
        let worker = bench.worker(1);
        bench.doings.wait_until_begun(2);
        let _ = worker.stop(AT_ONCE);
    }
}

#[test]
fn a_task_that_does_not_end_in_time_is_given_back_if_it_is_acknowledged_late() {
    for (name, given_back) in [("wait", 0), ("wait_late", 1)] {
        let bench = Bench::new();
        let worker = bench.worker(1);
        let id = bench.send(name, json!([]));
        bench.doings.wait_until_begun(1);
        let stopped = worker.stop(Duration::from_millis(50));
        assert_eq!(stopped.unfinished, [id]);
        assert_eq!(bench.queue.length().unwrap(), given_back);
        bench.doings.open_gate();
    }
}
