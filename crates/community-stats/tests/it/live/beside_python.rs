//! Python writes to the same keys without telling us.

use redis::Commands;
use serde_json::json;

use super::support::Live;

const PYTHON: &str = "{\"made\": \"by Python\"}";
const GLOBAL: [&str; 6] =
    ["--category", "usage_delta", "--community-id", "global", "--year", "2025"];

/// By a clock on which 2025 is over.
fn in_the_next_year(live: Live) -> Live {
    live.at("2026-01-01T12:00:00Z")
}

#[test]
fn what_python_wrote_of_past_years_is_kept_unless_it_is_marked() {
    let Some(live) = Live::new() else { return };
    let live = in_the_next_year(live);
    let key = live.store.key("global", 2025, "usage-delta-category");
    let mut redis = live.store.connection();
    let _: () = redis.set(&key, PYTHON).unwrap();
    let report = live.generate(&GLOBAL, 0);
    assert_eq!(report["skipped_because"], json!({"made by another writer": 1}));
    assert_eq!(redis.get::<_, String>(&key).unwrap(), PYTHON);
    let listed = live.run(&["cache", "list", "--json", "--state", "foreign"]).expect(0).json();
    assert_eq!(listed[0]["cache_key"], key.as_str(), "{listed}");
    let read = [&["cache", "read"], &GLOBAL[..]].concat();
    assert_eq!(live.run(&read).expect(0).stdout, PYTHON);

    // The four categories of the package are what a mark is about; here is only one of them.
    let _: () = redis.set("global_agg_updated_2025", "now").unwrap();
    let report = live.generate(&GLOBAL, 0);
    assert_eq!(report["success"], 1, "{report}");
    assert!(redis.exists::<_, bool>("global_agg_updated_2025").unwrap());
    live.store.assert_golden_community("usage_delta", "global");
}

#[test]
fn what_python_wrote_of_the_current_year_is_made_again() {
    let Some(live) = Live::new() else { return };
    let key = live.store.key("global", 2025, "usage-delta-category");
    let mut redis = live.store.connection();
    let _: () = redis.set(&key, PYTHON).unwrap();
    live.generate(&GLOBAL, 0);
    live.store.assert_golden_community("usage_delta", "global");
    // Over one of ours, with another lifetime or none at all.
    for seconds in [None, Some(86_400)] {
        match seconds {
            None => redis.set::<_, _, ()>(&key, PYTHON).unwrap(),
            Some(seconds) => redis.set_ex::<_, _, ()>(&key, PYTHON, seconds).unwrap(),
        }
        let explain = [&["cache", "explain"], &GLOBAL[..], &["--json"]].concat();
        assert_eq!(live.run(&explain).expect(0).json()["state"], "foreign");
        live.generate(&GLOBAL, 0);
        live.store.assert_golden_community("usage_delta", "global");
        assert_eq!(live.run(&explain).expect(0).json()["state"], "fresh");
    }
}

#[test]
fn a_mark_of_the_aggregation_goes_when_its_year_stands_and_it_is_still_the_same() {
    let Some(live) = Live::new() else { return };
    let live = in_the_next_year(live);
    let mut redis = live.store.connection();
    let _: () = redis.set("global_agg_updated_2025", "first").unwrap();
    // A newer mark comes while the run goes on: it is for the next run.
    let url = live.store.responses.clone();
    live.before_page(0, move || {
        let mut redis = super::shared::connection(&url);
        let _: () = redis.set("global_agg_updated_2025", "second").unwrap();
    });
    live.generate(&["--community-id", "global", "--year", "2025"], 0);
    assert_eq!(redis.get::<_, String>("global_agg_updated_2025").unwrap(), "second");
    live.cluster.proxy.clear();
    live.generate(&["--community-id", "global", "--year", "2025"], 0);
    assert!(!redis.exists::<_, bool>("global_agg_updated_2025").unwrap());
    assert_eq!(live.store.bodies().len(), 8);
}
