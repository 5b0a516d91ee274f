//! What communities are called, and what is told of those that nobody knows.

use serde_json::json;

use super::support::{COASTAL, MEDIEVAL, Scene, changed};

const CELL: [&str; 4] = ["--year", "2025", "--category", "usage_delta"];

/// The corpus, in which one community is called like the repository and one like another's id.
fn misleading() -> Scene {
    let scene = Scene::tiny();
    let path = changed(&scene, "communities.ndjson.gz", |line| {
        if line.contains(&format!("\"id\":\"{MEDIEVAL}\"")) {
            Some(line.replace("\"slug\":\"medieval-history-lab\"", "\"slug\":\"global\""))
        } else if line.contains("\"slug\":\"coastal-ecology-network\"") {
            let slug = format!("\"slug\":\"{MEDIEVAL}\"");
            Some(line.replace("\"slug\":\"coastal-ecology-network\"", &slug))
        } else {
            None
        }
    });
    scene.run(&["import", &path]).expect(0);
    scene
}

#[test]
fn no_slug_hides_the_repository_or_a_community() {
    let scene = misleading();
    for id in ["global", MEDIEVAL] {
        let generate = ["cache", "generate", "--json", "--community-id", id];
        let report = scene.run(&generate).expect(0).json();
        assert_eq!(report["success"], 8, "{report}");
        assert_eq!(report["responses"][0]["community_id"], id);
        let explain = [&["cache", "explain", "--json", "--community-id", id], &CELL[..]].concat();
        let explained = scene.run(&explain).expect(0).json();
        assert_eq!(
            (&explained["community_id"], &explained["state"]),
            (&json!(id), &json!("fresh"))
        );
        let listed = scene.run(&["cache", "list", "--json", "--community-id", id]).json();
        assert!(listed.as_array().unwrap().iter().all(|it| it["community_id"] == id), "{listed}");
        let verified = scene.run(&["cache", "verify", "--json", "--community-id", id]).expect(0);
        assert_eq!(verified.json()["checked"], 8);
    }
    let cached = |flag: &str, name: &str| {
        let arguments = [&["cache", "exists", flag, name], &CELL[..]].concat();
        scene.run(&arguments).code == 0
    };
    // As a slug it is the community that has it.
    assert!(cached("--community-slug", "global") && cached("--community-id", "global"));
    assert!(!cached("--community-slug", MEDIEVAL) && cached("--community-id", MEDIEVAL));
    let generate = ["cache", "generate", "--json", "--community-slug", MEDIEVAL];
    let report = scene.run(&generate).expect(0).json();
    assert_eq!(report["responses"][0]["community_id"], COASTAL, "{report}");
}

#[test]
fn nothing_is_done_for_a_community_that_nobody_knows() {
    let scene = Scene::generated();
    let before = scene.files();
    for command in ["read", "exists", "update", "explain"] {
        let arguments = [&["cache", command, "--community-id", "globl"], &CELL[..]].concat();
        let refused = scene.run_with(&arguments, "{}").expect(1);
        assert!(refused.stderr.contains("hint: did you mean 'global'?"), "{command}: {refused}");
        assert_eq!(refused.stdout, "", "{command}");
    }
    let delete = ["cache", "delete", "--community-id", "globl", "--year", "2025"];
    let refused = scene.run(&delete).expect(1);
    assert!(refused.stderr.contains("no community has the id 'globl'"), "{refused}");
    assert_eq!(scene.files(), before);
    assert_eq!(scene.run(&["cache", "list", "--json"]).json().as_array().unwrap().len(), 32);
}

/// `list`, `clear` and `explain` mean the same by an orphan.
#[test]
fn an_orphan_is_one_everywhere() {
    let scene = Scene::generated();
    let gone = changed(&scene, "communities.ndjson.gz", |line| {
        let line = line.replace("\"deletion_status\":\"P\"", "\"deletion_status\":\"D\"");
        line.contains(MEDIEVAL).then(|| line.replace("\"is_deleted\":false", "\"is_deleted\":true"))
    });
    scene.run(&["import", &gone]).expect(0);
    // A year that the community never had, and one that does not take part any more.
    let early = ["cache", "update", "--community-id", COASTAL, "--year", "2001"];
    scene.run_with(&[&early[..], &["--category", "usage_delta"]].concat(), "{}").expect(0);
    let all = scene.run(&["cache", "list", "--json"]).json();
    assert_eq!(all.as_array().unwrap().len(), 33, "{all}");
    let orphans = scene.run(&["cache", "list", "--json", "--state", "orphan"]).json();
    let orphans = orphans.as_array().unwrap();
    assert_eq!(orphans.len(), 9, "{orphans:?}");
    for entry in all.as_array().unwrap() {
        let year = entry["year"].to_string();
        let (id, category) =
            (entry["community_id"].as_str().unwrap(), entry["category"].as_str().unwrap());
        let explain = ["cache", "explain", "--json", "--community-id", id, "--year", &year];
        let explained = scene.run(&[&explain[..], &["--category", category]].concat()).expect(0);
        assert_eq!(explained.json()["state"], entry["state"], "{explained} {entry}");
    }
    let cleared = scene.run(&["cache", "clear", "--orphans", "--yes", "--json"]).expect(0).json();
    assert_eq!(cleared, json!({"deleted": 9}));
    let left = scene.run(&["cache", "list", "--json"]).json();
    assert_eq!(left.as_array().unwrap().len(), 24, "{left}");
}

#[test]
fn what_is_not_switched_on_is_said_to_be() {
    let scene = Scene::tiny();
    let off = changed(&scene, "communities.ndjson.gz", |line| {
        let off =
            line.replace("\"stats:dashboard_enabled\":true", "\"stats:dashboard_enabled\":false");
        (off != line).then_some(off)
    });
    scene.run(&["import", &off]).expect(0);
    let report = scene.run(&["cache", "generate"]).expect(0);
    assert!(report.stderr.contains("communities has switched its dashboard on"), "{report}");
    let place = [&["--community-id", COASTAL], &CELL[..]].concat();
    let explained = scene.run(&[&["cache", "explain", "--json"], &place[..]].concat()).json();
    assert!(explained["reason"].as_str().unwrap().contains("not switched its dashboard on"));
    assert_eq!(explained["due"], "when it is named");
    let read = scene.run(&[&["cache", "read"], &place[..]].concat()).expect(1);
    assert!(read.stderr.contains("not switched its dashboard on"), "{read}");
    // Named, it is made, and listed like any other.
    scene.run(&["cache", "generate", "--community-id", COASTAL]).expect(0);
    let listed = scene.run(&["cache", "list", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 16, "{listed}");
    assert!(listed.as_array().unwrap().iter().all(|entry| entry["state"] == "fresh"), "{listed}");
}

#[test]
fn years_that_no_community_has_are_told() {
    let scene = Scene::tiny();
    let report = scene.run(&["cache", "generate", "--years", "1999-2001"]).expect(3);
    assert!(report.stderr.contains("in no lifespan of a community asked for: 1999, 2000, 2001"));
    let report = scene.run(&["cache", "generate", "--years", "2024-2025"]).expect(0);
    assert!(report.stderr.contains("in no lifespan of a community asked for: 2024"), "{report}");
}

#[test]
fn an_aggregation_that_stands_still_is_told() {
    let scene = Scene::tiny().at("2026-01-05T12:00:00Z");
    assert_eq!(scene.run(&["cache", "generate"]).expect(0).stderr, "");
    let scene = scene.with(&["--set", "source.still_after=2"]);
    let report = scene.run(&["cache", "generate"]).expect(0);
    let still = "stands still: its newest bookmark is of 2025-12-31, 5 days ago";
    assert_eq!(report.stderr.matches(still).count(), 4, "{report}");
    let doctor = scene.run(&["doctor"]);
    assert_eq!(doctor.stdout.matches(still).count(), 4, "{doctor}");
    let scene = scene.at("2026-01-02T12:00:00Z");
    assert_eq!(scene.run(&["cache", "generate"]).expect(0).stderr, "");
}

/// Bookmarks without a document: nothing is made of nothing, and what stands stays.
#[test]
fn of_a_kind_without_documents_nothing_is_made() {
    let corpus = stats_testkit::fixtures::path("documents/tiny-7");
    let scene = Scene::new();
    let folder = scene.path("part");
    std::fs::create_dir(&folder).unwrap();
    for file in std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap()) {
        let name = file.file_name().into_string().unwrap();
        if !name.contains("usage-delta") {
            std::fs::copy(file.path(), folder.join(name)).unwrap();
        }
    }
    scene.run(&["import", folder.to_str().unwrap()]).expect(0);
    let doctor = scene.run(&["doctor"]);
    assert!(doctor.stdout.contains("there are none of usage_delta"), "{doctor}");
    let generated = scene.run(&["cache", "generate"]).expect(3);
    assert!(generated.stdout.contains("no usage_delta document is there"), "{generated}");
    let stored = scene.run(&["cache", "list", "--state", "fresh"]).expect(0).stdout;
    assert!(stored.contains("usage-snapshot") && !stored.contains("usage-delta"), "{stored}");
    // Who knows that there never were any may say so.
    scene.run(&["cache", "generate", "--accept-loss"]).expect(0);
    let stored = scene.run(&["cache", "list", "--state", "fresh"]).expect(0).stdout;
    assert!(stored.contains("usage-delta"), "{stored}");

    let alone = Scene::new();
    let bookmarks = folder.join("bookmarks.ndjson.gz");
    alone.run(&["import", bookmarks.to_str().unwrap()]).expect(0);
    assert_ne!(alone.run(&["cache", "generate"]).code, 0);
}

#[test]
fn a_bookmark_of_the_future_says_nothing() {
    let scene = Scene::tiny();
    let path = changed(&scene, "bookmarks.ndjson.gz", |line| {
        Some(line.replace("\"date\":\"2025", "\"date\":\"9025"))
    });
    scene.run(&["import", &path]).expect(0);
    let generated = scene.run(&["cache", "generate"]);
    assert!(generated.stdout.contains("a bookmark of the future (9025"), "{generated}");
    let stored = scene.run(&["cache", "list", "--state", "fresh"]).expect(0).stdout;
    assert!(!stored.contains("2025"), "{stored}");
    let doctor = scene.run(&["doctor"]).expect(1);
    assert!(doctor.stdout.contains("in the future"), "{doctor}");
}

/// Where nothing was imported yet, or the archive is gone, nobody knows a slug: that is the reason.
#[test]
fn a_slug_without_an_archive_is_no_answer() {
    let scene = Scene::generated();
    std::fs::remove_file(scene.data("archive.db")).unwrap();
    let place =
        ["--community-slug", "medieval-history-lab", "--year", "2025", "--category", "usage_delta"];
    for command in ["exists", "read", "delete"] {
        let told = scene.run(&[&["cache", command], &place[..]].concat()).expect(5);
        assert!(told.stderr.contains("there is no archive"), "{told}");
    }
    let id = ["cache", "exists", "--community-id", MEDIEVAL];
    scene.run(&[&id[..], &place[2..]].concat()).expect(0);
}

/// Neither another prefix nor a clock that was set back makes a loss of what stands.
#[test]
fn what_stands_elsewhere_or_later_is_said_to() {
    let scene = Scene::generated();
    let all = |scene: &Scene, state: &str, reason: &str| {
        let listed = scene.run(&["cache", "list", "--state", state]).expect(0).stdout;
        assert_eq!(listed.matches(reason).count(), 32, "{listed}");
    };
    let elsewhere = scene.with(&["--set", "cache.prefix=other"]);
    all(&elsewhere, "foreign", "stored under another prefix");
    elsewhere.run(&["cache", "clear", "--orphans", "--yes"]).expect(0);
    elsewhere.run(&["cache", "generate"]).expect(0);
    elsewhere.run(&["cache", "verify"]).expect(0);
    all(&elsewhere, "foreign", "stored under another prefix");
    let early = Scene::generated().at("2024-06-01T12:00:00Z");
    all(&early, "held", "its year has not begun");
    early.run(&["cache", "clear", "--orphans", "--yes"]).expect(0);
    all(&early, "held", "its year has not begun");
    early.run(&["cache", "verify"]).expect(3);
}

#[test]
fn doctor_says_what_an_archive_lacks() {
    let scene = Scene::new();
    let path = changed(&scene, "stats-community-usage-delta-2025.ndjson.gz", Some);
    scene.run(&["import", &path]).expect(0);
    let doctor = scene.run(&["doctor"]).expect(1);
    assert!(doctor.stdout.contains("so nothing can be made"), "{doctor}");
    assert!(doctor.stdout.contains("import the index stats-bookmarks-community"), "{doctor}");
    assert!(doctor.stdout.contains("import the index communities-communities"), "{doctor}");
}
