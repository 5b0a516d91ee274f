//! The lock of bulk runs.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis::Value;
use stats_cache::{BulkLock, CacheErrorKind, Ends, Liveness, LockHolder, RedisLock, Who};
use stats_model::ManualClock;
use stats_testkit::proxy::TcpProxy;
use stats_testkit::wait;

use crate::support::RedisServer;

const NAME: &str = "community_stats_cache_generation";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const KEY: &str = "cache::lock:community_stats_cache_generation";

fn hour(server: &RedisServer) -> RedisLock {
    RedisLock::new(server.client(), "cache::", NAME, Duration::from_secs(3600))
}

#[test]
fn one_takes_it_the_other_sees_who() {
    let Some(server) = RedisServer::shared() else { return };
    let lock = hour(&server);
    assert_eq!(lock.holder().unwrap(), None);
    let held = lock.acquire(NOW).unwrap().unwrap();
    assert!(held.still_held().unwrap());
    assert!(hour(&server).acquire(NOW).unwrap().is_none());
    let holder = hour(&server).holder().unwrap().unwrap();
    assert_eq!(holder.who, Some(Who::this_process(NOW)));
    assert_eq!(holder.liveness(), Liveness::Alive);
    let Ends::In(remaining) = holder.ends else { panic!("{holder:?}") };
    assert!(remaining > Duration::from_secs(3590));

    let Value::BulkString(value) = server.say(&format!("GET {KEY}")) else { panic!() };
    assert_eq!(value.len(), 52);
    assert!(value.starts_with(b"!\x80\x05\x95"));
    assert!(String::from_utf8_lossy(&value).contains(&holder.token.unwrap()));

    assert!(held.release().unwrap());
    assert_eq!(lock.holder().unwrap(), None);
    assert_eq!(server.say("DBSIZE"), Value::Int(0));
    assert!(hour(&server).acquire(NOW).unwrap().is_some());
}

#[test]
fn what_is_said_of_a_holder_ends_with_the_lock_and_is_not_said_of_another() {
    let Some(server) = RedisServer::shared() else { return };
    let held = hour(&server).acquire(NOW).unwrap().unwrap();
    server.say(&format!("PEXPIRE {KEY} 5000"));
    server.say(&format!("PEXPIRE {KEY}:holder 5000"));
    assert!(held.renew().unwrap());
    for key in [KEY.to_owned(), format!("{KEY}:holder")] {
        let Value::Int(left) = server.say(&format!("PTTL {key}")) else { panic!() };
        assert!(left > 3_590_000, "{key}: {left}");
    }
    // As Python takes it: a token of its own, and nothing beside it.
    let token = "00000000-0000-4000-8000-000000000000";
    let Value::BulkString(mut value) = server.say(&format!("GET {KEY}")) else { panic!() };
    let place = value.len() - 2 - token.len();
    value[place..place + token.len()].copy_from_slice(token.as_bytes());
    server.raw(&[b"SET", KEY.as_bytes(), &value]);
    let holder = hour(&server).holder().unwrap().unwrap();
    assert_eq!((holder.token.as_deref(), &holder.who), (Some(token), &None));
    assert_eq!(holder.liveness(), Liveness::Dead, "a lock without end was left by a crash");
}

#[test]
fn a_user_who_may_say_nothing_beside_the_lock_has_it_all_the_same() {
    let Some(server) = RedisServer::start(&[]) else { return };
    server.say(&format!("ACL SETUSER narrow on >pw ~{KEY} +@all"));
    let url = server.url_at(&format!("narrow:pw@{}", server.address()));
    let narrow =
        RedisLock::new(crate::support::client(&url), "cache::", NAME, Duration::from_secs(60));
    let held = narrow.acquire(NOW).unwrap().unwrap();
    assert!(held.renew().unwrap());
    let holder = narrow.holder().unwrap().unwrap();
    assert_eq!((holder.token.unwrap().len(), &holder.who), (36, &None));
    assert!(held.release().unwrap());
}

#[test]
fn a_lock_is_taken_away_only_from_whom_it_was_looked_at() {
    let Some(server) = RedisServer::shared() else { return };
    let lock = hour(&server);
    assert_eq!(lock.take_away(&|_| true).unwrap(), None);
    let held = lock.acquire(NOW).unwrap().unwrap();
    let holder = lock.holder().unwrap().unwrap();
    let kept = lock.take_away(&|_| false).unwrap().unwrap();
    assert_eq!((kept.token, kept.who), (holder.token, holder.who));
    assert!(held.still_held().unwrap());
    lock.take_away(&|_| true).unwrap().unwrap();
    assert!(!held.still_held().unwrap());
    assert_eq!(held.lease_left(), Duration::ZERO);
    assert_eq!(server.say("DBSIZE"), Value::Int(0));
}

#[test]
fn every_holder_has_a_token_of_its_own_and_a_dropped_lock_is_free() {
    let Some(server) = RedisServer::shared() else { return };
    let lock = hour(&server);
    let token = || {
        let _held = lock.acquire(NOW).unwrap().unwrap();
        lock.holder().unwrap().unwrap().token.unwrap()
    };
    let (first, second) = (token(), token());
    assert_ne!(first, second);
    assert_eq!((first.len(), first.matches('-').count()), (36, 4));
}

#[test]
fn renewing_prolongs_it() {
    let Some(server) = RedisServer::shared() else { return };
    let held = hour(&server).acquire(NOW).unwrap().unwrap();
    server.say(&format!("PEXPIRE {KEY} 5000"));
    assert!(held.renew().unwrap());
    let Value::Int(left) = server.say(&format!("PTTL {KEY}")) else { panic!() };
    assert!(left > 3_590_000, "{left}");
    assert!(held.lease_left() > Duration::from_secs(3590));
}

/// A server ends it a little before its holder believes that it did, or a little later.
#[test]
fn a_lock_that_ended_is_lost_and_stays_lost() {
    let Some(server) = RedisServer::shared() else { return };
    let there = || server.say(&format!("EXISTS {KEY}"));
    for server_is_first in [true, false] {
        let clock = Arc::new(ManualClock::new(NOW));
        let held = hour(&server).with_clock(clock.clone()).acquire(NOW).unwrap().unwrap();
        clock.advance(SignedDuration::from_secs(3599));
        assert_eq!(held.lease_left(), Duration::from_secs(1));
        assert!(held.still_held().unwrap());
        if server_is_first {
            server.say(&format!("PEXPIRE {KEY} 1"));
            wait::until("it ends", || there() == Value::Int(0));
            assert!(!held.still_held().unwrap());
        } else {
            clock.advance(SignedDuration::from_secs(1));
            assert!(held.still_held().unwrap(), "the server has it for a moment yet");
        }
        assert_eq!(held.lease_left(), Duration::ZERO);
        assert!(!held.renew().unwrap());
        let Value::Int(left) = server.say(&format!("PTTL {KEY}")) else { panic!() };
        assert!(left <= 3_600_000, "nothing is prolonged");
        assert_eq!(held.release().unwrap(), !server_is_first);
        assert_eq!(there(), Value::Int(0));
    }
}

/// Whoever looked while the answer was under way took the lock for lost.
#[test]
fn an_answer_that_comes_after_the_lease_revives_nothing() {
    let Some(server) = RedisServer::shared() else { return };
    let proxy = TcpProxy::start(server.address()).unwrap();
    let client = crate::support::client(&server.url_at(proxy.address()));
    let clock = Arc::new(ManualClock::new(NOW));
    let lock = RedisLock::new(client, "cache::", NAME, Duration::from_secs(3600));
    let held = lock.with_clock(clock.clone()).acquire(NOW).unwrap().unwrap();
    assert!(held.renew().unwrap());
    server.say(&format!("PEXPIRE {KEY} 5000"));
    let left = || match server.say(&format!("PTTL {KEY}")) {
        Value::Int(left) => left,
        other => panic!("{other:?}"),
    };
    std::thread::scope(|scope| {
        proxy.hold(true);
        let renewed = scope.spawn(|| held.renew());
        wait::until("the server renews it", || left() > 3_590_000);
        clock.advance(SignedDuration::from_secs(3600));
        assert_eq!(held.lease_left(), Duration::ZERO);
        proxy.hold(false);
        assert!(!renewed.join().unwrap().unwrap(), "the answer came too late");
    });
    assert_eq!(held.lease_left(), Duration::ZERO);
    assert!(!held.renew().unwrap());
    assert_eq!(held.lease_left(), Duration::ZERO);
    server.say(&format!("DEL {KEY}"));
    assert!(!held.release().unwrap());
}

#[test]
fn a_stolen_lock_is_noticed_and_not_touched() {
    let Some(server) = RedisServer::shared() else { return };
    let held = hour(&server).acquire(NOW).unwrap().unwrap();
    server.say(&format!("DEL {KEY}"));
    let thief = hour(&server).acquire(NOW).unwrap().unwrap();
    let token = hour(&server).holder().unwrap().unwrap().token;
    assert!(!held.still_held().unwrap());
    assert_eq!(held.lease_left(), Duration::ZERO);
    assert!(!held.renew().unwrap());
    assert!(!held.release().unwrap());
    assert!(thief.still_held().unwrap());
    assert_eq!(hour(&server).holder().unwrap().unwrap().token, token);
}

#[test]
fn any_value_blocks_and_only_a_token_is_shown() {
    let Some(server) = RedisServer::shared() else { return };
    server.raw(&[b"SET", KEY.as_bytes(), b"!cos\nsystem\n(S'true'\ntR."]);
    let lock = hour(&server);
    assert!(lock.acquire(NOW).unwrap().is_none());
    let holder = LockHolder { token: None, who: None, ends: Ends::Never };
    assert_eq!(lock.holder().unwrap(), Some(holder));
}

#[test]
fn a_server_that_is_gone_is_an_error_and_the_lease_runs_on() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let held = hour(&server).acquire(NOW).unwrap().unwrap();
    server.stop();
    assert_eq!(held.renew().unwrap_err().kind(), CacheErrorKind::Unreachable);
    assert!(held.lease_left() > Duration::ZERO);
    server.start_again();
    assert!(!held.renew().unwrap(), "a server that came back empty knows no lock");
}

#[test]
fn a_server_without_memory_gives_no_lock_but_keeps_the_one_there_is() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let held = hour(&server).acquire(NOW).unwrap().unwrap();
    server.say("CONFIG SET maxmemory 1");
    assert_eq!(hour(&server).acquire(NOW).err().unwrap().kind(), CacheErrorKind::Full);
    assert!(held.renew().unwrap());
    assert!(hour(&server).holder().unwrap().is_some());
    assert!(held.release().unwrap());
}
