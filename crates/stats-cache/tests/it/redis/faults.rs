//! What goes wrong with a server while we use it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::Value;
use stats_cache::contract::{Harness, description};
use stats_cache::{
    Body, BodyEncoding, CacheError, CacheErrorKind, CacheStore, EntryFilter, EntryState,
    RedisClient, RedisOptions, RedisStore,
};
use stats_model::Category;
use stats_testkit::proxy::TcpProxy;
use stats_testkit::wait;

use super::store::{RedisHarness, put};
use crate::support::{RedisServer, address};

fn put_error(harness: &RedisHarness) -> CacheError {
    let one = description(harness, "new", 2024, Category::UsageDelta);
    let body = Body::from_plain(BodyEncoding::Plain, b"{\"new\":1}").unwrap();
    let error = harness.store.put(&one, &body).unwrap_err();
    assert!(error.to_string().contains(&one.key), "{error}");
    error
}

#[test]
fn a_server_without_memory_is_full_and_keeps_what_it_has() {
    let Some(harness) = RedisHarness::own() else { return };
    let old = description(&harness, "old", 2024, Category::UsageDelta);
    put(&harness.store, &old, b"{\"old\":1}");
    harness.refuse_writes(true);
    let error = put_error(&harness);
    assert_eq!(error.kind(), CacheErrorKind::Full);
    assert!(error.to_string().contains("maxmemory"), "{error}");
    assert_eq!(harness.store.get(&old.key).unwrap().unwrap().body, b"{\"old\":1}");
    assert_eq!(harness.store.list(&EntryFilter::default()).unwrap().len(), 1);
    assert_eq!(harness.store.delete(std::slice::from_ref(&old.key)).unwrap(), 1);
    assert_eq!(harness.store.clear().unwrap(), 0);
    // The same connection goes on.
    harness.refuse_writes(false);
    put(&harness.store, &old, b"{\"newer\":1}");
    assert_eq!(harness.store.get(&old.key).unwrap().unwrap().body, b"{\"newer\":1}");
}

#[test]
fn a_big_body_that_does_not_fit_leaves_the_old_one() {
    let Some(harness) = RedisHarness::own() else { return };
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    put(&harness.store, &one, b"{\"old\":1}");
    harness.server.say("CONFIG SET maxmemory 4mb");
    let big = format!("[{}0]", "1234567,".repeat(1_000_000));
    let body = Body::from_plain(BodyEncoding::Plain, big.as_bytes()).unwrap();
    let error = harness.store.put(&one, &body).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Full, "{error}");
    let entry = harness.store.get(&one.key).unwrap().unwrap();
    assert_eq!(entry.body, b"{\"old\":1}");
    assert!(entry.description.origin.is_some());
}

#[test]
fn a_read_only_replica_refuses_and_is_read() {
    let Some(primary) = RedisServer::start(&[]) else { return };
    let Some(harness) = RedisHarness::own() else { return };
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    put(&harness.store, &one, b"{}");
    harness.server.say(&format!("REPLICAOF 127.0.0.1 {}", primary.port()));
    let error = put_error(&harness);
    assert_eq!(error.kind(), CacheErrorKind::Refused);
    assert!(error.to_string().contains("replica"), "{error}");
    assert!(harness.store.list(&EntryFilter::default()).is_ok());
    harness.server.say("REPLICAOF NO ONE");
    put(&harness.store, &one, b"{\"again\":1}");
}

#[test]
fn a_server_that_comes_back_empty_is_found_empty_and_filled_again() {
    let Some(mut harness) = RedisHarness::own() else { return };
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    put(&harness.store, &one, b"{}");
    harness.server.stop();
    assert_eq!(harness.store.get(&one.key).unwrap_err().kind(), CacheErrorKind::Unreachable);
    assert_eq!(put_error(&harness).kind(), CacheErrorKind::Unreachable);
    harness.server.start_again();
    assert_eq!(harness.store.get(&one.key).unwrap(), None);
    put(&harness.store, &one, b"{\"again\":1}");
    assert_eq!(harness.store.get(&one.key).unwrap().unwrap().body, b"{\"again\":1}");
}

#[test]
fn connections_that_the_server_closed_are_made_anew_without_a_word() {
    let Some(mut harness) = RedisHarness::own() else { return };
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    put(&harness.store, &one, b"{}");
    harness.server.say("CLIENT KILL TYPE normal SKIPME yes");
    assert!(harness.store.get(&one.key).unwrap().is_some());
    harness.server.say("CLIENT KILL TYPE normal SKIPME yes");
    put(&harness.store, &one, b"{\"again\":1}");
    harness.server.stop();
    harness.server.start_again();
    put(&harness.store, &one, b"{\"once more\":1}");
    assert_eq!(harness.store.get(&one.key).unwrap().unwrap().body, b"{\"once more\":1}");
}

#[test]
fn a_server_that_does_not_answer_is_unreachable_in_time() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let options =
        RedisOptions { response_timeout: Duration::from_millis(200), ..RedisOptions::default() };
    let client = RedisClient::connect(address(&server.url()), options).unwrap();
    let store = RedisStore::open(client.into(), "p").unwrap();
    let key = format!("p:{}", "0".repeat(64));
    server.say("CLIENT PAUSE 1000 ALL");
    let error = store.get(&key).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Unreachable, "{error}");
    assert_eq!(server.say("PING"), Value::SimpleString("PONG".to_owned()), "it goes on");
    // The late answer belongs to nobody; the next question gets its own.
    assert_eq!(store.get(&key).unwrap(), None);
}

#[test]
fn a_user_without_rights_is_refused() {
    let Some(server) = RedisServer::start(&[]) else { return };
    server.say("ACL SETUSER reader on >pw ~* +@read +@connection +multi +exec +pexpiretime");
    let url = server.url_at(&format!("reader:pw@{}", server.address()));
    let store = RedisStore::open(crate::support::client(&url), "stats_dashboard").unwrap();
    let Some(harness) = RedisHarness::shared() else { return };
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    let body = Body::from_plain(BodyEncoding::Plain, b"{}").unwrap();
    let error = store.put(&one, &body).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("lacks a right"), "{error}");
    assert_eq!(store.describe(&[one.key]).unwrap(), [EntryState::Absent]);
    assert_eq!(store.summary().unwrap().entries, 0);
}

fn proxied(server: &RedisServer) -> (TcpProxy, RedisStore) {
    let proxy = TcpProxy::start(server.address()).unwrap();
    let client = crate::support::client(&server.url_at(proxy.address()));
    (proxy, RedisStore::open(client, "stats_dashboard").unwrap())
}

#[test]
fn answers_cut_at_any_byte_are_errors_and_never_entries() {
    let Some(harness) = RedisHarness::shared() else { return };
    let (proxy, store) = proxied(&harness.server);
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    put(&harness.store, &one, b"{\"numbers\":[1,2,3]}");
    let whole = store.get(&one.key).unwrap();
    let before = proxy.bytes().1;
    assert_eq!(store.get(&one.key).unwrap(), whole);
    let length = proxy.bytes().1 - before;
    for cut in 0..length {
        proxy.cut_after(Some(cut));
        let error = store.get(&one.key).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::Unreachable, "cut at {cut}");
        proxy.cut_after(None);
        assert_eq!(store.get(&one.key).unwrap(), whole, "after a cut at {cut}");
    }
    assert_eq!(store.summary().unwrap().damaged_reads, 0);
}

#[test]
fn a_put_whose_answer_is_cut_leaves_a_whole_entry() {
    let Some(harness) = RedisHarness::shared() else { return };
    let (proxy, store) = proxied(&harness.server);
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    let mut last = "[]".to_owned();
    put(&store, &one, last.as_bytes());
    for cut in 0..30 {
        let plain = format!("[{cut}]");
        let body = Body::from_plain(BodyEncoding::Plain, plain.as_bytes()).unwrap();
        proxy.cut_after(Some(cut));
        store.put(&one, &body).unwrap_err();
        proxy.cut_after(None);
        // The old one, or the new one when everything had been sent and nobody could say so.
        let state = harness.store.describe(std::slice::from_ref(&one.key)).unwrap().remove(0);
        assert!(matches!(state, EntryState::Ours(_)), "{state:?}");
        let entry = harness.store.get(&one.key).unwrap().unwrap();
        let found = String::from_utf8(entry.body).unwrap();
        assert!(found == plain || found == last, "{found} after {plain}, before {last}");
        last = found;
    }
}

/// A way to the server on which a connection stands still after a million bytes, until it may go on.
struct NarrowWay {
    stands: AtomicBool,
    may_go_on: AtomicBool,
}

fn narrow_way(server: &RedisServer, way_there: &'static NarrowWay) -> String {
    let way = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, port) = (way.local_addr().unwrap().to_string(), server.port());
    std::thread::spawn(move || {
        for client in way.incoming() {
            let (client, there) =
                (client.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
            let (mut down, mut back) = (client.try_clone().unwrap(), there.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut back, &mut down));
            std::thread::spawn(move || pass_slowly(client, there, way_there));
        }
    });
    address
}

fn pass_slowly(mut from: TcpStream, mut to: TcpStream, way: &NarrowWay) {
    let (mut buffer, mut passed) = (vec![0; 16 << 10], 0);
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if passed > 1_000_000 {
            way.stands.store(true, Ordering::SeqCst);
            wait::until("it may go on", || way.may_go_on.load(Ordering::SeqCst));
        }
        passed += length;
        if to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

/// While a big body is under way, everybody else goes on: others at the server, and the threads that
/// share the store; and until it is there, they find the old one.
#[test]
fn a_big_body_on_its_way_keeps_nobody_waiting() {
    static WAY: NarrowWay =
        NarrowWay { stands: AtomicBool::new(false), may_go_on: AtomicBool::new(false) };
    let Some(harness) = RedisHarness::shared() else { return };
    let way = narrow_way(&harness.server, &WAY);
    let client = crate::support::client(&harness.server.url_at(&way));
    let store = RedisStore::open(client, "stats_dashboard").unwrap();
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    let other = description(&harness, "b", 2024, Category::UsageDelta);
    put(&store, &one, b"{\"old\":1}");
    let big = format!("[{}0]", "1234567,".repeat(4_000_000));
    let body = Body::from_plain(BodyEncoding::Plain, big.as_bytes()).unwrap();
    std::thread::scope(|scope| {
        let storing = scope.spawn(|| store.put(&one, &body));
        wait::until("it stands on its way", || WAY.stands.load(Ordering::SeqCst));
        for store in [&store, &harness.store] {
            assert_eq!(store.get(&one.key).unwrap().unwrap().body, b"{\"old\":1}");
            put(store, &other, b"{}");
            assert!(matches!(
                store.describe(std::slice::from_ref(&other.key)).unwrap()[..],
                [EntryState::Ours(_)]
            ));
        }
        assert!(!storing.is_finished(), "it still stands on its way");
        WAY.may_go_on.store(true, Ordering::SeqCst);
        storing.join().unwrap().unwrap();
    });
    assert!(harness.store.get(&one.key).unwrap().unwrap().body == big.as_bytes());
}

#[test]
fn a_big_body_that_is_cut_on_its_way_leaves_the_old_entry() {
    let Some(harness) = RedisHarness::shared() else { return };
    let (proxy, store) = proxied(&harness.server);
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    put(&store, &one, b"{\"old\":1}");
    let big = format!("[{}0]", "1234567,".repeat(2_000_000));
    let body = Body::from_plain(BodyEncoding::Plain, big.as_bytes()).unwrap();
    let already = proxy.bytes().0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while proxy.bytes().0 < already + 3_000_000 {
                std::thread::yield_now();
            }
            proxy.refuse(true);
            proxy.disconnect();
        });
        assert_eq!(store.put(&one, &body).unwrap_err().kind(), CacheErrorKind::Unreachable);
    });
    let entry = harness.store.get(&one.key).unwrap().unwrap();
    assert_eq!(entry.body, b"{\"old\":1}");
    proxy.refuse(false);
    store.put(&one, &body).unwrap();
    assert!(store.get(&one.key).unwrap().unwrap().body == big.as_bytes());
}
