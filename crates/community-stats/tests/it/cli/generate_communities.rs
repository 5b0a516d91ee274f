//! `cache generate`: which communities take part, and what becomes of those that are gone.

use serde_json::json;

use super::support::{MEDIEVAL, Scene, changed};

#[test]
fn deleted_communities_are_left_out_and_fail_when_named() {
    let scene = Scene::tiny();
    let path = changed(&scene, "communities.ndjson.gz", |line| {
        let line = line.replace("\"deletion_status\":\"P\"", "\"deletion_status\":\"D\"");
        line.contains(MEDIEVAL).then(|| line.replace("\"is_deleted\":false", "\"is_deleted\":true"))
    });
    scene.run(&["cache", "generate"]).expect(0);
    scene.run(&["import", &path]).expect(0);
    let report = scene.run(&["cache", "generate", "--json"]).expect(0).json();
    assert_eq!(report["total"], 24);
    let report = scene.run(&["cache", "generate", "--json", "--community-id", MEDIEVAL]).expect(3);
    let report = report.json();
    assert_eq!(report["failed"], 8);
    assert_eq!(report["errors"][0]["error"], "the community was deleted");
    scene.run(&["cache", "generate", "--community-slug", "medieval-history-lab"]).expect(1);

    let orphans = scene.run(&["cache", "clear", "--orphans", "--yes", "--json"]).expect(0).json();
    assert_eq!(orphans, json!({"deleted": 8}));
    let orphans = scene.run(&["cache", "clear", "--orphans", "--yes", "--json"]).expect(0).json();
    assert_eq!(orphans, json!({"deleted": 0}));
}

/// Documents outlive their community: they do not keep its entries.
#[test]
fn entries_of_a_community_that_is_not_known_any_more_are_orphans() {
    let scene = Scene::new();
    let others =
        changed(&scene, "communities.ndjson.gz", |line| (!line.contains(MEDIEVAL)).then_some(line));
    scene.run(&["import", &others]).expect(0);
    let corpus = stats_testkit::fixtures::path("documents/tiny-7");
    for file in std::fs::read_dir(&corpus).unwrap() {
        let file = file.unwrap().path();
        if !file.ends_with("communities.ndjson.gz") {
            scene.run(&["import", file.to_str().unwrap()]).expect(0);
        }
    }
    let all = scene.run(&["cache", "generate", "--json"]).expect(0).json();
    assert_eq!(all["success"], 24);
    let named = ["cache", "generate", "--json", "--community-id", MEDIEVAL];
    assert_eq!(scene.run(&named).expect(0).json()["success"], 8);
    let orphans = scene.run(&["cache", "clear", "--orphans", "--yes", "--json"]).expect(0).json();
    assert_eq!(orphans, json!({"deleted": 8}));
    assert_eq!(scene.run(&["cache", "info", "--json"]).json()["entries"], 24);
}

/// Without any community at all, those that have documents are the communities.
#[test]
fn without_communities_nothing_with_documents_is_an_orphan() {
    let scene = Scene::new();
    let corpus = stats_testkit::fixtures::path("documents/tiny-7");
    for file in std::fs::read_dir(&corpus).unwrap() {
        let file = file.unwrap().path();
        if !file.ends_with("communities.ndjson.gz") {
            scene.run(&["import", file.to_str().unwrap()]).expect(0);
        }
    }
    scene.run(&["cache", "generate"]).expect(0);
    let orphans = scene.run(&["cache", "clear", "--orphans", "--yes", "--json"]).expect(0).json();
    assert_eq!(orphans, json!({"deleted": 0}));
}

#[test]
fn communities_that_do_not_take_part_are_made_when_named_or_without_opt_in() {
    let scene = Scene::tiny();
    let members = |arguments: &[&str]| {
        let arguments = [&["cache", "generate", "--dry-run", "--json"], arguments].concat();
        let plan = scene.run(&arguments).expect(0).json();
        plan["communities"].as_array().unwrap().len()
    };
    assert_eq!(members(&[]), 4);
    assert!(members(&["--set", "communities.opt_in=false"]) > 4);
    assert_eq!(members(&["--community-id", "global", "--community-id", "global"]), 1);
}

#[test]
fn documents_alone_are_enough_to_know_the_communities() {
    let scene = Scene::new();
    for file in ["stats-community-usage-delta-2025.ndjson.gz", "bookmarks.ndjson.gz"] {
        let path = changed(&scene, file, Some);
        scene.run(&["import", &path]).expect(0);
    }
    let report = scene.run(&["cache", "generate", "--category", "usage_delta", "--json"]).expect(0);
    let report = report.json();
    assert_eq!((&report["success"], &report["total"]), (&json!(4), &json!(4)), "{report}");
}
