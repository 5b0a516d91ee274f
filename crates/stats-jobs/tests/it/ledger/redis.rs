//! The ledger in Redis.

use std::sync::Arc;

use redis::{Connection, Value, cmd};
use stats_jobs::ledger::contract::{Harness, Record};
use stats_jobs::ledger::{
    Keep, Ledger, LedgerErrorKind, Lookup, OfRun, Progress, RedisLedger, Run, RunFilter, RunId,
    Trigger,
};
use stats_testkit::proxy::TcpProxy;
use stats_testkit::services::{Redis, Service, require};

const CACHE: &str = "stats_dashboard";

pub(super) struct RedisHarness {
    url: String,
    ledger: RedisLedger,
}

impl RedisHarness {
    pub(super) fn start() -> Option<Self> {
        let url = Redis::shared()?.database();
        let ledger = ledger(&url);
        Some(Self { url, ledger })
    }

    pub(super) fn connection(&self) -> Connection {
        redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap()
    }

    /// Answers a command past the ledger.
    fn say(&self, words: &[&[u8]]) -> Value {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query(&mut self.connection()).unwrap()
    }
}

fn ledger(url: &str) -> RedisLedger {
    let client = redis::Client::open(url).unwrap();
    RedisLedger::beside(CACHE, move || client.get_connection())
}

fn key(rest: &str) -> String {
    format!("community-stats:ledger:{CACHE}:{rest}")
}

impl Harness for RedisHarness {
    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    fn other(&self) -> Box<dyn Ledger> {
        Box::new(ledger(&self.url))
    }

    fn spoil(&self, record: Record<'_>, text: &[u8]) {
        let run = |id: &RunId| key(&format!("run:{id}"));
        match record {
            Record::Begun(id) => self.say(&[b"HSET", run(id).as_bytes(), b"begun", text]),
            Record::State(id) => self.say(&[b"HSET", run(id).as_bytes(), b"state", text]),
            Record::Outcome(id, number) => {
                let (key, index) = (key(&format!("outcomes:{id}")), (number - 1).to_string());
                self.say(&[b"LSET", key.as_bytes(), index.as_bytes(), text])
            }
            Record::Worker(id) => {
                self.say(&[b"HSET", key("workers").as_bytes(), id.as_bytes(), text])
            }
        };
    }
}

mod contract {
    stats_jobs::ledger_contract!(super::RedisHarness::start);
}

fn run() -> Run {
    let begun = "2026-11-29T16:30:02.345Z".parse().unwrap();
    let id = RunId::of(begun, 0);
    Run::begin(id, Trigger::Command, "me@here", serde_json::Value::Null, begun)
}

#[test]
fn keys_lie_outside_of_the_cache_and_go_away_some_day() {
    let Some(harness) = RedisHarness::start() else { return };
    harness.ledger.begin(&run()).unwrap();
    let outcomes = [super::formats::outcome()];
    let progress = Progress::new(run().begun, 1, 1, &outcomes);
    harness.ledger.progress(&run().id, &progress).unwrap();
    assert_eq!(harness.ledger.key_of_runs(), key("runs"));
    let mut keys: Vec<String> = cmd("KEYS").arg("*").query(&mut harness.connection()).unwrap();
    keys.sort();
    let id = run().id;
    let expected = [key(&format!("outcomes:{id}")), key(&format!("run:{id}")), key("runs")];
    assert_eq!(keys, expected);
    for key in keys {
        let days: i64 = cmd("TTL").arg(&key).query(&mut harness.connection()).unwrap();
        assert!((days - 180 * 86_400).abs() < 600, "{key}: {days}");
    }
}

#[test]
fn a_run_that_the_server_threw_out_hides_no_other_and_leaves_nothing() {
    let Some(harness) = RedisHarness::start() else { return };
    harness.ledger.begin(&run()).unwrap();
    let outcomes = [super::formats::outcome()];
    let progress = Progress::new(run().begun, 1, 1, &outcomes);
    harness.ledger.progress(&run().id, &progress).unwrap();
    let name = key(&format!("run:{}", run().id));
    harness.say(&[b"DEL", name.as_bytes()]);
    assert_eq!(harness.ledger.runs(&RunFilter::default(), 9).unwrap(), []);
    assert_eq!(harness.ledger.trim(&Keep::default(), run().begun).unwrap().runs, 1);
    assert_eq!(harness.say(&[b"DBSIZE"]), Value::Int(0));

    // Somebody else's value in its place.
    harness.ledger.begin(&run()).unwrap();
    harness.say(&[b"SET", name.as_bytes(), b"x"]);
    assert_eq!(harness.ledger.runs(&RunFilter::default(), 9).unwrap(), []);
    let progress = harness.ledger.progress(&run().id, &Progress::new(run().begun, 1, 1, &[]));
    assert_eq!(progress.unwrap_err().kind(), LedgerErrorKind::Damaged);
    assert_eq!(harness.ledger.trim(&Keep::default(), run().begun).unwrap().runs, 1);
    assert_eq!(harness.say(&[b"DBSIZE"]), Value::Int(0));
}

#[test]
fn a_server_that_comes_back_is_found_again() {
    let Some(()) = require(Service::Redis) else { return };
    let mut server = Redis::start(&[]).unwrap();
    let ledger = ledger(&format!("redis://{}/0", server.address()));
    ledger.begin(&run()).unwrap();
    server.stop();
    let error = ledger.runs(&RunFilter::default(), 9).unwrap_err();
    assert_eq!(error.kind(), LedgerErrorKind::Unreachable);
    server.restart().unwrap();
    let progress = ledger.progress(&run().id, &Progress::new(run().begun, 1, 1, &[]));
    assert_eq!(progress.unwrap_err().kind(), LedgerErrorKind::Own(OfRun::Forgotten));
    ledger.begin(&run()).unwrap();
    server.restart().unwrap();
    // The idle connection is to a server that is gone.
    ledger.begin(&run()).unwrap();
}

#[test]
fn what_was_done_before_the_answer_got_lost_is_not_done_twice() {
    let Some(harness) = RedisHarness::start() else { return };
    let (address, database) = harness.url["redis://".len()..].split_once('/').unwrap();
    let proxy = Arc::new(TcpProxy::start(address).unwrap());
    let client = redis::Client::open(format!("redis://{}/{database}", proxy.address())).unwrap();
    let healed = proxy.clone();
    let ledger = RedisLedger::beside(CACHE, move || {
        healed.cut_after(None);
        client.get_connection()
    });
    ledger.workers().unwrap();
    proxy.cut_after(Some(0));
    ledger.begin(&run()).unwrap();
    proxy.cut_after(Some(0));
    let outcomes = [super::formats::outcome()];
    ledger.progress(&run().id, &Progress::new(run().begun, 1, 1, &outcomes)).unwrap();
    assert_eq!(proxy.connections(), 3);
    assert_eq!(harness.ledger.outcomes(&run().id, 0, 9).unwrap().outcomes, outcomes);
    let Lookup::One(found) = harness.ledger.run(run().id.as_str()).unwrap() else { panic!() };
    assert_eq!(found.counts["stored"], 1);
}

#[test]
fn a_server_without_room_says_so() {
    let Some(()) = require(Service::Redis) else { return };
    let server = Redis::start(&["--maxmemory", "1"]).unwrap();
    let ledger = ledger(&format!("redis://{}/0", server.address()));
    assert_eq!(ledger.begin(&run()).unwrap_err().kind(), LedgerErrorKind::Full);
    assert_eq!(ledger.runs(&RunFilter::default(), 9).unwrap(), []);
}

/// Its commands are those of version 5, and its answers come as the older protocol has them.
#[test]
fn no_command_is_younger_than_version_5() {
    let Some(()) = require(Service::Redis) else { return };
    let server = Redis::start(&[]).unwrap();
    let url = format!("redis://{}/0", server.address());
    let ledger = ledger(&url);
    ledger.begin(&run()).unwrap();
    let outcomes = [super::formats::outcome()];
    ledger.progress(&run().id, &Progress::new(run().begun, 1, 1, &outcomes)).unwrap();
    ledger.run(run().id.as_str()).unwrap();
    ledger.runs(&RunFilter::default(), 9).unwrap();
    ledger.outcomes(&run().id, 0, 9).unwrap();
    ledger.alive(&super::formats::worker()).unwrap();
    ledger.workers().unwrap();
    ledger.gone("a").unwrap();
    ledger.trim(&Keep { runs: 0, ..Keep::default() }, run().begun).unwrap();
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let info: String = cmd("INFO").arg("commandstats").query(&mut connection).unwrap();
    let known = [
        "client|setinfo",
        "eval",
        "exists",
        "hdel",
        "hexists",
        "hget",
        "hgetall",
        "hincrby",
        "hset",
        "info",
        "llen",
        "lrange",
        "pexpire",
        "ping",
        "rpush",
        "select",
        "unlink",
        "zadd",
        "zrem",
        "zrevrangebylex",
    ];
    let used = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split(':').next());
    let younger: Vec<&str> = used.filter(|name| !known.contains(name)).collect();
    assert_eq!(younger, [""; 0]);
}
