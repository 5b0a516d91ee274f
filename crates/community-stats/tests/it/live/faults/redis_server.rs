//! Redis itself.

use std::sync::{Arc, Mutex};

use redis::{Commands, cmd};
use stats_testkit::services::{Redis, Service, require, unique_name};
use stats_testkit::wait;

use super::super::corpus::COMMUNITIES;
use super::super::shared::{Store, connection};
use super::super::support::Live;
use super::{QUERY, Trial};

/// A server of the test's own, and an installation that stores there.
fn trial(live: Option<Live>, options: &[&str]) -> Option<(Redis, Trial)> {
    require(Service::Redis)?;
    let live = live?;
    let server = Redis::start(options).unwrap();
    let store = store_in(&server, &unique_name());
    Some((server, Trial::on(live.with_store(store))))
}

fn store_in(server: &Redis, prefix: &str) -> Store {
    let url = |number: u16| format!("redis://{}/{number}", server.address());
    Store { responses: url(7), main: url(0), prefix: prefix.to_owned() }
}

fn say(url: &str, words: &[&str]) {
    let mut command = cmd(words[0]);
    command.arg(&words[1..]);
    let _: redis::Value = command.query(&mut connection(url)).unwrap();
}

#[test]
fn redis_runs_out_of_memory() {
    let Some((_server, trial)) =
        trial(Live::small("usage_delta"), &["--maxmemory-policy", "noeviction"])
    else {
        return;
    };
    let url = trial.live.store.main.clone();
    trial.live.before_page(4, move || say(&url, &["CONFIG", "SET", "maxmemory", "1"]));
    assert!((1..4).contains(&trial.fails("Redis has reached its maxmemory")));
    // Nobody can take the lock any more, so a whole run fails.
    let refused = trial.live.run(&["cache", "generate"]).expect(1);
    assert!(refused.stderr.contains("Redis has reached its maxmemory"), "{refused}");
    assert!(refused.stderr.contains("community_stats_cache_generation"), "{refused}");
    say(&trial.live.store.main, &["CONFIG", "SET", "maxmemory", "0"]);
    trial.repaired();
}

#[test]
fn redis_is_a_read_only_replica() {
    let Some((primary, mut trial)) =
        trial(Live::small("usage_delta"), &["--repl-diskless-sync-delay", "0"])
    else {
        return;
    };
    let replica = Redis::start(&[]).unwrap();
    let (host, port) = primary.address().split_once(':').unwrap();
    let there = store_in(&replica, &trial.live.store.prefix);
    say(&there.main, &["REPLICAOF", host, port]);
    wait::until("the replica follows", || there.body("global", QUERY).is_some());
    // The lock is taken at the primary; that a run begins has to be said where responses are.
    let here = trial.live.store.clone();
    let mixed = Store { responses: there.responses.clone(), ..here.clone() };
    trial.live = trial.live.with_store(mixed);
    let refused = trial.live.run(&["cache", "generate"]).expect(5);
    let told = "this Redis is a read-only replica; name the primary";
    assert!(refused.stderr.contains(told), "{refused}");
    trial.live = trial.live.with_store(there);
    let refused = trial.live.run(&["cache", "generate"]).expect(5);
    assert!(refused.stderr.contains("this Redis is a read-only replica"), "{refused}");
    trial.live = trial.live.with_store(here);
    trial.repaired();
}

#[test]
fn redis_comes_back_empty_in_the_middle() {
    let Some((server, mut trial)) = trial(Live::small("usage_delta"), &[]) else { return };
    // The lock is somewhere else, or it would be gone as well.
    let locks = Redis::start(&[]).unwrap();
    let main = format!("redis://{}/0", locks.address());
    let store = Store { main, ..trial.live.store.clone() };
    trial.live = trial.live.with_store(store);
    let server = Arc::new(Mutex::new(server));
    let same = Arc::clone(&server);
    trial.live.before_page(6, move || same.lock().unwrap().restart().unwrap());
    // What was stored before is gone, and so is not counted.
    let report = trial.run(3);
    assert_eq!(report["success"], trial.live.store.bodies().len(), "{report}");
    // Whole responses, or none.
    let bodies = trial.live.store.bodies();
    assert!((1..4).contains(&bodies.len()), "{:?}", bodies.keys());
    for community in COMMUNITIES {
        if trial.live.store.body(community, QUERY).is_some() {
            trial.assert_body(community, trial.new);
        }
    }
    trial.repaired();
}

#[test]
fn the_lock_is_gone_with_a_server_that_comes_back_empty() {
    let Some((server, trial)) = trial(Live::small("usage_delta"), &[]) else { return };
    let server = Arc::new(Mutex::new(server));
    let same = Arc::clone(&server);
    trial.live.before_page(6, move || same.lock().unwrap().restart().unwrap());
    let mode = if trial.new == "full" { "--no-optimize" } else { "--optimize" };
    let generate = ["cache", "generate", "--category", "usage_delta", "--workers", "1", mode];
    let stopped = trial.live.run(&generate).expect(1);
    assert!(stopped.stderr.contains("the lock of bulk runs was lost"), "{stopped}");
    assert!(trial.live.store.bodies().is_empty(), "written without a lock");
    trial.repaired();
}

#[test]
fn another_writer_overwrites_entries_during_the_run() {
    let Some((_server, mut trial)) = trial(Live::new(), &[]) else { return };
    let journal = trial.live.watch();
    trial.run(0);
    let last = journal.pages() - 1;
    trial = trial.turned();
    const PYTHON: &str = "{\"made\": \"by Python\"}";
    let store = trial.live.store.clone();
    trial.live.before_page(last, move || {
        for community in COMMUNITIES {
            let key = store.key(community, 2025, QUERY);
            let _: () = store.connection().set(key, PYTHON).unwrap();
        }
    });
    let report = trial.run(3);
    assert_eq!((&report["success"], &report["incomplete"]), (&3.into(), &1.into()), "{report}");
    // What was stored before is Python's now, and what came after does not write over that.
    let bodies = trial.live.store.bodies();
    assert_eq!(bodies.values().filter(|body| *body == PYTHON.as_bytes()).count(), 4);
    let listed = trial.live.run(&["cache", "list", "--json", "--state", "foreign"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 4, "{listed}");
    trial.repaired();
}
