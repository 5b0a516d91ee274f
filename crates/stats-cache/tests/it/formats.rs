//! Entries in every format that was ever released are still read.
//!
//! A new format gets a folder of its own, written once by the ignored test; the old ones stay.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stats_cache::{
    Body, BodyEncoding, CacheStore, EntryDescription, ManualClock, Origin, RedisStore, ShelfMark,
    SqliteOptions, SqliteStore, response_key,
};
use stats_series::Category;

use crate::support::RedisServer;

const BODY: &[u8] = br#"{"global":{"views":[{"id":"global","data":[["01-01",5]]}]}}"#;

fn folder(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fixtures/formats/v{version}"))
}

/// What was stored in version 1.
fn entry() -> EntryDescription {
    EntryDescription {
        key: response_key("stats_dashboard", "global", 2024, Category::UsageDelta).into_string(),
        community: "global".to_owned(),
        year: 2024,
        category: Category::UsageDelta,
        created: Some("2025-06-15T12:34:56.789Z".parse().unwrap()),
        expires: Some("2125-07-15T12:34:56.789Z".parse().unwrap()),
        data_through: Some("2024-12-31".to_owned()),
        origin: Some(Origin {
            shelf: ShelfMark { count: 366, max: 400, sum: 73_571 },
            position: "index:history:400".to_owned(),
            layout: "00ff".to_owned(),
            configuration: "beef".to_owned(),
            optimized: true,
            generator: 1,
        }),
        plain_length: 0,
        stored_length: 0,
        sha256: None,
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2025-06-15T12:34:56.789Z".parse().unwrap()))
}

fn check(store: &dyn CacheStore) {
    let read = store.get(&entry().key).unwrap().unwrap();
    assert_eq!(read.body, BODY);
    let expected = EntryDescription {
        plain_length: BODY.len() as u64,
        stored_length: read.description.stored_length,
        sha256: read.description.sha256,
        ..entry()
    };
    assert_eq!(read.description, expected);
    assert_eq!(store.summary().unwrap().damaged_reads, 0);
}

#[test]
fn version_1_of_the_sqlite_store_is_read() {
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("cache.db");
    std::fs::copy(folder(1).join("cache.db"), &path).unwrap();
    check(&SqliteStore::open_with(path, SqliteOptions::default(), clock()).unwrap());
}

#[test]
fn version_1_of_the_redis_store_is_read() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let record = std::fs::read(folder(1).join("cache-record.json")).unwrap();
    let entry = entry();
    let (prefix, field) = entry.key.split_once(':').unwrap();
    let index = format!("community-stats:index:{prefix}");
    let expires = entry.expires.unwrap().as_millisecond().to_string();
    let key = entry.key.as_bytes();
    server.raw(7, &[b"SET", key, BODY, b"PXAT", expires.as_bytes()]);
    server.raw(7, &[b"HSET", index.as_bytes(), field.as_bytes(), record.trim_ascii()]);
    check(&RedisStore::open(server.client(7), prefix).unwrap());
}

#[test]
#[ignore = "writes the fixtures of the present format, once"]
fn write_the_present_format() {
    let folder = folder(1);
    assert!(!folder.exists(), "a released format does not change");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("cache.db");
    let store = SqliteStore::open_with(&path, SqliteOptions::default(), clock()).unwrap();
    store.put(&entry(), &Body::from_plain(BodyEncoding::Zstd, BODY).unwrap()).unwrap();
    drop(store);

    let server = RedisServer::start(&[]).unwrap();
    let store = RedisStore::open(server.client(7), "stats_dashboard").unwrap();
    store.put(&entry(), &Body::from_plain(BodyEncoding::Plain, BODY).unwrap()).unwrap();
    let values = server.say(7, "HVALS community-stats:index:stats_dashboard");
    let redis::Value::Array(values) = values else { panic!() };
    let redis::Value::BulkString(record) = &values[0] else { panic!() };
    std::fs::write(folder.join("cache-record.json"), [record.as_slice(), b"\n"].concat()).unwrap();
}
