//! The lock of bulk runs.

use std::time::Duration;

use redis::Value;
use stats_cache::{CacheErrorKind, LockHolder, RedisLock};

use crate::support::RedisServer;

const NAME: &str = "community_stats_cache_generation";
const KEY: &str = "cache::lock:community_stats_cache_generation";

fn lock(server: &RedisServer, lifetime: Duration) -> RedisLock {
    RedisLock::new(server.client(0), "cache::", NAME, lifetime)
}

fn hour(server: &RedisServer) -> RedisLock {
    lock(server, Duration::from_secs(3600))
}

#[test]
fn one_takes_it_the_other_sees_who() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let lock = hour(&server);
    assert_eq!(lock.holder().unwrap(), None);
    let held = lock.acquire().unwrap().unwrap();
    assert!(held.still_held().unwrap());
    assert!(hour(&server).acquire().unwrap().is_none());
    let LockHolder { token, remaining } = hour(&server).holder().unwrap().unwrap();
    assert_eq!(token.as_deref(), Some(held.token()));
    assert!(remaining.unwrap() > Duration::from_secs(3590));

    let Value::BulkString(value) = server.say(0, &format!("GET {KEY}")) else { panic!() };
    assert_eq!(value.len(), 52);
    assert!(value.starts_with(b"!\x80\x05\x95"));

    assert!(held.release().unwrap());
    assert_eq!(lock.holder().unwrap(), None);
    assert!(hour(&server).acquire().unwrap().is_some());
}

#[test]
fn every_holder_has_a_token_of_its_own_and_a_dropped_lock_is_free() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let lock = hour(&server);
    let first = lock.acquire().unwrap().unwrap().token().to_owned();
    let second = lock.acquire().unwrap().unwrap().token().to_owned();
    assert_ne!(first, second);
    assert_eq!((first.len(), first.matches('-').count()), (36, 4));
}

#[test]
fn renewing_prolongs_it() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let held = hour(&server).acquire().unwrap().unwrap();
    server.say(0, &format!("PEXPIRE {KEY} 5000"));
    assert!(held.renew().unwrap());
    let Value::Int(left) = server.say(0, &format!("PTTL {KEY}")) else { panic!() };
    assert!(left > 3_590_000, "{left}");
    assert!(held.lease_left() > Duration::from_secs(3590));
}

#[test]
fn a_lock_that_ended_is_lost_and_stays_lost() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let held = lock(&server, Duration::from_millis(100)).acquire().unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(held.lease_left(), Duration::ZERO);
    assert!(!held.still_held().unwrap());
    assert!(!held.renew().unwrap());
    assert_eq!(server.say(0, &format!("EXISTS {KEY}")), Value::Int(0));
    assert!(!held.release().unwrap());
}

#[test]
fn a_stolen_lock_is_noticed_and_not_touched() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let held = hour(&server).acquire().unwrap().unwrap();
    server.say(0, &format!("DEL {KEY}"));
    let thief = hour(&server).acquire().unwrap().unwrap();
    assert!(!held.still_held().unwrap());
    assert_eq!(held.lease_left(), Duration::ZERO);
    assert!(!held.renew().unwrap());
    assert!(!held.release().unwrap());
    assert!(thief.still_held().unwrap());
    assert_eq!(hour(&server).holder().unwrap().unwrap().token.as_deref(), Some(thief.token()));
}

#[test]
fn any_value_blocks_and_only_a_token_is_shown() {
    let Some(server) = RedisServer::start(&[]) else { return };
    server.raw(0, &[b"SET", KEY.as_bytes(), b"!cos\nsystem\n(S'true'\ntR."]);
    let lock = hour(&server);
    assert!(lock.acquire().unwrap().is_none());
    assert_eq!(lock.holder().unwrap(), Some(LockHolder { token: None, remaining: None }));
}

#[test]
fn a_server_that_is_gone_is_an_error_and_the_lease_runs_on() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let held = hour(&server).acquire().unwrap().unwrap();
    server.stop();
    assert_eq!(held.renew().unwrap_err().kind(), CacheErrorKind::Unreachable);
    assert!(held.lease_left() > Duration::ZERO);
    server.start_again();
    assert!(!held.renew().unwrap(), "a server that came back empty knows no lock");
}

#[test]
fn a_server_without_memory_gives_no_lock_but_keeps_the_one_there_is() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let held = hour(&server).acquire().unwrap().unwrap();
    server.say(0, "CONFIG SET maxmemory 1");
    assert_eq!(hour(&server).acquire().unwrap_err().kind(), CacheErrorKind::Full);
    assert!(held.renew().unwrap());
    assert!(hour(&server).holder().unwrap().is_some());
    assert!(held.release().unwrap());
}
