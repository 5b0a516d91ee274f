//! `cache generate`: what stands in Redis afterwards, and what the run tells others meanwhile.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use redis::Commands;
use serde_json::json;
use stats_testkit::services::{OpenSearch, Redis};

use super::changes::assert_changes_are_followed;
use super::corpus::{CATEGORIES, COMMUNITIES, DERIVED, DOCUMENTS, SURROUNDINGS, index};
use super::shared::LOCK;
use super::support::{Cluster, Live, TTL_DAYS};
use crate::cli::support::{NOW, Scene};

const GENERATE: [&str; 3] = ["cache", "generate", "--all-years"];

#[test]
fn every_body_equals_what_python_made() {
    let Some(live) = Live::new() else { return };
    let report = live.run(&GENERATE).expect(0);
    assert!(report.stdout.contains("Success: 32, Failed: 0\n"), "{report}");
    live.store.assert_golden("optimized");
    assert_derived_equal_those_of_an_archive(&live);
    assert_eq!(live.store.keys(), live.store.all_keys());
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let end = now.as_millisecond() + TTL_DAYS * 86_400_000;
    for key in live.store.all_keys() {
        assert_eq!(live.store.connection().pexpire_time::<_, i64>(&key).unwrap(), end, "{key}");
    }
    live.run(&[&GENERATE[..], &["--no-optimize"]].concat()).expect(0);
    live.store.assert_golden("full");
    assert_eq!(live.store.keys(), live.store.all_keys());
}

/// The package has no derived responses to compare with; those of an archive of the same documents
/// are made another way, without a cluster and without Redis.
fn assert_derived_equal_those_of_an_archive(live: &Live) {
    let scene = Scene::generated();
    for community in COMMUNITIES {
        for query in DERIVED {
            let cell = ["--community-id", community, "--year", "2025", "--category", query];
            let read = scene.command(&[&["cache", "read"], &cell[..]].concat()).output().unwrap();
            assert!(read.status.success() && read.stdout.len() > 100, "{community} {query}");
            let body = live.store.body(community, query).unwrap_or_default();
            assert!(body == read.stdout, "{community} {query}");
        }
    }
}

/// By the clock of the machine: 2025 is a past year, and the current one is not aggregated yet.
#[test]
fn entries_live_thirty_days_unless_told_otherwise() {
    let Some(live) = Live::small("usage_delta") else { return };
    let live = live.unset("CACHE_TTL_DAYS");
    let now = jiff::Timestamp::now();
    let live = live.at(&now.to_string());
    let report = live.generate(&["--category", "usage_delta", "--year", "2025"], 0);
    assert_eq!(report["success"], 4, "{report}");
    live.store.assert_golden_category("usage_delta", "usage-delta-category", "optimized");
    let key = live.store.key("global", 2025, "usage-delta-category");
    let end = now.as_millisecond() + 30 * 86_400_000;
    assert_eq!(live.store.connection().pexpire_time::<_, i64>(&key).unwrap(), end);
    let live = live.set("CACHE_TTL_DAYS", "0");
    live.generate(&["--category", "usage_delta", "--year", "2025", "--overwrite"], 0);
    assert_eq!(live.store.connection().pexpire_time::<_, i64>(&key).unwrap(), -1);
}

#[test]
fn others_see_what_goes_on_and_no_trace_of_it_afterwards() {
    let Some(live) = Live::new() else { return };
    let mut redis = live.store.connection();
    let _: () = redis.set("global_first_run", "in_progress").unwrap();
    let _: () = redis.set("global_agg_updated_2025", "2025-12-31T00:00:00+00:00").unwrap();
    let seen = Arc::new(Mutex::new((Vec::new(), None)));
    let (store, shared) = (live.store.clone(), Arc::clone(&seen));
    live.before_page(0, move || {
        *shared.lock().unwrap() = (store.registry(), store.lock());
    });
    live.run(&GENERATE).expect(0);
    let (registry, lock) = seen.lock().unwrap().clone();
    let caching: Vec<&String> = registry.iter().filter(|key| key.contains("_cache_")).collect();
    assert_eq!(caching.len(), 4, "{registry:?}");
    assert!(registry.contains(&"global_cache_2025".to_owned()), "{registry:?}");
    // The form that Python reads: `!` and a pickle of a token.
    let lock = lock.unwrap();
    assert_eq!((lock.len(), &lock[..4]), (52, &b"!\x80\x05\x95"[..]));

    assert_eq!(live.store.registry(), ["global_first_run"]);
    assert_eq!(redis.get::<_, String>("global_first_run").unwrap(), "completed");
    assert_eq!(live.store.lock(), None);
    let left: Vec<String> = redis.keys("community-stats:marks:*").unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_second_run_fetches_and_writes_nothing() {
    let Some(live) = Live::new() else { return };
    let journal = live.watch();
    let first = live.store.writes_during(|| {
        live.run(&GENERATE).expect(0);
    });
    let sets = |it: &&Vec<String>| it[0] == "set" && it[1].starts_with(&live.store.prefix);
    assert_eq!(first.iter().filter(sets).count(), 32);
    assert_eq!(journal.documents().len(), 686);
    let journal = live.watch();
    let second = live.store.writes_during(|| {
        let report = live.generate(&["--all-years"], 0);
        assert_eq!(report["skipped_because"], json!({"unchanged": 32}));
    });
    let (ledger, second): (Vec<_>, Vec<_>) =
        second.iter().partition(|words| words[1].starts_with("community-stats:ledger:"));
    let second: Vec<String> = second.iter().map(|words| words[..2].join(" ")).collect();
    assert_eq!(second, marks_and_lock());
    // That it was there is remembered, whatever number of responses it looked at: itself with what came of
    // it and its name among those of all runs; and what is kept of the one before is looked through.
    let remembered: BTreeSet<&str> = ledger.iter().map(|words| words[1].as_str()).collect();
    assert_eq!(remembered.len(), 4, "{remembered:?}");
    assert_eq!((journal.pages(), journal.manifests()), (0, 0));
    live.store.assert_golden("optimized");
}

/// What a run that makes nothing writes: the lock, and for every community the mark of a run that
/// others look at and what we remember about it, set and removed.
fn marks_and_lock() -> Vec<String> {
    let mut writes = vec![format!("set {LOCK}"), format!("set {LOCK}:holder")];
    let mut communities = COMMUNITIES;
    communities.sort_unstable();
    let mark = |community: &str| format!("{community}_cache_2025");
    for community in communities {
        let (mark, ours) = (mark(community), format!("community-stats:marks:{}", mark(community)));
        writes.push(format!("set {mark}"));
        writes.extend(["hset", "hset", "expire"].map(|command| format!("{command} {ours}")));
    }
    for community in communities {
        let (mark, ours) = (mark(community), format!("community-stats:marks:{}", mark(community)));
        writes.extend([format!("hdel {ours}"), format!("del {mark}"), format!("del {ours}")]);
    }
    writes.extend([format!("del {LOCK}:holder"), format!("del {LOCK}")]);
    writes
}

/// An installation whose indices were made with two shards.
#[test]
fn indices_of_two_shards() {
    let Some(node) = OpenSearch::shared() else { return };
    let Some(redis) = Redis::shared() else { return };
    let prefix = node.prefix().unwrap();
    let settings = json!({"settings": {"number_of_shards": 2}}).to_string();
    for (category, _) in CATEGORIES {
        let path = format!("/{prefix}{}", index(category));
        node.send("PUT", &path, settings.as_bytes()).unwrap();
    }
    let lines = SURROUNDINGS.iter().chain(DOCUMENTS.iter());
    let live = Live::over(Arc::new(Cluster::below(node, prefix, lines)), redis);
    live.run(&GENERATE).expect(0);
    live.store.assert_golden("optimized");
    assert_changes_are_followed(&live);
}
