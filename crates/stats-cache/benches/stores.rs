//! What storing and describing costs: our Redis store against the redis crate writing the same bytes to
//! the same server, and the SQLite store beside them.
//!
//! `cargo bench -p stats-cache --bench stores`; needs redis-server. Each figure is the best of several
//! rounds in which the candidates take turns.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and fails loudly")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use stats_cache::{
    Body, BodyEncoding, BulkLock, CacheStore, CachedResponse, Endpoint, EntryDescription, FileLock,
    RedisAddress, RedisClient, RedisLock, RedisOptions, RedisStore, Seen, SqliteStore,
};
use stats_model::Category;
use stats_testkit::services::Redis;

const PREFIX: &str = "stats_dashboard";
const ROUNDS: u32 = 9;

/// The database of a URL like `redis://host:port/number`.
fn address(url: &str) -> RedisAddress {
    let (place, number) = url["redis://".len()..].split_once('/').unwrap();
    let (host, port) = place.split_once(':').unwrap();
    let endpoint = Endpoint::Tcp { host: host.to_owned(), port: port.parse().unwrap() };
    RedisAddress::new(endpoint, number.parse().unwrap())
}

fn main() {
    let server = Redis::start(&[]).unwrap();
    let address = address(&server.database());
    let main_cache = RedisAddress { database: address.database + 1, ..address.clone() };
    let client = RedisClient::connect(address, RedisOptions::default()).unwrap();
    let redis = RedisStore::open(Arc::new(client), PREFIX).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(folder.path().join("cache.db")).unwrap();
    let raw = redis::Client::open(server.database()).unwrap();
    let mut raw = raw.get_connection().unwrap();

    writes(&mut raw, &redis, &sqlite);
    println!();
    let lifetime = Duration::from_secs(3600);
    let locks = RedisClient::connect(main_cache, RedisOptions::default()).unwrap();
    let lock = RedisLock::new(Arc::new(locks), "cache::", "bench", lifetime);
    fences("Redis", &redis, &lock);
    fences("SQLite", &sqlite, &FileLock::beside(&folder.path().join("cache.db")));
    println!();
    looks(&redis, &sqlite);
}

/// What it takes to store a body, by its size.
fn writes(raw: &mut redis::Connection, redis: &RedisStore, sqlite: &SqliteStore) {
    println!(
        "| body | redis crate, SET PX | redis crate, with a record | Redis store, put \
         | to SET PX | to the same commands | SQLite store, put |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (size, count) in
        [(2_000, 4000), (40_000, 2000), (300_000, 400), (1_000_000, 200), (21_000_000, 10)]
    {
        let plain = body(size);
        let entries: Vec<EntryDescription> = (0..count).map(description).collect();
        let for_redis = Body::from_plain(BodyEncoding::Plain, &plain).unwrap();
        let for_sqlite = Body::from_plain(BodyEncoding::Zstd, &plain).unwrap();
        let mut best = [Duration::MAX; 4];
        for _ in 0..ROUNDS {
            let took = [
                timed(|| set_each(raw, &entries, &plain)),
                timed(|| set_each_with_a_record(raw, &entries, &plain)),
                timed(|| put_each(redis, &entries, &for_redis)),
                timed(|| put_each(sqlite, &entries, &for_sqlite)),
            ];
            for (best, took) in best.iter_mut().zip(took) {
                *best = took.min(*best);
            }
        }
        let [raw, same, redis, sqlite] = best.map(|time| rate(plain.len(), count, time));
        let ratio = |to: usize| best[to].as_secs_f64() / best[2].as_secs_f64();
        let (to_raw, to_same) = (ratio(0), ratio(1));
        println!("| {size} | {raw} | {same} | {redis} | {to_raw:.2} | {to_same:.2} | {sqlite} |");
    }
}

fn set_each(raw: &mut redis::Connection, entries: &[EntryDescription], plain: &[u8]) {
    for entry in entries {
        let mut set = redis::cmd("SET");
        set.arg(&entry.key).arg(plain).arg("PX").arg(2_592_000_000_u64);
        set.exec(raw).unwrap();
    }
}

/// As many bytes, in as many commands, as the store sends.
fn set_each_with_a_record(raw: &mut redis::Connection, entries: &[EntryDescription], plain: &[u8]) {
    for entry in entries {
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("SET").arg(&entry.key).arg(plain);
        pipe.arg("PXAT").arg(4_102_444_800_000_u64);
        pipe.cmd("HSET").arg("records").arg(&entry.key).arg(vec![b'x'; 250]);
        pipe.exec(raw).unwrap();
    }
}

fn put_each(store: &dyn CacheStore, entries: &[EntryDescription], body: &Body) {
    for entry in entries {
        store.put(entry, body).unwrap();
    }
}

/// What it costs that a write depends on the lock of a run, by the size of the body.
fn fences(name: &str, store: &dyn CacheStore, lock: &dyn BulkLock) {
    let lease = lock.acquire(Timestamp::now()).unwrap().unwrap();
    let fenced = store.fenced(lease.into()).unwrap();
    println!("| {name}: body | put over, past all fences | put over by a run | ratio |");
    println!("|---|---|---|---|");
    for (size, count) in [(2_000, 4000), (40_000, 2000), (300_000, 400)] {
        let body = Body::from_plain(store.encoding(), &body(size)).unwrap();
        let entries: Vec<EntryDescription> = (0..count).map(description).collect();
        store.delete(&entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>()).unwrap();
        let mut best = [Duration::MAX; 2];
        for _ in 0..ROUNDS {
            let took =
                [store, &*fenced].map(|store| timed(|| put_over_each(store, &entries, &body)));
            for (best, took) in best.iter_mut().zip(took) {
                *best = took.min(*best);
            }
        }
        let ratio = best[1].as_secs_f64() / best[0].as_secs_f64();
        let [past, fenced] = best.map(|time| rate(size, count, time));
        println!("| {size} | {past} | {fenced} | {ratio:.2} |");
    }
}

/// Over itself: whoever does not know whether it is done does it again.
fn put_over_each(store: &dyn CacheStore, entries: &[EntryDescription], body: &Body) {
    for entry in entries {
        assert!(store.put_over(Seen::Nothing, entry, body).unwrap());
    }
}

/// What it takes to describe many keys, and to list what is there.
fn looks(redis: &RedisStore, sqlite: &SqliteStore) {
    println!("| 100,000 keys, 4,000 present | time |");
    println!("|---|---|");
    let keys: Vec<String> = (0..100_000).map(|number| description(number).key).collect();
    for (name, store) in [("Redis", redis as &dyn CacheStore), ("SQLite", sqlite)] {
        let took = (0..ROUNDS).map(|_| timed(|| drop(store.describe(&keys).unwrap()))).min();
        println!("| {name}, describe | {:.0} ms |", took.unwrap().as_secs_f64() * 1e3);
        let all = stats_cache::EntryFilter::default();
        let took = (0..ROUNDS).map(|_| timed(|| drop(store.list(&all).unwrap()))).min();
        println!("| {name}, list | {:.1} ms |", took.unwrap().as_secs_f64() * 1e3);
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn rate(bytes: usize, count: u32, time: Duration) -> String {
    let each = time / count;
    let rate = f64::from(count) * bytes as f64 / time.as_secs_f64() / 1e6;
    format!("{each:.0?} ({rate:.0} MB/s)")
}

fn description(number: u32) -> EntryDescription {
    let mut response =
        CachedResponse::new(format!("community-{number}"), 2024, Category::UsageDelta);
    let month = Some(SignedDuration::from_hours(30 * 24));
    response.set_data(b"{}".to_vec(), Timestamp::now(), month).unwrap();
    response.description(PREFIX)
}

/// A body of about this many bytes that looks like a response.
fn body(size: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(size + 32);
    let mut number = 42_u64;
    body.push(b'[');
    while body.len() < size {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        body.extend_from_slice(format!("[\"12-31\",{}],", number >> 52).as_bytes());
    }
    body.extend_from_slice(b"0]");
    body
}
