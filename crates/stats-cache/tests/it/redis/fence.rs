//! What keeps a run that was stopped from writing: the lock itself, or a key of ours beside the
//! responses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use redis::{Connection, Value};
use stats_cache::contract::description;
use stats_cache::{
    Body, BodyEncoding, BulkLock, CacheError, CacheErrorKind, CacheStore, EntryDescription, Lease,
    LockLost, RedisLock, Seen,
};
use stats_model::{Category, Clock, SystemClock};

use super::store::RedisHarness;
use crate::support::{RedisServer, client};

const NAME: &str = "community_stats_cache_generation";
const LOCK: &str = "cache::lock:community_stats_cache_generation";
const FENCE: &str = "community-stats:fence:stats_dashboard";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A clock that does something, once, when somebody looks at it: a store does so between what it
/// reads and what it writes.
#[derive(Default)]
struct Interrupting(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Interrupting {
    fn at_the_next_look(&self, what: impl FnOnce() + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(what));
    }
}

impl Clock for Interrupting {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn monotonic(&self) -> Duration {
        let what = self.0.lock().unwrap().take();
        if let Some(what) = what {
            what();
        }
        SystemClock.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration);
    }
}

fn url(server: &RedisServer, database: u16) -> String {
    format!("redis://{}/{database}", server.address())
}

fn connection(server: &RedisServer, database: u16) -> Connection {
    redis::Client::open(url(server, database)).unwrap().get_connection().unwrap()
}

fn lock(server: &RedisServer, database: u16) -> RedisLock {
    RedisLock::new(client(&url(server, database)), "cache::", NAME, Duration::from_secs(3600))
}

fn acquire(lock: &dyn BulkLock) -> Arc<dyn Lease> {
    lock.take_away(&|_| true).unwrap();
    Arc::from(lock.acquire(NOW).unwrap().unwrap())
}

fn write(store: &dyn CacheStore, one: &EntryDescription, plain: &[u8]) -> Result<bool, CacheError> {
    let body = Body::from_plain(BodyEncoding::Plain, plain).unwrap();
    store.put_over(Seen::Nothing, one, &body)
}

#[track_caller]
fn assert_refused(written: Result<bool, CacheError>) {
    assert_eq!(written.unwrap_err().kind(), CacheErrorKind::Own(LockLost));
}

/// The lock is Python's by the time at which the transaction arrives: in the database of the
/// responses, in another one of the server.
#[test]
fn whoever_takes_the_lock_between_read_and_write_is_noticed() {
    for database in [0, 7] {
        let Some(harness) = RedisHarness::own() else { return };
        let clock = Arc::new(Interrupting::default());
        let lease = acquire(&lock(&harness.server, database).with_clock(clock.clone()));
        let run = harness.store.fenced(lease).unwrap();
        let one = description(&harness, "global", 2024, Category::UsageDelta);
        assert!(write(&*run, &one, b"{}").unwrap());
        let another = description(&harness, "global", 2023, Category::UsageDelta);
        let mut connection = connection(&harness.server, database);
        clock.at_the_next_look(move || {
            redis::cmd("SET").arg(LOCK).arg("python").exec(&mut connection).unwrap();
        });
        assert_refused(write(&*run, &another, b"{}"));
        assert_eq!(harness.server.say(&format!("EXISTS {}", another.key)), Value::Int(0));
        assert_eq!(harness.server.say(&format!("EXISTS {FENCE}")), Value::Int(0));
        // Connections are where they were, whatever was looked at.
        assert!(harness.store.get(&one.key).unwrap().is_some());
    }
}

#[test]
fn a_lock_that_is_renewed_between_read_and_write_is_still_held() {
    let Some(harness) = RedisHarness::own() else { return };
    let clock = Arc::new(Interrupting::default());
    let lease = acquire(&lock(&harness.server, 0).with_clock(clock.clone()));
    let run = harness.store.fenced(lease).unwrap();
    let mut connection = connection(&harness.server, 0);
    clock.at_the_next_look(move || {
        redis::cmd("PEXPIRE").arg(LOCK).arg(3_600_000).exec(&mut connection).unwrap();
    });
    let one = description(&harness, "global", 2024, Category::UsageDelta);
    assert!(write(&*run, &one, b"{}").unwrap());
    assert!(harness.store.get(&one.key).unwrap().is_some());
}

/// With the lock on another server, a key beside the responses tells; whoever removes it does no harm.
#[test]
fn a_successor_elsewhere_is_noticed_between_read_and_write() {
    let (Some(harness), Some(elsewhere)) = (RedisHarness::own(), RedisServer::start(&[])) else {
        return;
    };
    let clock = Arc::new(Interrupting::default());
    let lease = acquire(&lock(&elsewhere, 0).with_clock(clock.clone()));
    let named = |lease: &dyn Lease| Value::BulkString(lease.token().as_bytes().to_vec());
    let run = harness.store.fenced(Arc::clone(&lease)).unwrap();
    let one = description(&harness, "global", 2024, Category::UsageDelta);
    for _ in 0..2 {
        assert!(write(&*run, &one, b"{}").unwrap());
        assert_eq!(harness.server.say(&format!("GET {FENCE}")), named(&*lease));
        harness.server.say(&format!("DEL {FENCE}"));
    }
    assert!(write(&*run, &one, b"{}").unwrap());

    let another = description(&harness, "global", 2023, Category::UsageDelta);
    let (successors, store) = (lock(&elsewhere, 0), harness.store.clone());
    let successor = Arc::new(Mutex::new(None));
    let begun = Arc::clone(&successor);
    clock.at_the_next_look(move || {
        let lease = acquire(&successors);
        drop(store.fenced(Arc::clone(&lease)).unwrap());
        *begun.lock().unwrap() = Some(lease);
    });
    assert_refused(write(&*run, &another, b"{}"));
    assert_eq!(harness.server.say(&format!("EXISTS {}", another.key)), Value::Int(0));
    let successor = successor.lock().unwrap().take().unwrap();
    assert_eq!(harness.server.say(&format!("GET {FENCE}")), named(&*successor));
    // Gone again, it is nobody's until whoever has the lock writes.
    harness.server.say(&format!("DEL {FENCE}"));
    assert_refused(write(&*run, &another, b"{}"));
    assert_eq!(harness.server.say(&format!("EXISTS {FENCE}")), Value::Int(0));
}
