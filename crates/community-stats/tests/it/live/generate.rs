//! `cache generate`: what stands in Redis afterwards, and what the run tells others meanwhile.

use std::sync::{Arc, Mutex};

use redis::Commands;
use serde_json::json;

use super::support::{Live, TTL_DAYS};
use crate::cli::support::NOW;

const GENERATE: [&str; 3] = ["cache", "generate", "--all-years"];

#[test]
fn every_body_equals_what_python_made() {
    let Some(live) = Live::new() else { return };
    let report = live.run(&GENERATE).expect(0);
    assert!(report.stdout.contains("Success: 32, Failed: 0\n"), "{report}");
    live.store.assert_golden("optimized");
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
    assert_eq!(first.len(), 32);
    assert_eq!(journal.documents().len(), 686);
    let journal = live.watch();
    let second = live.store.writes_during(|| {
        let report = live.generate(&["--all-years"], 0);
        assert_eq!(report["skipped_because"], json!({"unchanged": 32}));
    });
    assert!(second.is_empty(), "{second:?}");
    assert_eq!((journal.pages(), journal.manifests()), (0, 0));
    live.store.assert_golden("optimized");
}
