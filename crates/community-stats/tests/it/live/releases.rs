//! Beside the other release line of OpenSearch.

use std::sync::Arc;

use serde_json::json;
use stats_testkit::services::{OpenSearch, Redis, Release};

use super::corpus::{CATEGORIES, DOCUMENTS, SURROUNDINGS, index, shelf};
use super::support::{Change, Cluster, Live};
use crate::cli::support::COASTAL;

#[test]
fn all_years_beside_opensearch_3() {
    let Some(node) = OpenSearch::shared_release(Release::V3) else { return };
    let Some(redis) = Redis::shared() else { return };
    let cluster = Cluster::of(node, SURROUNDINGS.iter().chain(DOCUMENTS.iter()));
    let live = Live::over(Arc::new(cluster), redis);

    let doctor = live.run(&["doctor", "--json"]).expect(0).json();
    let checks = doctor["checks"].as_array().unwrap();
    let find = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert!(find("opensearch")["version"].as_str().unwrap().starts_with("3."), "{doctor:#}");
    let aliases = CATEGORIES.map(|(category, _)| index(category).replace("-2025", ""));
    for name in aliases.iter().map(|alias| format!("alias {alias}")) {
        assert_eq!(find(&name)["state"], "ok", "{doctor:#}");
    }
    for name in ["opensearch", "change feed", "bookmarks", "community events", "communities"] {
        assert_eq!(find(name)["state"], "ok", "{doctor:#}");
    }

    let journal = live.watch();
    assert_eq!(live.generate(&["--all-years"], 0)["success"], 32);
    assert_eq!(journal.documents().len(), 686);
    live.store.assert_golden("optimized");

    let journal = live.watch();
    let report = live.generate(&["--all-years"], 0);
    assert_eq!(report["skipped_because"], json!({"unchanged": 32}), "{report}");
    assert_eq!((journal.pages(), journal.manifests()), (0, 0));

    let line = &shelf("usage_delta", COASTAL)[10];
    live.cluster.write(&[Change::altered(line)]);
    let journal = live.watch();
    let report = live.generate(&["--all-years"], 0);
    assert_eq!(journal.documents(), [line.id.as_str()]);
    assert_eq!((&report["success"], &report["skipped"]), (&json!(3), &json!(29)), "{report}");
    live.run(&["cache", "verify", "--source"]).expect(0);
}
