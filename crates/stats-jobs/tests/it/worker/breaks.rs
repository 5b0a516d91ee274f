//! Connections that break again and again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stats_jobs::{
    AmqpBroker, AmqpBrokerOptions, Queue, RedisBroker, RedisBrokerOptions, Serializer, TaskState,
};
use stats_model::SystemClock;
use stats_testkit::proxy::TcpProxy;
use stats_testkit::services::{RabbitMq, Redis, unique_name};
use stats_testkit::wait;

use crate::support::bench::Bench;

const TASKS: u64 = 150;
const BREAKS: usize = 12;

/// Each task is performed, and none twice: the worker knows those that come again.
fn all_are_done_once(proxy: &TcpProxy, proxied: Arc<dyn Queue>, direct: &dyn Queue) {
    let bench = Bench::new();
    let ids: Vec<String> = (0..TASKS)
        .map(|number| {
            let name = if number % 2 == 0 { "add" } else { "add_late" };
            let task = bench.task(name, json!([number, 1]));
            direct.send(&task.write(Serializer::Msgpack)).unwrap();
            task.id
        })
        .collect();
    let worker = bench.worker_on(proxied, 3);
    for number in 1..=BREAKS {
        // In the midst of what is going on, each time a little further.
        let enough = number * TASKS as usize / (BREAKS + 2);
        wait::until("more is done", || bench.doings.begun() >= enough);
        proxy.disconnect();
    }
    for id in &ids {
        assert_eq!(bench.result(id).state, TaskState::Success);
    }
    wait::until("nothing waits", || direct.length().unwrap() == 0);
    let _ = worker.stop(Duration::from_secs(20));
    assert_eq!(bench.doings.begun(), ids.len(), "{:?}", bench.said.all());
    assert_eq!(direct.length().unwrap(), 0);
}

#[test]
fn nothing_is_lost_or_done_twice_with_redis() {
    let Some(server) = Redis::shared() else { return };
    let (url, proxy) = (server.database(), TcpProxy::start(server.address()).unwrap());
    let open = |url: &str| {
        // What was taken while the answer was lost comes again after this.
        let visibility_timeout = Duration::from_secs(3);
        let options = RedisBrokerOptions { visibility_timeout, ..RedisBrokerOptions::default() };
        RedisBroker::open(url, options, Arc::new(SystemClock)).unwrap().queue("stats-cache")
    };
    let database = url.rsplit('/').next().unwrap();
    let proxied = open(&format!("redis://{}/{database}", proxy.address()));
    all_are_done_once(&proxy, Arc::new(proxied), &open(&url));
}

#[test]
fn nothing_is_lost_or_done_twice_with_rabbitmq() {
    let Some(broker) = RabbitMq::shared() else { return };
    let (name, proxy) = (unique_name(), TcpProxy::start(broker.address()).unwrap());
    let open = |address: &str| {
        let url = format!("amqp://guest:guest@{address}//");
        let broker = AmqpBroker::open(&url, AmqpBrokerOptions::default()).unwrap();
        broker.queue(name.as_str())
    };
    all_are_done_once(&proxy, Arc::new(open(proxy.address())), &open(broker.address()));
}
