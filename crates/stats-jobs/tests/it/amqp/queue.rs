//! One queue at a time.

use std::time::Duration;

use stats_jobs::contract::{Harness, message};
use stats_jobs::{AmqpBroker, AmqpBrokerOptions, AmqpQueue, Queue, QueueErrorKind};
use stats_model::ManualClock;
use stats_testkit::proxy::TcpProxy;
use stats_testkit::services::{RabbitMq, unique_name};
use stats_testkit::wait;

pub(super) fn open(address: &str) -> AmqpBroker {
    let url = format!("amqp://guest:guest@{address}//");
    AmqpBroker::open(&url, AmqpBrokerOptions::default()).unwrap()
}

struct AmqpHarness {
    address: &'static str,
    name: String,
    proxy: TcpProxy,
    queue: AmqpQueue,
}

impl AmqpHarness {
    fn start() -> Option<Self> {
        let address = RabbitMq::shared()?.address();
        let (name, proxy) = (unique_name(), TcpProxy::start(address).unwrap());
        let queue = open(proxy.address()).queue(name.as_str());
        Some(Self { address, name, proxy, queue })
    }
}

impl Harness for AmqpHarness {
    fn queue(&self) -> &dyn Queue {
        &self.queue
    }

    fn other(&self) -> Box<dyn Queue> {
        Box::new(open(self.address).queue(self.name.as_str()))
    }

    fn elsewhere(&self) -> Box<dyn Queue> {
        Box::new(open(self.address).queue(unique_name()))
    }

    fn clock(&self) -> Option<&ManualClock> {
        None
    }

    fn lose(&self) {
        self.proxy.disconnect();
        // An answer can only come by a new connection.
        wait::until("there is a new connection", || self.queue.length().is_ok());
    }

    fn has_priorities(&self) -> bool {
        false
    }

    fn send_garbage(&self) -> bool {
        false
    }
}

mod contract {
    stats_jobs::queue_contract!(super::AmqpHarness::start);
}

#[test]
fn a_broker_that_is_away_is_found_again() {
    let Some(harness) = AmqpHarness::start() else { return };
    harness.queue.send(&message(1)).unwrap();
    harness.proxy.refuse(true);
    harness.proxy.disconnect();
    wait::until("it is away", || harness.queue.send(&message(2)).is_err());
    let error = harness.queue.receive(Duration::ZERO).unwrap_err();
    assert!(error.kind() == QueueErrorKind::Unreachable && error.kind().may_pass(), "{error:?}");
    harness.proxy.refuse(false);
    wait::until("it is back", || harness.queue.send(&message(3)).is_ok());
    let first = harness.queue.receive(Duration::from_secs(5)).unwrap().unwrap();
    assert_eq!(first.content.unwrap(), message(1));
}

#[test]
fn a_queue_that_is_deleted_is_declared_again() {
    let Some(harness) = AmqpHarness::start() else { return };
    harness.queue.send(&message(1)).unwrap();
    RabbitMq::shared().unwrap().control(&["delete_queue", &harness.name]).unwrap();
    harness.queue.send(&message(2)).unwrap();
    let delivery = harness.queue.receive(Duration::from_secs(5)).unwrap().unwrap();
    assert_eq!(delivery.content.unwrap(), message(2));
}

#[test]
fn counting_makes_no_queue() {
    let Some(broker) = RabbitMq::shared() else { return };
    let name = unique_name();
    let queue = open(broker.address()).queue(&name);
    assert_eq!(queue.length().unwrap(), 0);
    assert!(!broker.control(&["list_queues", "name"]).unwrap().contains(&name));
    queue.send(&message(1)).unwrap();
    assert!(broker.control(&["list_queues", "name"]).unwrap().contains(&name));
}

#[test]
fn what_is_wrong_with_an_address_is_said_without_its_password() {
    let Some(broker) = RabbitMq::shared() else { return };
    let open = |url: &str| AmqpBroker::open(url, AmqpBrokerOptions::default());
    for url in ["redis://h/0", "amqps://u:geheim@h//", "geheim"] {
        let error = open(url).unwrap_err();
        assert_eq!(error.kind(), QueueErrorKind::Refused, "{url}");
        assert!(!error.to_string().contains("geheim"), "{error}");
    }
    let place = open("pyamqp://u:geheim@h:1/some").unwrap().place();
    assert_eq!(place, "amqp h:1 virtual host some");
    let wrong = format!("amqp://guest:geheim@{}//", broker.address());
    let error = open(&wrong).unwrap().queue("q").length().unwrap_err();
    assert_eq!(error.kind(), QueueErrorKind::Refused, "{error:?}");
    assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
    let nowhere = format!("amqp://guest:guest@{}/nowhere", broker.address());
    let error = open(&nowhere).unwrap().queue("q").length().unwrap_err();
    assert_eq!(error.kind(), QueueErrorKind::Refused, "{error:?}");
}
