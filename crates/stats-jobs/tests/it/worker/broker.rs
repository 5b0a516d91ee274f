//! Brokers that go away.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stats_jobs::{
    Queue, RedisBroker, RedisBrokerOptions, RedisResults, Results, Serializer, TaskState, Worker,
    WorkerParts,
};
use stats_model::SystemClock;
use stats_testkit::proxy::TcpProxy;
use stats_testkit::services::Redis;
use stats_testkit::wait;

use crate::support::bench::{Bench, options};

const AT_ONCE: Duration = Duration::from_secs(20);

fn broker(url: &str) -> RedisBroker {
    RedisBroker::open(url, RedisBrokerOptions::default(), Arc::new(SystemClock)).unwrap()
}

#[test]
fn what_is_in_hand_is_performed_while_the_broker_is_away_and_not_done_twice() {
    let Some(server) = Redis::shared() else { return };
    let url = server.database();
    let (address, database) = (server.address(), url.rsplit('/').next().unwrap());
    let proxy = TcpProxy::start(address).unwrap();
    let proxied = broker(&format!("redis://{}/{database}", proxy.address()));
    let (direct, bench) = (broker(&url), Bench::new());
    let queue = direct.queue("stats-cache");
    let results = |broker: &RedisBroker| {
        RedisResults::new(broker.clone(), Serializer::Msgpack, RedisResults::LIFETIME)
    };
    let parts = WorkerParts {
        results: Some(Arc::new(results(&proxied))),
        notices: bench.said.listener(),
        ..WorkerParts::new(Arc::new(proxied.queue("stats-cache")), bench.doings.tasks(""))
    };
    let worker = Worker::start(parts, options(1));
    let send = |name, arguments| {
        let task = bench.task(name, arguments);
        queue.send(&task.write(Serializer::Msgpack)).unwrap();
        task.id
    };
    let state = |id: &str| results(&direct).read(id).unwrap().map(|result| result.state);
    let first = send("wait_late", json!([]));
    bench.doings.wait_until_begun(1);
    wait::until("its start is told", || state(&first) == Some(TaskState::Started));

    proxy.refuse(true);
    proxy.disconnect();
    let second = send("add", json!([1, 1]));
    bench.doings.open_gate();
    bench.doings.wait_until_none_is_performed();
    assert_eq!(state(&first), Some(TaskState::Started));
    proxy.refuse(false);

    wait::until("both are done", || {
        [&first, &second].iter().all(|id| state(id) == Some(TaskState::Success))
    });
    assert_eq!(bench.doings.begun(), 2);
    let _ = worker.stop(AT_ONCE);
    let mut raw = redis::Client::open(url).unwrap().get_connection().unwrap();
    let in_hand: u64 = redis::cmd("HLEN").arg("unacked").query(&mut raw).unwrap();
    assert_eq!((in_hand, queue.length().unwrap()), (0, 0));
}

#[test]
fn a_worker_waits_for_a_broker_that_is_not_there_yet() {
    let Some(server) = Redis::shared() else { return };
    let url = server.database();
    let proxy = TcpProxy::start(server.address()).unwrap();
    proxy.refuse(true);
    let database = url.rsplit('/').next().unwrap();
    let proxied = broker(&format!("redis://{}/{database}", proxy.address()));
    let bench = Bench::new();
    let worker = bench.worker_on(Arc::new(proxied.queue("stats-cache")), 1);
    bench.said.wait_for("no messages are taken for");
    let task = bench.task("add", json!([1, 1]));
    broker(&url).queue("stats-cache").send(&task.write(Serializer::Json)).unwrap();
    proxy.refuse(false);
    assert_eq!(bench.result(&task.id).result, 2);
    bench.said.wait_for("messages are taken again");
    let _ = worker.stop(AT_ONCE);
}
