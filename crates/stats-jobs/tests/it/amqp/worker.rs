//! A worker whose connection breaks.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stats_jobs::{Queue, Serializer, TaskState};
use stats_testkit::proxy::TcpProxy;
use stats_testkit::services::{RabbitMq, unique_name};
use stats_testkit::wait;

use super::queue::open;
use crate::support::bench::Bench;

const AT_ONCE: Duration = Duration::from_secs(20);

/// The broker takes back what was in hand, and gives it to us again: while it is performed if there is
/// a slot for it, else afterwards.
#[test]
fn what_comes_again_with_a_new_connection_is_not_performed_twice() {
    let Some(broker) = RabbitMq::shared() else { return };
    for slots in [2, 3] {
        let (name, proxy) = (unique_name(), TcpProxy::start(broker.address()).unwrap());
        let (bench, direct) = (Bench::new(), open(broker.address()).queue(name.as_str()));
        let queue = Arc::new(open(proxy.address()).queue(name.as_str()));
        let worker = bench.worker_on(queue, slots);
        let send = |name, arguments| {
            let task = bench.task(name, arguments);
            direct.send(&task.write(Serializer::Msgpack)).unwrap();
            task.id
        };
        let (late, early) = (send("wait_late", json!([])), send("wait", json!([])));
        bench.doings.wait_until_begun(2);
        let came_again = format!("task {late} came again and is not performed a second time");
        proxy.disconnect();
        if slots == 2 {
            wait::until("it is given back by the broker", || direct.length().unwrap() == 1);
        } else {
            bench.said.wait_for(&came_again);
        }
        bench.doings.open_gate();
        assert_eq!(bench.result(&late).state, TaskState::Success);
        assert_eq!(bench.result(&early).state, TaskState::Success);
        bench.said.wait_for(&came_again);
        let id = send("add", json!([1, 1]));
        assert_eq!(bench.result(&id).result, 2);
        let _ = worker.stop(AT_ONCE);
        assert_eq!((bench.doings.begun(), direct.length().unwrap()), (3, 0));
    }
}
