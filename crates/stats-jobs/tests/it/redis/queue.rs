//! Queues as kombu has them.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis::Value;
use serde_json::json;
use stats_jobs::contract::{Harness, message};
use stats_jobs::{
    Queue, QueueErrorKind, RedisBroker, RedisBrokerOptions, RedisQueue, Serializer, TaskMessage,
};
use stats_model::{Clock, ManualClock, SystemClock};
use stats_testkit::services::{Redis, Service, require};
use stats_testkit::wait;

use crate::support::{captured, captured_message};

struct RedisHarness {
    url: String,
    clock: Arc<ManualClock>,
    queue: RedisQueue,
}

impl RedisHarness {
    fn start() -> Option<Self> {
        let url = Redis::shared()?.database();
        let clock = Arc::new(ManualClock::new("2025-06-15T12:34:56.789Z".parse().unwrap()));
        let queue = open(&url, clock.clone()).queue("stats-cache");
        Some(Self { url, clock, queue })
    }

    fn say(&self, words: &[&str]) -> Value {
        let mut connection = redis::Client::open(self.url.as_str()).unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap()
    }

    fn texts(&self, words: &[&str]) -> Vec<String> {
        redis::from_redis_value(self.say(words)).unwrap()
    }
}

fn open(url: &str, clock: Arc<dyn Clock>) -> RedisBroker {
    RedisBroker::open(url, RedisBrokerOptions::default(), clock).unwrap()
}

impl Harness for RedisHarness {
    fn queue(&self) -> &dyn Queue {
        &self.queue
    }

    fn other(&self) -> Box<dyn Queue> {
        Box::new(open(&self.url, self.clock.clone()).queue("stats-cache"))
    }

    fn elsewhere(&self) -> Box<dyn Queue> {
        Box::new(open(&self.url, self.clock.clone()).queue("celery"))
    }

    fn clock(&self) -> Option<&ManualClock> {
        Some(&self.clock)
    }

    fn has_priorities(&self) -> bool {
        true
    }

    fn send_garbage(&self) -> bool {
        self.say(&["LPUSH", "stats-cache", "{\"body\":"]);
        true
    }
}

mod contract {
    stats_jobs::queue_contract!(super::RedisHarness::start);
}

#[test]
fn what_is_sent_lies_as_kombu_lays_it() {
    let Some(harness) = RedisHarness::start() else { return };
    let expected = captured("redis-json");
    let ours = TaskMessage::read(&captured_message("amqp-json")).unwrap();
    harness.queue.send(&ours.write(Serializer::Json)).unwrap();
    let [text] = harness.texts(&["LRANGE", "stats-cache", "0", "-1"]).try_into().unwrap();
    let mut written: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut theirs = expected["element_decoded"].clone();
    for one in [&mut written, &mut theirs] {
        assert_eq!(one["properties"]["delivery_tag"].take().as_str().unwrap().len(), 36);
        one["properties"]["delivery_info"]["routing_key"].take();
        one["body"].take();
    }
    assert_eq!(written, theirs);
}

#[test]
fn what_kombu_laid_is_received() {
    let Some(harness) = RedisHarness::start() else { return };
    for name in ["redis-json", "redis-msgpack"] {
        let text = captured(name)["element_text"].as_str().unwrap().to_owned();
        harness.say(&["LPUSH", "stats-cache", &text]);
        let delivery = harness.queue.receive(Duration::ZERO).unwrap().unwrap();
        let task = TaskMessage::read(&delivery.content.unwrap()).unwrap();
        assert_eq!(task.id, "6f1d3f6e-6f0c-4a0e-9f58-2a6f4f3b7c11");
        assert_eq!(task.keywords["years"], json!([2023, 2024]));
        harness.queue.acknowledge(&delivery.tag).unwrap();
    }
}

/// As Python's worker would find it, and put it back.
#[test]
fn what_is_in_hand_lies_where_kombu_looks() {
    let Some(harness) = RedisHarness::start() else { return };
    harness.queue.send(&message(1)).unwrap();
    let [sent] = harness.texts(&["LRANGE", "stats-cache", "0", "-1"]).try_into().unwrap();
    let delivery = harness.queue.receive(Duration::ZERO).unwrap().unwrap();
    let entry = harness.texts(&["HGETALL", "unacked"]);
    let held: serde_json::Value = serde_json::from_str(&entry[1]).unwrap();
    let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(entry[0], delivery.tag.as_str());
    assert_eq!(held, json!([sent, "", "stats-cache"]));
    let [tag, since] =
        harness.texts(&["ZRANGE", "unacked_index", "0", "-1", "WITHSCORES"]).try_into().unwrap();
    assert_eq!((tag.as_str(), since.as_str()), (delivery.tag.as_str(), "1749990896.789"));
    let bound = harness.texts(&["SMEMBERS", "_kombu.binding.stats-cache"]);
    assert_eq!(bound, ["stats-cache\x06\x16\x06\x16stats-cache"]);
    harness.queue.acknowledge(&delivery.tag).unwrap();
    assert_eq!(harness.texts(&["KEYS", "unacked*"]), [""; 0]);
}

/// By an exchange that leads to several queues, for example.
#[test]
fn what_came_by_another_way_goes_back_to_its_queue_alone() {
    let Some(harness) = RedisHarness::start() else { return };
    harness.queue.send(&message(1)).unwrap();
    let [sent] = harness.texts(&["LRANGE", "stats-cache", "0", "-1"]).try_into().unwrap();
    let mut sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let way = json!({"exchange": "all", "routing_key": "stats.#"});
    sent["properties"]["delivery_info"] = way;
    harness.say(&["LSET", "stats-cache", "0", &sent.to_string()]);
    harness.queue.receive(Duration::ZERO).unwrap().unwrap();
    harness.lose();
    let again = harness.queue.receive(Duration::ZERO).unwrap().unwrap();
    assert_eq!((again.redelivered, again.content), (true, Ok(message(1))));
}

/// They are for the workers of those queues, who may take longer.
#[test]
fn what_others_have_in_hand_is_left_to_them() {
    let Some(harness) = RedisHarness::start() else { return };
    let elsewhere = harness.elsewhere();
    for number in 0..250 {
        elsewhere.send(&message(number)).unwrap();
        elsewhere.receive(Duration::ZERO).unwrap().unwrap();
    }
    harness.clock.advance(SignedDuration::from_secs(1));
    harness.queue.send(&message(1)).unwrap();
    harness.queue.receive(Duration::ZERO).unwrap().unwrap();
    harness.lose();
    let again = harness.queue.receive(Duration::ZERO).unwrap().unwrap();
    assert!(again.redelivered);
    assert_eq!(harness.say(&["LLEN", "celery"]), Value::Int(0));
    assert_eq!(harness.say(&["HLEN", "unacked"]), Value::Int(251));
}

#[test]
fn a_server_that_goes_away_is_found_again() {
    let Some(()) = require(Service::Redis) else { return };
    let mut server = Redis::start(&[]).unwrap();
    let url = format!("redis://{}/0", server.address());
    let queue = open(&url, Arc::new(SystemClock)).queue("stats-cache");
    queue.send(&message(1)).unwrap();
    server.stop();
    assert_eq!(queue.send(&message(2)).unwrap_err().kind(), QueueErrorKind::Unreachable);
    let error = queue.receive(Duration::ZERO).unwrap_err();
    assert!(error.kind().may_pass(), "{error}");
    server.restart().unwrap();
    wait::until("the server answers", || queue.send(&message(3)).is_ok());
    let delivery = queue.receive(Duration::from_secs(5)).unwrap().unwrap();
    assert_eq!(delivery.content.unwrap(), message(3));
}

/// Nothing goes away with what cannot be kept.
#[test]
fn a_message_that_cannot_be_put_into_our_hand_stays_where_it_is() {
    let Some(harness) = RedisHarness::start() else { return };
    harness.queue.send(&message(1)).unwrap();
    harness.say(&["SET", "unacked", "of another type"]);
    let error = harness.queue.receive(Duration::ZERO).unwrap_err();
    assert!(format!("{error:?}").contains("WRONGTYPE"), "{error:?}");
    assert_eq!(harness.queue.length().unwrap(), 1);
    harness.say(&["DEL", "unacked"]);
    let delivery = harness.queue.receive(Duration::ZERO).unwrap().unwrap();
    assert_eq!(delivery.content.unwrap(), message(1));
}

#[test]
fn a_full_server_says_so() {
    let Some(()) = require(Service::Redis) else { return };
    let server = Redis::start(&["--maxmemory", "1mb"]).unwrap();
    let url = format!("redis://{}/0", server.address());
    let queue = open(&url, Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH))).queue("stats-cache");
    assert_eq!(queue.send(&message(1)).unwrap_err().kind(), QueueErrorKind::Full);
}
