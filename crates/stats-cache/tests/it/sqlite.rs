//! The SQLite store: the contract, and what is its own.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use stats_cache::contract::{Damage, Harness, description};
use stats_cache::{
    Body, BodyEncoding, BulkLock, CacheErrorKind, CacheStore, EntryDescription, EntryFilter,
    EntryState, FileLock, LockLost, SqliteOptions, SqliteStore,
};
use stats_model::{Category, Clock, ManualClock};
use tempfile::TempDir;

struct SqliteHarness {
    folder: TempDir,
    clock: Arc<ManualClock>,
    store: SqliteStore,
}

impl SqliteHarness {
    fn start() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new("2025-06-15T12:34:56.789Z".parse().unwrap()));
        let store = open(&folder, &clock);
        Some(Self { folder, clock, store })
    }

    fn raw(&self) -> Connection {
        raw(&self.folder)
    }
}

fn open(folder: &TempDir, clock: &Arc<ManualClock>) -> SqliteStore {
    let clock: Arc<dyn Clock> = clock.clone();
    let options =
        SqliteOptions { busy_timeout: Duration::from_secs(5), ..SqliteOptions::default() };
    SqliteStore::open_with(folder.path().join("cache.db"), options, clock).unwrap()
}

fn raw(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("cache.db")).unwrap()
}

impl Harness for SqliteHarness {
    fn store(&self) -> &dyn CacheStore {
        &self.store
    }

    fn other(&self) -> Box<dyn CacheStore> {
        Box::new(open(&self.folder, &self.clock))
    }

    fn notebook(&self) -> &dyn stats_cache::Notebook {
        &self.store
    }

    fn other_notebook(&self) -> Box<dyn stats_cache::Notebook> {
        Box::new(open(&self.folder, &self.clock))
    }

    fn lock(&self) -> Box<dyn BulkLock> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Box::new(FileLock::beside(&self.folder.path().join("cache.db")).with_clock(clock))
    }

    fn prefix(&self) -> &'static str {
        "stats_dashboard"
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, duration: Duration) {
        self.clock.advance(SignedDuration::try_from(duration).unwrap());
    }

    fn short_life(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn damage(&self, key: &str, damage: Damage) {
        let connection = self.raw();
        if damage == Damage::UnknownFormat {
            let sql = "UPDATE entries SET format = 99 WHERE key = ?1";
            assert_eq!(connection.execute(sql, [key]).unwrap(), 1);
            return;
        }
        let of_key = "entry = (SELECT id FROM entries WHERE key = ?1)";
        let select = format!("SELECT bytes FROM bodies WHERE {of_key}");
        let mut bytes: Vec<u8> = connection.query_row(&select, [key], |row| row.get(0)).unwrap();
        match damage {
            Damage::Altered => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x10;
            }
            Damage::Cut => bytes.truncate(bytes.len() - 3),
            Damage::Emptied | Damage::UnknownFormat => bytes.clear(),
        }
        let update = format!("UPDATE bodies SET bytes = ?2 WHERE {of_key}");
        assert_eq!(connection.execute(&update, (key, bytes)).unwrap(), 1);
    }

    fn refuse_writes(&self, refuse: bool) {
        let sql = if refuse {
            "CREATE TRIGGER no_body BEFORE INSERT ON bodies
             BEGIN SELECT RAISE(ABORT, 'arranged'); END"
        } else {
            "DROP TRIGGER no_body"
        };
        self.raw().execute_batch(sql).unwrap();
    }
}

mod contract {
    stats_cache::cache_store_contract! {
        start: super::SqliteHarness::start,
        start_alone: super::SqliteHarness::start,
        keeps_expired: true,
        others_write: false,
    }
}

fn store_one(store: &SqliteStore, one: &EntryDescription, plain: &[u8]) {
    store.put(one, &Body::from_plain(BodyEncoding::Zstd, plain).unwrap()).unwrap();
}

fn open_error(path: &std::path::Path) -> (CacheErrorKind, String) {
    let error = SqliteStore::open(path).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
#[cfg(unix)]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let harness = SqliteHarness::start().unwrap();
    store_one(&harness.store, &description(&harness, "a", 2024, Category::UsageDelta), b"{}");
    let mut names = Vec::new();
    for file in std::fs::read_dir(harness.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["cache.db", "cache.db-shm", "cache.db-wal"]);
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let harness = SqliteHarness::start().unwrap();
    harness.raw().pragma_update(None, "user_version", 3).unwrap();
    let (kind, text) = open_error(harness.store.path());
    assert_eq!(kind, CacheErrorKind::NewerFormat);
    assert!(text.contains("format 3"), "{text}");
}

#[test]
fn files_that_are_something_else_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "some notes, long enough to be taken for a header".repeat(40)).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(open_error(&path).0, CacheErrorKind::Damaged);
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE entries (a)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let (kind, text) = open_error(&path);
    assert_eq!(kind, CacheErrorKind::Damaged);
    assert!(text.contains("another program"), "{text}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_missing_folder_is_said() {
    let folder = TempDir::new().unwrap();
    let (kind, text) = open_error(&folder.path().join("nowhere/cache.db"));
    assert_eq!(kind, CacheErrorKind::Unreachable);
    assert!(text.contains("nowhere/cache.db"), "{text}");
}

#[test]
fn a_full_store_says_so_and_keeps_what_it_has() {
    let harness = SqliteHarness::start().unwrap();
    let old = description(&harness, "a", 2024, Category::UsageDelta);
    store_one(&harness.store, &old, b"{\"old\":1}");
    let options = SqliteOptions { max_bytes: Some(100_000), ..SqliteOptions::default() };
    let path = harness.store.path();
    let small = SqliteStore::open_with(path, options, harness.clock.clone()).unwrap();
    let mut noise = vec![0_u8; 300_000];
    let mut number = 1_u32;
    for byte in &mut noise {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (number >> 24) as u8;
    }
    let body = Body::from_plain(BodyEncoding::Zstd, &noise).unwrap();
    let error = small.put(&old, &body).unwrap_err();
    assert_eq!(error.kind(), CacheErrorKind::Full);
    assert!(error.to_string().contains(&old.key), "{error}");
    assert_eq!(small.get(&old.key).unwrap().unwrap().body, b"{\"old\":1}");
    store_one(&small, &old, b"{\"new\":1}");
    assert_eq!(small.get(&old.key).unwrap().unwrap().body, b"{\"new\":1}");
}

#[test]
fn a_long_write_of_another_process_is_busy_and_reads_go_on() {
    let harness = SqliteHarness::start().unwrap();
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    store_one(&harness.store, &one, b"{}");
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(50), ..SqliteOptions::default() };
    let path = harness.store.path();
    let hasty = SqliteStore::open_with(path, options, harness.clock.clone()).unwrap();
    let blocker = harness.raw();
    blocker.execute_batch("BEGIN IMMEDIATE; DELETE FROM entries").unwrap();
    let body = Body::from_plain(BodyEncoding::Zstd, b"[]").unwrap();
    assert_eq!(hasty.put(&one, &body).unwrap_err().kind(), CacheErrorKind::Busy);
    assert_eq!(hasty.get(&one.key).unwrap().unwrap().body, b"{}");
    blocker.execute_batch("ROLLBACK").unwrap();
    hasty.put(&one, &body).unwrap();
}

#[test]
fn a_fresh_file_is_made_once_by_many_at_once() {
    for _ in 0..10 {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| open(&folder, &clock).summary().unwrap());
            }
        });
    }
}

#[test]
fn expired_entries_are_purged_and_their_room_is_given_back() {
    let harness = SqliteHarness::start().unwrap();
    let noise: String = (0..200_000_u64)
        .map(|n| char::from(b'a' + (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59) as u8 % 26))
        .collect();
    for year in 2000..2010 {
        let mut one = description(&harness, "a", year, Category::UsageDelta);
        if year % 2 == 0 {
            one.expires = Some(harness.now() + SignedDuration::from_secs(60));
        }
        store_one(&harness.store, &one, noise.as_bytes());
    }
    assert_eq!(harness.store.purge_expired().unwrap(), 0);
    harness.pass(Duration::from_secs(60));
    let summary = harness.store.summary().unwrap();
    assert_eq!((summary.entries, summary.expired), (5, 5));
    assert_eq!(harness.store.purge_expired().unwrap(), 5);
    let summary = harness.store.summary().unwrap();
    assert_eq!((summary.entries, summary.expired), (5, 0));
    let pages = |name: &str| -> i64 {
        harness.raw().pragma_query_value(None, name, |row| row.get(0)).unwrap()
    };
    assert_eq!(pages("freelist_count"), 0);
    assert_eq!(harness.store.clear().unwrap(), 5);
    assert!(pages("page_count") < 20);
    let bodies: i64 =
        harness.raw().query_row("SELECT count(*) FROM bodies", [], |row| row.get(0)).unwrap();
    assert_eq!(bodies, 0);
}

#[test]
fn a_missing_body_is_damage() {
    let harness = SqliteHarness::start().unwrap();
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    store_one(&harness.store, &one, b"{}");
    harness.raw().execute("DELETE FROM bodies", []).unwrap();
    assert_eq!(harness.store.get(&one.key).unwrap(), None);
    assert_eq!(harness.store.summary().unwrap().damaged_reads, 1);
}

#[test]
fn an_altered_description_is_damage_that_names_its_key() {
    let harness = SqliteHarness::start().unwrap();
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    store_one(&harness.store, &one, b"{}");
    harness.raw().execute("UPDATE entries SET category = 'weather'", []).unwrap();
    let states = harness.store.list(&EntryFilter::default()).unwrap();
    let [EntryState::Damaged(found)] = states.as_slice() else { panic!("{states:?}") };
    assert_eq!(found.key, one.key);
    assert!(found.why.contains("not as it was written"), "{found}");
}

#[test]
fn descriptions_are_read_without_bodies() {
    let harness = SqliteHarness::start().unwrap();
    let store = &harness.store;
    store_one(store, &description(&harness, "a", 2024, Category::UsageDelta), b"{}");
    let connection = harness.raw();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); DROP TABLE bodies").unwrap();
    assert_eq!(store.list(&EntryFilter::default()).unwrap().len(), 1);
    assert_eq!(store.summary().unwrap().entries, 1);
    let key = description(&harness, "a", 2024, Category::UsageDelta).key;
    assert!(matches!(store.describe(&[key]).unwrap()[0], EntryState::Ours(_)));
}

/// Who deletes the file of a store takes no lock away: the run goes on in the new file, and whoever has
/// lost the lock does not come in.
#[test]
fn a_run_goes_on_in_a_new_file_and_a_lost_one_does_not() {
    let harness = SqliteHarness::start().unwrap();
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    let body = Body::from_plain(BodyEncoding::Zstd, b"{}").unwrap();
    let acquire = || Arc::from(harness.lock().acquire(harness.now()).unwrap().unwrap());
    let delete = || {
        let files = std::fs::read_dir(harness.folder.path()).unwrap().map(|file| file.unwrap());
        let store = files.filter(|file| !file.file_name().to_string_lossy().ends_with(".lock"));
        store.for_each(|file| std::fs::remove_file(file.path()).unwrap());
    };
    let lost = harness.store.fenced(acquire()).unwrap();
    delete();
    lost.put(&one, &body).unwrap();
    assert!(harness.store.get(&one.key).unwrap().is_some());

    harness.lock().take_away(&|_| true).unwrap();
    let run = harness.store.fenced(acquire()).unwrap();
    delete();
    assert_eq!(lost.put(&one, &body).unwrap_err().kind(), CacheErrorKind::Own(LockLost));
    assert_eq!(harness.store.get(&one.key).unwrap(), None);
    run.put(&one, &body).unwrap();
    assert_eq!(lost.put(&one, &body).unwrap_err().kind(), CacheErrorKind::Own(LockLost));
}

/// Each of the two tells alone: the row where the lock file does not, as where a file system gives the
/// numbers of files anew.
#[test]
fn a_row_of_somebody_else_closes_a_run_that_has_the_lock() {
    let harness = SqliteHarness::start().unwrap();
    let one = description(&harness, "a", 2024, Category::UsageDelta);
    let body = Body::from_plain(BodyEncoding::Zstd, b"{}").unwrap();
    let lease = harness.lock().acquire(harness.now()).unwrap().unwrap();
    let run = harness.store.fenced(lease.into()).unwrap();
    run.put(&one, &body).unwrap();
    assert_eq!(harness.raw().execute("UPDATE fence SET token = 'x'", []).unwrap(), 1);
    assert_eq!(run.put(&one, &body).unwrap_err().kind(), CacheErrorKind::Own(LockLost));
}
