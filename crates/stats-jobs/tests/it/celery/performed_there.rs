//! We send, Python performs, we read the result.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use stats_jobs::{Failure, Results, TaskMessage, TaskResult, TaskState};
use stats_testkit::wait;

use super::side::Side;

/// What became of a task of ours at Python's worker.
fn performed(side: &Side, task: &TaskMessage) -> TaskResult {
    side.producer().send(task).unwrap();
    let mut found = None;
    wait::until("Python performs it", || {
        found = side.results().read(&task.id).unwrap();
        found.as_ref().is_some_and(|found| found.state.is_final())
    });
    found.unwrap()
}

#[test]
fn what_we_send_is_performed_by_python() {
    Side::each(|side| {
        let name = format!("theirs@{}", std::process::id());
        let arguments = ["worker", "-P", "solo", "-l", "INFO", "-n", &name];
        // Python's worker greets ours when it starts.
        let ours = side.worker("ours");
        let worker = side.start(&arguments, &[], "ready.");
        let log = std::fs::read_to_string(worker.folder().join("log")).unwrap();
        assert!(log.contains("sync with 1 nodes") && log.contains("sync complete"), "{log}");
        let producer = side.producer();

        let mut add = producer.task("theirs.add");
        add.arguments = vec![json!(40)];
        add.keywords.insert("b".to_owned(), json!(2));
        add.priority = 3;
        add.time_limits.soft = Some(Duration::from_secs(60));
        let result = performed(&side, &add);
        assert_eq!((result.state, result.result), (TaskState::Success, json!({"sum": 42})));
        let done = result.done.unwrap();
        let now = Timestamp::try_from(SystemTime::now()).unwrap();
        assert!(now.duration_since(done).abs() < SignedDuration::from_mins(5), "{done}");

        let mut fail = producer.task("theirs.fail");
        fail.arguments = vec![json!("bad 3")];
        fail.eta = Some(now + SignedDuration::from_millis(100));
        let result = performed(&side, &fail);
        assert_eq!(result.state, TaskState::Failure);
        assert!(result.traceback.as_ref().unwrap().contains("Traceback"));
        let failure = Failure::from_value(&result.result, None).unwrap();
        assert_eq!(failure, Failure::new("ValueError", "bad 3"));

        let mut late = producer.task("theirs.add");
        late.expires = Some(now - SignedDuration::from_secs(60));
        assert_eq!(performed(&side, &late).state, TaskState::Revoked);
        drop(worker);
        let _ = ours.stop(Duration::from_secs(20));
    });
}
