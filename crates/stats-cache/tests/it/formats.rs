//! Entries in every format that was ever released are still read.
//!
//! A new format gets a folder of its own, written once by the ignored test; the old ones stay.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stats_cache::{
    Body, BodyEncoding, BulkLock, CacheStore, EntryDescription, FileLock, MemoryChanges, Note,
    Notebook, Origin, RedisStore, ShelfMark, SqliteOptions, SqliteStore, Trouble, response_key,
};
use stats_model::{Category, Clock, ManualClock};

use crate::support::RedisServer;

const BODY: &[u8] = br#"{"global":{"views":[{"id":"global","data":[["01-01",5]]}]}}"#;

fn folder(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fixtures/formats/v{version}"))
}

/// The present version.
const VERSION: u32 = 2;

/// What was stored in a version; days are counted since the second.
fn entry(version: u32) -> EntryDescription {
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
            days: (version > 1).then_some(365),
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

fn check(store: &dyn CacheStore, version: u32) {
    let read = store.get(&entry(version).key).unwrap().unwrap();
    assert_eq!(read.body, BODY);
    let expected = EntryDescription {
        plain_length: BODY.len() as u64,
        stored_length: read.description.stored_length,
        sha256: read.description.sha256,
        ..entry(version)
    };
    assert_eq!(read.description, expected);
    assert_eq!(store.summary().unwrap().damaged_reads, 0);
}

/// The note in the notebook of version 2.
fn note() -> Note {
    let time = |text: &str| text.parse().unwrap();
    Note {
        community: "global".to_owned(),
        year: 2024,
        category: Category::UsageDelta,
        since: time("2025-06-15T12:34:56.789Z"),
        last: time("2025-06-16T12:34:56.789Z"),
        attempts: 1,
        next: None,
        made_from: None,
        trouble: Trouble::Held {
            shelf: ShelfMark { count: 1, max: 400, sum: 400 },
            then: 365,
            now: 1,
            length: 59,
        },
    }
}

fn assert_noted(notebook: &dyn Notebook) {
    let memory = notebook.recall().unwrap();
    assert_eq!(memory.notes.into_iter().collect::<Vec<_>>(), [(entry(2).key, note())]);
    assert_eq!(memory.first_years.into_iter().collect::<Vec<_>>(), [("global".to_owned(), 2024)]);
}

#[test]
fn every_version_of_the_sqlite_store_is_read() {
    for version in 1..=VERSION {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("cache.db");
        std::fs::copy(folder(version).join("cache.db"), &path).unwrap();
        let store = SqliteStore::open_with(path, SqliteOptions::default(), clock()).unwrap();
        check(&store, version);
        if version > 1 {
            assert_noted(&store);
        }
    }
}

/// Programs that know no fences know everything else in the file of one that does.
#[test]
fn the_fence_of_a_run_changes_no_format() {
    let layout = |path: &Path| {
        let file = rusqlite::Connection::open(path).unwrap();
        let version = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        let mut select =
            file.prepare("SELECT sql FROM sqlite_schema WHERE name <> 'fence' ORDER BY 1").unwrap();
        let made = select.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
        (version, made.map(Result::unwrap).collect::<Vec<_>>())
    };
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("cache.db");
    std::fs::copy(folder(VERSION).join("cache.db"), &path).unwrap();
    let store = SqliteStore::open_with(&path, SqliteOptions::default(), clock()).unwrap();
    let before: (u32, _) = layout(&path);
    let lease = FileLock::beside(&path).acquire(clock().now()).unwrap().unwrap();
    let run = store.fenced(lease.into()).unwrap();
    assert!(run.prolong(&entry(VERSION).key, entry(VERSION).expires).unwrap());
    drop((run, store));
    assert_eq!(layout(&path), before);
    let store = SqliteStore::open_with(&path, SqliteOptions::default(), clock()).unwrap();
    check(&store, VERSION);
    assert_noted(&store);
}

#[test]
fn every_version_of_the_redis_store_is_read() {
    let Some(server) = RedisServer::shared() else { return };
    for version in 1..=VERSION {
        let read = |name: &str| std::fs::read(folder(version).join(name)).unwrap();
        let entry = entry(version);
        let (prefix, field) = entry.key.split_once(':').unwrap();
        let expires = entry.expires.unwrap().as_millisecond().to_string();
        let key = entry.key.as_bytes();
        let hset = |what: &str, field: &str, value: &[u8]| {
            let name = format!("community-stats:{what}:{prefix}");
            server.raw(&[b"HSET", name.as_bytes(), field.as_bytes(), value]);
        };
        server.raw(&[b"SET", key, BODY, b"PXAT", expires.as_bytes()]);
        hset("index", field, read("cache-record.json").trim_ascii());
        let store = RedisStore::open(server.client(), prefix).unwrap();
        check(&store, version);
        if version > 1 {
            hset("notes", field, read("cache-note.json").trim_ascii());
            hset("first-years", "global", b"2024");
            assert_noted(&store);
        }
    }
}

#[test]
#[ignore = "writes the fixtures of the present format, once"]
fn write_the_present_format() {
    let (folder, entry) = (folder(VERSION), entry(VERSION));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("cache.db");
    assert!(!path.exists(), "a released format does not change");
    let changes = MemoryChanges {
        notes: vec![(entry.key.clone(), note())],
        first_years: vec![("global".to_owned(), 2024)],
        ..MemoryChanges::default()
    };
    let store = SqliteStore::open_with(&path, SqliteOptions::default(), clock()).unwrap();
    store.put(&entry, &Body::from_plain(BodyEncoding::Zstd, BODY).unwrap()).unwrap();
    store.remember(&changes).unwrap();
    drop(store);

    let server = RedisServer::shared().unwrap();
    let store = RedisStore::open(server.client(), "stats_dashboard").unwrap();
    store.put(&entry, &Body::from_plain(BodyEncoding::Plain, BODY).unwrap()).unwrap();
    store.remember(&changes).unwrap();
    for (what, file) in [("index", "cache-record.json"), ("notes", "cache-note.json")] {
        let values = server.say(&format!("HVALS community-stats:{what}:stats_dashboard"));
        let redis::Value::Array(values) = values else { panic!() };
        let redis::Value::BulkString(record) = &values[0] else { panic!() };
        std::fs::write(folder.join(file), [record.as_slice(), b"\n"].concat()).unwrap();
    }
}
