//! Ledgers in every format that was ever released are still read.
//!
//! A new format gets files of its own, written once by the ignored test; the old ones stay.

use std::path::{Path, PathBuf};

use redis::{Commands, Connection};
use serde_json::json;
use stats_jobs::ledger::contract::Harness;
use stats_jobs::ledger::{
    JobOutcome, Ledger, Lookup, OutcomePage, Progress, Run, RunId, RunState, SqliteLedger, Trigger,
    Worker,
};

use super::redis::RedisHarness;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/formats/v1")
}

fn time(text: &str) -> jiff::Timestamp {
    format!("2026-11-29T{text}Z").parse().unwrap()
}

fn begun() -> Run {
    Run {
        asked_by: "stats@web-1".to_owned(),
        request: json!({ "communities": ["global"], "years": [2025] }),
        host: "web-1".to_owned(),
        pid: 4711,
        resumes: Some(RunId::of(time("15:50:00.010"), 0x1234)),
        ..Run::begin(
            RunId::of(time("16:50:00.500"), 0x4f2a),
            Trigger::Schedule,
            "",
            json!(null),
            time("16:50:00.500"),
        )
    }
}

fn ended() -> Run {
    Run {
        last_sign: time("16:52:03.004"),
        ended: Some(time("16:52:03.004")),
        state: RunState::Partly,
        planned: 43,
        done: 42,
        counts: [("current".to_owned(), 41), ("stored".to_owned(), 1)].into(),
        error: Some("one shelf could not be read".to_owned()),
        cancel_asked: true,
        ..begun()
    }
}

pub(super) fn outcome() -> JobOutcome {
    JobOutcome {
        job: "global/2025/usage-delta-category".to_owned(),
        outcome: "stored".to_owned(),
        detail: "it was older".to_owned(),
        at: time("16:51:00.001"),
        duration_ms: 31,
        bytes: 87_654,
    }
}

pub(super) fn worker() -> Worker {
    Worker {
        id: "web-1:4711".to_owned(),
        host: "web-1".to_owned(),
        pid: 4711,
        role: "stats".to_owned(),
        since: time("16:00:00.000"),
        last_sign: time("16:52:00.000"),
        doing: "global/2025".to_owned(),
    }
}

fn fill(ledger: &dyn Ledger) {
    ledger.begin(&begun()).unwrap();
    let outcomes = [outcome()];
    let counted = [("current".to_owned(), 41)].into();
    let progress = Progress { counted, ..Progress::new(time("16:51:00"), 43, 42, &outcomes) };
    ledger.progress(&begun().id, &progress).unwrap();
    assert!(ledger.ask_to_cancel(&begun().id).unwrap());
    let (at, error) = (time("16:52:03.004"), Some("one shelf could not be read"));
    ledger.end(&begun().id, at, RunState::Partly, error).unwrap();
    ledger.alive(&worker()).unwrap();
}

fn check(ledger: &dyn Ledger) {
    assert_eq!(ledger.run("20261129T1650").unwrap(), Lookup::One(Box::new(ended())));
    let page = OutcomePage { outcomes: vec![outcome()], after: 1 };
    assert_eq!(ledger.outcomes(&begun().id, 0, 9).unwrap(), page);
    assert_eq!(ledger.workers().unwrap(), [worker()]);
}

/// The keys and what lies under them, as JSON.
type Dump = serde_json::Map<String, serde_json::Value>;

fn dump(mut connection: Connection) -> Dump {
    let mut dump = Dump::new();
    let mut keys: Vec<String> = connection.keys("*").unwrap();
    keys.sort();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query(&mut connection).unwrap();
        let value = match kind.as_str() {
            "zset" => json!(connection.zrange::<_, Vec<String>>(&key, 0, -1).unwrap()),
            "list" => json!(connection.lrange::<_, Vec<String>>(&key, 0, -1).unwrap()),
            _ => {
                let mut fields: std::collections::BTreeMap<String, String> =
                    connection.hgetall(&key).unwrap();
                fields.remove("call");
                json!(fields)
            }
        };
        dump.insert(key, value);
    }
    dump
}

fn restore(mut connection: Connection, dump: Dump) {
    for (key, value) in dump {
        if let Some(fields) = value.as_object() {
            for (field, text) in fields {
                let () = connection.hset(&key, field, text.as_str().unwrap()).unwrap();
            }
            continue;
        }
        for text in value.as_array().unwrap() {
            let text = text.as_str().unwrap();
            if key.ends_with(":runs") {
                let () = connection.zadd(&key, text, 0).unwrap();
            } else {
                let () = connection.rpush(&key, text).unwrap();
            }
        }
    }
}

#[test]
fn every_version_of_the_sqlite_ledger_is_read() {
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("ledger.db");
    std::fs::copy(folder().join("ledger.db"), &path).unwrap();
    check(&SqliteLedger::open(path).unwrap());
}

#[test]
fn every_version_of_the_redis_ledger_is_read() {
    let Some(harness) = RedisHarness::start() else { return };
    let text = std::fs::read(folder().join("ledger-redis.json")).unwrap();
    restore(harness.connection(), serde_json::from_slice(&text).unwrap());
    check(harness.ledger());
}

/// The formats do not change unnoticed.
#[test]
fn what_is_written_is_of_the_present_format() {
    let Some(harness) = RedisHarness::start() else { return };
    fill(harness.ledger());
    let text = std::fs::read(folder().join("ledger-redis.json")).unwrap();
    let expected: Dump = serde_json::from_slice(&text).unwrap();
    assert_eq!(dump(harness.connection()), expected);
}

#[test]
#[ignore = "writes the fixtures of the present format, once"]
fn write_the_present_format() {
    let path = folder().join("ledger.db");
    assert!(!path.exists(), "a released format does not change");
    fill(&SqliteLedger::open(&path).unwrap());
    let harness = RedisHarness::start().unwrap();
    fill(harness.ledger());
    let mut text = serde_json::to_vec_pretty(&dump(harness.connection())).unwrap();
    text.push(b'\n');
    std::fs::write(folder().join("ledger-redis.json"), text).unwrap();
}
