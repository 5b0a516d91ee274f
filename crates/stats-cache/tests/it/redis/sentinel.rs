//! A primary that Redis Sentinel names, and names anew.

use std::sync::Arc;

use stats_cache::{
    CacheErrorKind, CacheStore, Endpoint, RedisAddress, RedisClient, RedisOptions, RedisStore,
    contract::description,
};
use stats_model::Category;
use stats_testkit::services::{Redis, Sentinel, Service, process, require};
use stats_testkit::wait;

use super::store::{RedisHarness, put};

fn address(sentinels: &[&str], service: &str) -> RedisAddress {
    let node = |text: &&str| {
        let (host, port) = text.rsplit_once(':').unwrap();
        (host.to_owned(), port.parse().unwrap())
    };
    let sentinels = sentinels.iter().map(node).collect();
    RedisAddress::new(Endpoint::Sentinel { sentinels, service: service.to_owned(), tls: false }, 7)
}

fn say(address: &str, command: &[&str]) -> String {
    let (_, port) = address.rsplit_once(':').unwrap();
    let output =
        std::process::Command::new("redis-cli").args(["-p", port]).args(command).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The client stays the same: what it kept open leads to a server that is a replica then.
#[test]
fn a_failover_is_followed() {
    let Some(harness) = RedisHarness::shared() else { return };
    let response = description(&harness, "a", 2031, Category::UsageDelta);
    let first = Redis::start(&["--repl-diskless-sync-delay", "0"]).unwrap();
    let (_, port) = first.address().rsplit_once(':').unwrap();
    let second = Redis::start(&["--replicaof", &format!("127.0.0.1 {port}")]).unwrap();
    let sentinel = Sentinel::start("main", first.address(), "").unwrap();
    let nobody = format!("127.0.0.1:{}", process::free_port().unwrap());
    let known = address(&[&nobody, sentinel.address()], "main");
    let client = Arc::new(RedisClient::connect(known, RedisOptions::default()).unwrap());
    assert_eq!(client.primary().unwrap().as_deref(), Some(first.address()));
    let store = RedisStore::open(client.clone(), "stats_dashboard").unwrap();
    put(&store, &response, b"{}");

    wait::until("the replica", || {
        say(sentinel.address(), &["SENTINEL", "replicas", "main"]).contains(second.address())
            && say(second.address(), &["INFO", "replication"]).contains("master_link_status:up")
            && say(second.address(), &["-n", "7", "DBSIZE"]).trim() != "0"
    });
    wait::until("the failover", || {
        say(sentinel.address(), &["SENTINEL", "failover", "main"]);
        client.primary().unwrap().as_deref() == Some(second.address())
    });
    wait::until("the old primary as a replica", || {
        say(first.address(), &["INFO", "replication"]).contains("role:slave")
    });
    put(&store, &response, b"{}");
    assert!(say(second.address(), &["ROLE"]).starts_with("master"));
    assert_eq!(store.summary().unwrap().entries, 1);
}

#[test]
fn without_a_sentinel_or_a_service_it_is_said() {
    if require(Service::Redis).is_none() {
        return;
    }
    let nobody = format!("127.0.0.1:{}", process::free_port().unwrap());
    let connect = |address| RedisClient::connect(address, RedisOptions::default()).unwrap_err();
    let error = connect(address(&[&nobody], "main"));
    assert_eq!(error.kind(), CacheErrorKind::Unreachable);

    let server = Redis::start(&[]).unwrap();
    let sentinel = Sentinel::start("main", server.address(), "").unwrap();
    for sentinels in [&[sentinel.address(), &nobody][..], &[&nobody, sentinel.address()]] {
        let error = connect(address(sentinels, "other"));
        assert_eq!(error.kind(), CacheErrorKind::Refused, "{error:?}");
        assert!(error.to_string().contains("/other/7"), "{error}");
    }
    // A server that is no sentinel.
    let error = connect(address(&[server.address()], "main"));
    assert_eq!(error.kind(), CacheErrorKind::Refused, "{error:?}");
}
