//! The store of responses in Redis: the contract, and what is its own.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use redis::Value;
use stats_cache::contract::{Damage, Harness, SharedHarness, description};
use stats_cache::{
    Body, BodyEncoding, BulkLock, CacheErrorKind, CacheStore, CachedResponse, EntryDescription,
    EntryFilter, EntryState, Notebook, RedisClient, RedisLock, RedisStore,
};
use stats_model::Category;
use stats_testkit::services::{Redis, Service, require};
use stats_testkit::wait;

use crate::support::{RedisServer, client};

const PREFIX: &str = "stats_dashboard";
const BEFORE_7: [&str; 3] = ["--rename-command", "PEXPIRETIME", ""];
const INDEX: &str = "community-stats:index:stats_dashboard";

pub(super) struct RedisHarness {
    pub(super) server: RedisServer,
    pub(super) store: RedisStore,
    responses: String,
    locks: Arc<RedisClient>,
    /// Where the lock is, if not there, too.
    _elsewhere: Option<RedisServer>,
}

impl RedisHarness {
    /// In a database of the server that all tests share.
    pub(super) fn shared() -> Option<Self> {
        Some(Self::of(RedisServer::shared()?))
    }

    /// On a server of its own, which a test may configure and break.
    pub(super) fn own() -> Option<Self> {
        Some(Self::of(RedisServer::start(&[])?))
    }

    /// As before version 7, where only the remaining time of a key can be asked.
    fn before_7() -> Option<Self> {
        static SERVER: OnceLock<Redis> = OnceLock::new();
        require(Service::Redis)?;
        let server = SERVER.get_or_init(|| Redis::start(&BEFORE_7).unwrap());
        Some(Self::of(RedisServer::of(server)))
    }

    fn own_before_7() -> Option<Self> {
        Some(Self::of(RedisServer::start(&BEFORE_7)?))
    }

    fn of(server: RedisServer) -> Self {
        let store = RedisStore::open(server.client(), PREFIX).unwrap();
        let (responses, locks) = (server.url(), client(&server.beside()));
        Self { server, store, responses, locks, _elsewhere: None }
    }

    /// The lock is in the database of the responses.
    fn with_one_database() -> Option<Self> {
        let harness = Self::shared()?;
        Some(Self { locks: harness.server.client(), ..harness })
    }

    /// The lock is on a server of its own.
    fn with_two_servers() -> Option<Self> {
        let elsewhere = RedisServer::start(&[])?;
        let harness = Self::shared()?;
        Some(Self { locks: elsewhere.client(), _elsewhere: Some(elsewhere), ..harness })
    }

    /// Whoever stores responses may not look at the lock.
    fn with_two_users() -> Option<Self> {
        let harness = Self::own()?;
        let rights = "reset on >pw ~stats_dashboard:* ~community-stats:* +@all";
        harness.server.say(&format!("ACL SETUSER narrow {rights}"));
        let responses = harness.server.url().replacen("redis://", "redis://narrow:pw@", 1);
        let store = RedisStore::open(client(&responses), PREFIX).unwrap();
        Some(Self { store, responses, ..harness })
    }
}

impl RedisHarness {
    /// What time it is for the server.
    fn milliseconds(&self) -> i64 {
        let Value::Array(time) = self.server.say("TIME") else { panic!() };
        let number = |part: &Value| match part {
            Value::BulkString(digits) => String::from_utf8_lossy(digits).parse::<i64>().unwrap(),
            other => panic!("{other:?}"),
        };
        number(&time[0]) * 1000 + number(&time[1]) / 1000
    }
}

impl Harness for RedisHarness {
    fn store(&self) -> &dyn CacheStore {
        &self.store
    }

    fn other(&self) -> Box<dyn CacheStore> {
        Box::new(RedisStore::open(client(&self.responses), PREFIX).unwrap())
    }

    fn notebook(&self) -> &dyn Notebook {
        &self.store
    }

    fn other_notebook(&self) -> Box<dyn Notebook> {
        Box::new(RedisStore::open(client(&self.responses), PREFIX).unwrap())
    }

    fn lock(&self) -> Box<dyn BulkLock> {
        let lifetime = Duration::from_secs(3600);
        let locks = Arc::clone(&self.locks);
        Box::new(RedisLock::new(locks, "cache::", "community_stats_cache_generation", lifetime))
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn pass(&self, duration: Duration) {
        // Redis still serves in the very millisecond of an expiry, by a clock that it reads once for
        // a whole transaction.
        let end = self.milliseconds() + i64::try_from(duration.as_millis()).unwrap();
        wait::until("the time has passed for the server", || self.milliseconds() > end);
    }

    fn short_life(&self) -> Duration {
        Duration::from_millis(1500)
    }

    fn damage(&self, key: &str, damage: Damage) {
        let (server, key) = (&self.server, key.as_bytes());
        match damage {
            Damage::Altered => {
                server.raw(&[b"SETRANGE", key, b"12", b"8"]);
            }
            Damage::Cut | Damage::Emptied => {
                let Value::BulkString(mut body) = server.raw(&[b"GET", key]) else { panic!() };
                body.truncate(if damage == Damage::Cut { body.len() - 3 } else { 0 });
                server.raw(&[b"SET", key, &body, b"KEEPTTL"]);
            }
            Damage::UnknownFormat => {
                let field = &key[PREFIX.len() + 1..];
                server.raw(&[b"HSET", INDEX.as_bytes(), field, b"{\"v\":99}"]);
            }
        }
    }

    fn refuse_writes(&self, refuse: bool) {
        assert!(self.server.is_own(), "others write to this server");
        let limit = if refuse { "1" } else { "0" };
        self.server.say(&format!("CONFIG SET maxmemory {limit}"));
    }
}

impl SharedHarness for RedisHarness {
    fn write_as_another(&self, key: &str, bytes: &[u8], expires: Option<Timestamp>) {
        self.server.raw(&[b"SET", key.as_bytes(), bytes]);
        if let Some(expires) = expires {
            let at = expires.as_millisecond().to_string();
            self.server.raw(&[b"PEXPIREAT", key.as_bytes(), at.as_bytes()]);
        }
    }
}

mod contract {
    stats_cache::cache_store_contract! {
        start: super::RedisHarness::shared,
        start_alone: super::RedisHarness::own,
        keeps_expired: false,
        others_write: true,
    }
}

mod contract_before_7 {
    stats_cache::cache_store_contract! {
        start: super::RedisHarness::before_7,
        start_alone: super::RedisHarness::own_before_7,
        keeps_expired: false,
        others_write: true,
    }
}

mod fences_with_one_database {
    stats_cache::cache_store_fences_contract! { start: super::RedisHarness::with_one_database }
}

mod fences_with_two_servers {
    stats_cache::cache_store_fences_contract! { start: super::RedisHarness::with_two_servers }
}

mod fences_with_two_users {
    stats_cache::cache_store_fences_contract! { start: super::RedisHarness::with_two_users }
}

pub(super) fn put(store: &RedisStore, one: &EntryDescription, plain: &[u8]) {
    store.put(one, &Body::from_plain(BodyEncoding::Plain, plain).unwrap()).unwrap();
}

#[test]
fn python_finds_plain_json_under_its_own_key_with_its_lifetime() {
    let Some(harness) = RedisHarness::shared() else { return };
    let mut one = description(&harness, "global", 2024, Category::UsageDelta);
    one.expires = Some(harness.now() + jiff::SignedDuration::from_hours(30 * 24));
    put(&harness.store, &one, b"{\"a\":1e16}");
    let key = "stats_dashboard:88f7ddb4aa36d820f1c7214408ae0230d6b12a4dfa12bdfdabede21c2aa26744";
    assert_eq!(
        harness.server.say(&format!("GET {key}")),
        Value::BulkString(b"{\"a\":1e16}".into())
    );
    let Value::Int(seconds) = harness.server.say(&format!("TTL {key}")) else { panic!() };
    assert!((2_591_990..=2_592_000).contains(&seconds), "{seconds}");
    let Value::Array(keys) = harness.server.say("KEYS stats_dashboard:*") else { panic!() };
    assert_eq!(keys.len(), 1, "our records are outside of the prefix");
}

#[test]
fn a_lifetime_that_python_prolongs_makes_an_entry_foreign() {
    let Some(harness) = RedisHarness::shared() else { return };
    let mut one = description(&harness, "global", 2024, Category::UsageDelta);
    one.expires = Some(harness.now() + jiff::SignedDuration::from_hours(1));
    put(&harness.store, &one, b"{}");
    let key = one.key.as_str();
    let states = |key: &str| harness.store.describe(&[key.to_owned()]).unwrap().remove(0);
    assert!(matches!(states(key), EntryState::Ours(_)));
    // One millisecond is enough to tell.
    let at = one.expires.unwrap().as_millisecond() + 50;
    harness.server.say(&format!("PEXPIREAT {key} {at}"));
    assert!(matches!(states(key), EntryState::Foreign(_)));
    harness.server.say(&format!("PERSIST {key}"));
    assert!(matches!(states(key), EntryState::Foreign(_)));
}

/// Without an expiry of ours only the bytes tell; whoever reads them lets everybody know.
#[test]
fn as_many_bytes_of_another_are_found_when_they_are_read() {
    let Some(harness) = RedisHarness::shared() else { return };
    let mut one = description(&harness, "global", 2024, Category::UsageDelta);
    one.expires = None;
    put(&harness.store, &one, b"{\"a\":1}");
    let state = || harness.store.describe(std::slice::from_ref(&one.key)).unwrap().remove(0);
    harness.server.raw(&[b"SET", one.key.as_bytes(), b"{\"a\":2}"]);
    assert!(matches!(state(), EntryState::Ours(_)), "nothing tells yet");
    let entry = harness.store.get(&one.key).unwrap().unwrap();
    assert_eq!((entry.body.as_slice(), entry.description.origin), (&b"{\"a\":2}"[..], None));
    assert!(matches!(state(), EntryState::Foreign(_)));
    put(&harness.store, &one, b"{\"a\":3}");
    assert!(harness.store.get(&one.key).unwrap().unwrap().description.origin.is_some());
    assert!(matches!(state(), EntryState::Ours(_)));
}

#[test]
fn states_of_responses_name_what_python_wrote() {
    let Some(harness) = RedisHarness::shared() else { return };
    let responses = [
        CachedResponse::new("a", 2024, Category::RecordDelta),
        CachedResponse::new("b", 2023, Category::UsageSnapshot),
    ];
    let key = responses[1].cache_key(PREFIX);
    harness.server.raw(&[b"SET", key.as_str().as_bytes(), b"{}"]);
    let states = CachedResponse::states(&responses, &harness.store, PREFIX).unwrap();
    assert_eq!(states[0], EntryState::Absent);
    let EntryState::Foreign(known) = &states[1] else { panic!("{states:?}") };
    assert_eq!((known.community.as_str(), known.year), ("b", 2023));
    assert_eq!(known.category, Category::UsageSnapshot);
}

#[test]
fn what_python_clears_is_gone_and_its_records_go_too() {
    let Some(harness) = RedisHarness::shared() else { return };
    for year in 2000..2020 {
        put(&harness.store, &description(&harness, "a", year, Category::UsageDelta), b"{}");
    }
    let Value::Array(keys) = harness.server.say("KEYS stats_dashboard:*") else { panic!() };
    for key in &keys[..15] {
        let Value::BulkString(key) = key else { panic!() };
        harness.server.raw(&[b"DEL", key]);
    }
    assert_eq!(harness.server.say(&format!("HLEN {INDEX}")), Value::Int(20));
    assert_eq!(harness.store.list(&EntryFilter::default()).unwrap().len(), 5);
    assert_eq!(harness.server.say(&format!("HLEN {INDEX}")), Value::Int(5));
    assert_eq!(harness.store.summary().unwrap().entries, 5);
}

#[test]
fn clearing_takes_nothing_but_responses_of_the_prefix() {
    let Some(harness) = RedisHarness::shared() else { return };
    let digest = "0".repeat(64);
    for key in ["stats_dashboard:other", "stats_dashboard2:x", "other", "community-stats:index:x"] {
        harness.server.say(&format!("SET {key} 1"));
    }
    harness.server.say(&format!("SET stats_dashboardx{digest} 1"));
    harness.server.say(&format!("SET stats_dashboard:{digest} {{}}"));
    put(&harness.store, &description(&harness, "a", 2024, Category::UsageDelta), b"{}");
    assert_eq!(harness.store.clear().unwrap(), 2);
    assert_eq!(harness.server.say("DBSIZE"), Value::Int(5));
}

#[test]
fn prefixes_that_look_like_patterns_are_only_prefixes() {
    let Some(server) = RedisServer::shared() else { return };
    let stores = ["a*", "ab", "[ab]", "a\\", "community-stats"]
        .map(|prefix| RedisStore::open(server.client(), prefix).unwrap());
    for store in &stores {
        let mut response = CachedResponse::new("global", 2024, Category::UsageDelta);
        response.set_data(b"{}".to_vec(), Timestamp::now(), None).unwrap();
        assert!(response.save(store, store.prefix()).unwrap());
    }
    for (cleared, store) in stores.iter().enumerate() {
        assert_eq!(store.clear().unwrap(), 1, "{}", store.prefix());
        for store in &stores[cleared + 1..] {
            assert_eq!(store.list(&EntryFilter::default()).unwrap().len(), 1);
        }
    }
}

#[test]
fn keys_of_another_prefix_are_refused_and_untouched() {
    let Some(harness) = RedisHarness::shared() else { return };
    harness.server.say("SET other:key 1");
    let key = "other:key".to_owned();
    let error = harness.store.delete(std::slice::from_ref(&key)).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Refused);
    assert!(harness.store.describe(std::slice::from_ref(&key)).is_err());
    assert!(harness.store.get(&key).is_err());
    assert_eq!(harness.server.say("EXISTS other:key"), Value::Int(1));
}

#[test]
fn a_key_of_another_type_is_damaged_and_is_overwritten() {
    let Some(harness) = RedisHarness::shared() else { return };
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    harness.server.say(&format!("LPUSH {} x", one.key));
    let states = harness.store.describe(std::slice::from_ref(&one.key)).unwrap();
    assert!(matches!(&states[0], EntryState::Damaged(it) if it.why.contains("type")), "{states:?}");
    assert_eq!(harness.store.get(&one.key).unwrap(), None);
    put(&harness.store, &one, b"{}");
    assert!(harness.store.get(&one.key).unwrap().is_some());
}

#[test]
fn an_index_of_somebody_else_is_told_when_the_store_is_opened() {
    let Some(server) = RedisServer::shared() else { return };
    server.say(&format!("SET {INDEX} 1"));
    let error = RedisStore::open(server.client(), PREFIX).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Damaged);
    assert!(error.to_string().contains(INDEX), "{error}");
}

#[test]
fn a_summary_names_the_server() {
    let Some(harness) = RedisHarness::shared() else { return };
    let name = harness.store.summary().unwrap().store;
    assert!(name.starts_with("Redis "), "{name}");
    assert!(name.ends_with(&harness.server.url()), "{name}");
}

/// A transaction is not undone: what was done of it must not be taken for an entry.
#[test]
fn a_put_of_which_only_half_was_done_leaves_no_entry() {
    let Some(harness) = RedisHarness::shared() else { return };
    for lifetime in [None, Some(Duration::from_secs(86_400))] {
        let mut one = description(&harness, "a", 2024, Category::UsageDelta);
        one.expires = lifetime.map(|lifetime| harness.now() + lifetime);
        put(&harness.store, &one, b"{\"old\":1}");
        let index = "community-stats:index:stats_dashboard";
        harness.server.say(&format!("RENAME {index} kept"));
        harness.server.say(&format!("SET {index} somebody-else"));
        let body = Body::from_plain(BodyEncoding::Plain, b"{\"new\":1}").unwrap();
        let error = harness.store.put(&one, &body).unwrap_err();
        assert!(error.to_string().contains(&one.key), "{error}");
        assert!(harness.store.get(&one.key).is_err(), "the index cannot be asked");
        let removed = harness.store.delete(std::slice::from_ref(&one.key)).unwrap_err();
        assert!(removed.to_string().contains("removing"), "{removed}");
        harness.server.say(&format!("DEL {index}"));
        harness.server.say(&format!("RENAME kept {index}"));
        let state = &harness.store.describe(std::slice::from_ref(&one.key)).unwrap()[0];
        assert_eq!(*state, EntryState::Absent);
        assert_eq!(harness.store.get(&one.key).unwrap(), None);
    }
}
