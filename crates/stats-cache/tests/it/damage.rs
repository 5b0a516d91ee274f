//! Altered bits and cut files: what is served is what was stored, or nothing; and the next who writes
//! mends it. `COMMUNITY_STATS_FLIPS` is how many bits are altered, one after the other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use stats_cache::{
    Body, BodyEncoding, CacheErrorKind, CacheStore, EntryDescription, EntryFilter, EntryState,
    SqliteOptions, SqliteStore, response_key,
};
use stats_model::{Category, ManualClock};

const PREFIX: &str = "stats_dashboard";
const YEARS: std::ops::Range<i16> = 1990..2020;

fn flips() -> u64 {
    let given = std::env::var("COMMUNITY_STATS_FLIPS").ok();
    given.map_or(200, |text| text.parse().expect("a number"))
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2025-06-15T12:34:56Z".parse().unwrap()))
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open_with(path, SqliteOptions::default(), clock()).unwrap()
}

/// What is stored: a description and a body for each of its keys.
fn contents() -> BTreeMap<String, (EntryDescription, Vec<u8>)> {
    let mut contents = BTreeMap::new();
    for (number, year) in YEARS.enumerate() {
        for category in Category::ALL {
            let community = format!("community-{}", number % 7);
            let key = response_key(PREFIX, &community, year, category).into_string();
            // Some bodies fit a page beside others, some take several.
            let many = if number % 5 == 0 { 4000 } else { 40 };
            let noise: Vec<u64> =
                (0..many).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 30).collect();
            let body = serde_json::to_vec(&(&key, noise)).unwrap();
            let description = EntryDescription {
                key: key.clone(),
                community,
                year,
                category,
                created: Some(Timestamp::UNIX_EPOCH),
                expires: None,
                data_through: Some("2024-12-31".to_owned()),
                origin: None,
                plain_length: 0,
                stored_length: 0,
                sha256: None,
            };
            contents.insert(key, (description, body));
        }
    }
    contents
}

fn store_all(store: &SqliteStore, contents: &BTreeMap<String, (EntryDescription, Vec<u8>)>) {
    for (description, body) in contents.values() {
        let body = Body::from_plain(BodyEncoding::Zstd, body).unwrap();
        store.put(description, &body).unwrap();
    }
}

/// A file with all contents, closed.
fn whole(contents: &BTreeMap<String, (EntryDescription, Vec<u8>)>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    store_all(&open(&path), contents);
    std::fs::read(path).unwrap()
}

/// Asks for everything as commands that read do; nothing wrong may come.
fn read_all(path: &Path, contents: &BTreeMap<String, (EntryDescription, Vec<u8>)>) {
    let opened = SqliteStore::open_read_only(path, SqliteOptions::default(), clock());
    let store = match opened {
        Ok(store) => store,
        // An error names the file and is no panic: that is an answer.
        Err(error) => return assert!(error.to_string().contains("cache.db"), "{error}"),
    };
    check_answers(&store, contents);
}

fn check_answers(store: &SqliteStore, contents: &BTreeMap<String, (EntryDescription, Vec<u8>)>) {
    let right = |state: &EntryState| {
        let EntryState::Ours(found) = state else { return };
        let (wanted, _) = &contents[&found.key];
        assert_eq!((&found.community, found.year), (&wanted.community, wanted.year));
        assert_eq!((found.category, &found.origin), (wanted.category, &wanted.origin));
        assert_eq!((found.created, found.expires), (wanted.created, wanted.expires));
    };
    for (key, (_, body)) in contents {
        if let Ok(Some(entry)) = store.get(key) {
            assert_eq!((&entry.description.key, &entry.body), (key, body));
        }
    }
    let keys: Vec<String> = contents.keys().cloned().collect();
    if let Ok(states) = store.describe(&keys) {
        for (key, state) in keys.iter().zip(&states) {
            right(state);
            assert!(state.description().is_none_or(|found| found.key == *key));
        }
    }
    if let Ok(states) = store.list(&EntryFilter::default()) {
        states.iter().for_each(right);
    }
    drop(store.summary());
}

/// Does what a run does: opens the file to write, makes again what is missing or damaged, and what
/// cannot be read. After a second run at most, everything stands.
fn mend(path: &Path, contents: &BTreeMap<String, (EntryDescription, Vec<u8>)>) {
    let keys: Vec<String> = contents.keys().cloned().collect();
    for _ in 0..2 {
        let store = match SqliteStore::open_with(path, SqliteOptions::default(), clock()) {
            Ok(store) => store,
            // Nobody else's file, and nothing newer, is touched.
            Err(error) => {
                let kind = error.kind();
                assert!(matches!(kind, CacheErrorKind::NewerFormat), "{kind:?}: {error}");
                return;
            }
        };
        let Ok(states) = store.describe(&keys) else { continue };
        let unreadable = store.unreadable(&keys).unwrap_or_default();
        for (key, state) in keys.iter().zip(states) {
            if !state.stands() || unreadable.contains(key) {
                let (description, body) = &contents[key];
                let body = Body::from_plain(BodyEncoding::Zstd, body).unwrap();
                drop(store.put(description, &body));
            }
        }
    }
    let store = open(path);
    for (key, (_, body)) in contents {
        assert_eq!(store.get(key).unwrap().map(|entry| entry.body).as_ref(), Some(body), "{key}");
    }
}

/// The pages of indices and of the upper parts of tables, by the types of their trees.
fn index_pages(file: &[u8]) -> Vec<usize> {
    const PAGE: usize = 4096;
    (1..file.len() / PAGE).filter(|page| matches!(file[page * PAGE], 2 | 5 | 10)).collect()
}

#[test]
fn no_altered_bit_serves_another_body_and_the_next_run_mends_it() {
    let contents = contents();
    let whole = whole(&contents);
    let pages = index_pages(&whole);
    assert!(pages.len() > 3, "{pages:?}");
    let folder = tempfile::tempdir().unwrap();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    for flip in 0..flips() {
        let bit = match flip % 2 {
            0 => pages[next(pages.len())] * 4096 * 8 + next(4096 * 8),
            _ => next(whole.len() * 8),
        };
        let place = folder.path().join(flip.to_string());
        std::fs::create_dir(&place).unwrap();
        let path = place.join("cache.db");
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, damaged).unwrap();
        let run = || {
            read_all(&path, &contents);
            mend(&path, &contents);
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        assert!(outcome.is_ok(), "bit {bit}, page {}", bit / 8 / 4096 + 1);
        std::fs::remove_dir_all(&place).unwrap();
    }
}

#[test]
fn no_cut_file_serves_another_body_and_the_next_run_mends_it() {
    let contents = contents();
    let whole = whole(&contents);
    let folder = tempfile::tempdir().unwrap();
    let step = whole.len() / 40;
    let cuts = (0..whole.len()).step_by(step).chain([1, 15, 16, 17, 71, 72, 99, 100, 101, 4095]);
    for cut in cuts {
        let place = folder.path().join(cut.to_string());
        std::fs::create_dir(&place).unwrap();
        let path = place.join("cache.db");
        std::fs::write(&path, &whole[..cut]).unwrap();
        read_all(&path, &contents);
        mend(&path, &contents);
        std::fs::remove_dir_all(&place).unwrap();
    }
}
