//! Data folder, archive, store.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use community_stats::doctor::State::{Failed, Ok, Unreachable, Warning};
use stats_cache::SqliteStore;
use stats_documents::{Archive, ArchiveOptions};
use stats_jobs::contract::message;
use stats_jobs::ledger::SqliteLedger;
use stats_jobs::{EmbeddedBroker, EmbeddedOptions, Queue};
use stats_model::SystemClock;

use super::Patient;

fn mode(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn nothing_is_there_yet() {
    let patient = Patient::new();
    let found = patient.examine();
    found.expect("settings", Ok, "without a file");
    found.expect("data folder", Ok, "is not there yet");
    found.expect("free space", Ok, "free at");
    let archive = found.expect("archive", Unreachable, "there is none at");
    assert!(archive.remedy.as_ref().unwrap().contains("community-stats import"));
    found.expect("store", Ok, "is not there yet");
    assert!(!patient.folder.path().join("data").exists(), "doctor makes nothing");
}

#[test]
fn everything_is_there() {
    let patient = Patient::new();
    let data = patient.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    mode(&data, 0o700);
    drop(Archive::open(data.join("archive.db"), ArchiveOptions::default()).unwrap());
    drop(SqliteStore::open(data.join("cache.db")).unwrap());
    let found = patient.examine();
    found.expect("data folder", Ok, "data");
    assert!(found.expect("archive", Ok, "0 documents on 0 shelves").millis.is_some());
    let store = found.expect("store", Ok, "0 entries, 0 of them expired");
    assert!(store.version.as_ref().unwrap().starts_with("SQLite 3."), "{store:?}");
    let left: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!left.iter().any(|path| path.to_string_lossy().contains("doctor")), "{left:?}");
}

#[test]
fn a_queue_and_a_ledger_are_looked_at_where_they_are_there() {
    let patient = Patient::new();
    let data = patient.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let found = patient.examine();
    assert!(!found.has("queue") && !found.has("ledger"), "{:?}", found.0);
    let clock = Arc::new(SystemClock);
    let broker = EmbeddedBroker::open(data.join("queue.db"), EmbeddedOptions::default(), clock);
    broker.unwrap().queue("stats-cache").send(&message(1)).unwrap();
    drop(SqliteLedger::open(data.join("ledger.db")).unwrap());
    let found = patient.examine();
    found.expect("queue", Ok, "queue.db: 1 task");
    found.expect("ledger", Ok, "ledger.db");
}

#[test]
fn folders_that_others_can_read() {
    let patient = Patient::new();
    let data = patient.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    mode(&data, 0o755);
    let found = patient.examine();
    let folder = found.expect("data folder", Warning, "mode 755");
    assert!(folder.remedy.as_ref().unwrap().starts_with("chmod 700 "));
}

#[test]
fn folders_that_cannot_be() {
    let patient = Patient::new();
    fs::write(patient.folder.path().join("data"), "").unwrap();
    patient.examine().expect("data folder", Failed, "is no folder");
    let patient = Patient::new().with("data.dir", "/proc/nowhere/data");
    patient.examine().expect("data folder", Failed, "cannot be made in /proc");
    let patient = Patient::new().with("data.dir", "/proc");
    patient.examine().expect("data folder", Failed, "cannot be written to");
}

#[test]
fn files_that_are_something_else() {
    let patient = Patient::new();
    let data = patient.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("archive.db"), "no database at all, ".repeat(1000)).unwrap();
    fs::write(data.join("cache.db"), "no database at all, ".repeat(1000)).unwrap();
    fs::write(data.join("queue.db"), "no database at all, ".repeat(1000)).unwrap();
    fs::write(data.join("ledger.db"), "no database at all, ".repeat(1000)).unwrap();
    let found = patient.examine();
    let queue = found.expect("queue", Failed, "queue.db");
    assert!(queue.remedy.as_ref().unwrap().contains("move it away"), "{queue:?}");
    let ledger = found.expect("ledger", Failed, "ledger.db");
    assert!(ledger.remedy.as_ref().unwrap().contains("sets it aside"), "{ledger:?}");
    let archive = found.expect("archive", Failed, "archive.db");
    assert!(archive.remedy.as_ref().unwrap().contains("import again"), "{archive:?}");
    let store = found.expect("store", Failed, "cache.db");
    assert!(store.remedy.as_ref().unwrap().contains("has to be moved away"), "{store:?}");
}

#[test]
fn mirrors_are_for_their_owner() {
    let patient = Patient::new()
        .with("source.hosts", "http://127.0.0.1:1")
        .with("mirror.max_size", "1000 TB");
    let found = patient.examine();
    found.expect("mirror", Ok, "is not there yet");
    found.expect("free space", Warning, "the mirror may grow by");
    assert!(!found.has("archive"));

    let data = patient.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let offline =
        patient.settings.iter().cloned().chain([("mirror.offline".to_owned(), "true".to_owned())]);
    let offline =
        Patient { folder: tempfile::TempDir::new().unwrap(), settings: offline.collect() };
    let found = offline.examine();
    found.expect("mirror", Unreachable, "the cluster is not asked");
    assert!(!found.has("opensearch"), "it is not needed");
    let file = data.join("mirror.db");
    drop(Archive::open(&file, ArchiveOptions::default()).unwrap());
    patient.examine().expect("mirror", Ok, "0 documents");
    mode(&file, 0o644);
    let found = patient.examine();
    let mirror = found.expect("mirror", Warning, "mode 644");
    assert!(mirror.remedy.as_ref().unwrap().starts_with("chmod 600 "));
}
