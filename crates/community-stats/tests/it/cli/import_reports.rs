//! Inputs that people reported, from `fixtures/reports`, through the front door.

use insta::assert_snapshot;
use serde_json::Value;
use stats_testkit::fixtures;

use super::support::Scene;

pub(super) const COMMUNITY: &str = "11111111-2222-4333-8444-555555555555";

fn report(name: &str) -> String {
    fixtures::path("reports").join(name).to_str().unwrap().to_owned()
}

/// How many documents of a kind the archive holds for the responses of March and April 2024.
fn documents(scene: &Scene, community: &str, category: &str) -> u64 {
    let arguments = ["cache", "explain", "--community-id", community, "--year", "2024"];
    let arguments = [&arguments[..], &["--category", category, "--json"]].concat();
    scene.run(&arguments).expect(0).json()["documents_now"].as_u64().unwrap()
}

#[test]
fn two_installations_in_one_dump_are_not_mixed() {
    let scene = Scene::new();
    let dump = report("01-two-prefixes");
    assert_snapshot!(scene.run(&["import", &dump]), @"
    exit: 1
    kind   lines  new  replaced  unchanged  refused
    total      0    0         0          0        0
    -- stderr
    error: documents of several installations, which must not be mixed: their index names begin with 'prod-', 'prod-staging-'; nothing was imported
    hint: say which one is meant: source.index_prefix in the settings, COMMUNITY_STATS_SOURCE_INDEX_PREFIX in the environment, or a data folder for each
    ");
    let wanted = |prefix: &str| {
        let scene = Scene::new();
        let mut command = scene.command(&["import", &dump, "--json"]);
        command.env("COMMUNITY_STATS_SOURCE_INDEX_PREFIX", prefix);
        scene.finished(&command.output().unwrap())
    };
    for (prefix, other) in [("prod-", "prod-staging-"), ("prod-staging-", "prod-")] {
        let imported = wanted(prefix).expect(0).json();
        assert_eq!(imported["other_prefixes"].as_object().unwrap().keys().next().unwrap(), other);
        assert_eq!(imported["mixed_prefixes"], Value::Array(vec![]));
        assert!(imported["total"]["new"].as_u64().unwrap() > 0);
    }
    let nothing = wanted("test-").expect(1);
    assert!(nothing.stderr.contains("'prod-', 'prod-staging-'"), "{nothing}");
}

#[test]
fn indices_by_month_and_after_a_rollover_or_reindexing_are_known() {
    let scene = Scene::new();
    let imported = scene.run(&["import", &report("07-month-index"), "--json"]).expect(0).json();
    assert_eq!(imported["kinds"]["usage_delta"]["new"], 3, "{imported}");
    assert_eq!(documents(&scene, COMMUNITY, "usage_delta"), 3);
}
