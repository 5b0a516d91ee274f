//! Documents that are gone: what was made of them stays until somebody says that the loss is meant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::{COASTAL, MEDIEVAL, Outcome, Scene};

const PLACE: [&str; 6] =
    ["--community-id", "global", "--year", "2025", "--category", "usage_delta"];

fn at<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["cache", command], &PLACE[..], more].concat()
}

/// The lines of `tiny-7` that `keep` lets through, imported into an archive made anew.
fn rebuild(scene: &Scene, keep: impl Fn(&str, &str) -> bool) {
    for ending in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(scene.data(&format!("archive.db{ending}"))));
    }
    let corpus = stats_testkit::fixtures::path("documents/tiny-7");
    let mut lines = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(&corpus).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".ndjson.gz") {
            continue;
        }
        let all = stats_testkit::fixtures::lines(file).unwrap();
        lines.extend(all.into_iter().filter(|line| keep(&name, line)));
    }
    let path = scene.write("rebuilt.ndjson", lines.join("\n"));
    scene.run(&["import", &path]).expect(0);
}

fn is_lost(name: &str, line: &str) -> bool {
    name.contains("usage-delta") && line.contains("\"community_id\":\"global\"")
}

fn held(outcome: &Outcome) -> BTreeSet<String> {
    let name = |it: &Value| format!("{}/{}", it["community_id"], it["category"]).replace('"', "");
    outcome.json()["held_responses"].as_array().unwrap().iter().map(name).collect()
}

#[test]
fn a_shelf_that_lost_its_documents_is_held_until_the_loss_is_accepted() {
    let scene = Scene::generated();
    let before = scene.run(&at("read", &[])).stdout;
    rebuild(&scene, |name, line| !is_lost(name, line));
    let usage = ["usage-delta-category", "usage_delta_data_downloads", "usage_delta_data_views"];
    let expected: BTreeSet<String> = usage.iter().map(|it| format!("global/{it}")).collect();
    // The index was made anew, other documents were lost, or all is asked for again: no difference.
    for more in [&[][..], &["--overwrite"], &["--force"], &["--no-optimize"]] {
        let arguments = [&["cache", "generate", "--json"], more].concat();
        let report = scene.run(&arguments).expect(3);
        assert_eq!(held(&report), expected, "{report}");
        let report = report.json();
        assert_eq!((&report["held"], &report["total"]), (&json!(3), &json!(32)), "{report}");
        assert_eq!(report["held_responses"][0]["days_now"], 0);
        assert_eq!(scene.run(&at("read", &[])).stdout, before);
    }
    let dry = scene.run(&["cache", "generate", "--dry-run", "--json"]).json();
    assert_eq!(dry["hold_because"], json!({"46 of 46 days are gone": 3}), "{dry}");

    let told = scene.run(&["cache", "generate"]).expect(3);
    assert!(told.stdout.contains("Held: 3 (46 of 46 days are gone)\n  global/2025/"), "{told}");
    assert!(told.stderr.contains("--accept-loss"), "{told}");
    let listed = scene.run(&["cache", "list", "--state", "held", "--json"]).expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    let explained = scene.run(&at("explain", &["--json"])).expect(0).json();
    assert_eq!(explained["state"], "held", "{explained}");
    assert_eq!(
        (&explained["documents_then"], &explained["documents_now"]),
        (&json!(46), &json!(0))
    );
    let doctor = scene.run(&["doctor"]);
    assert!(doctor.stdout.contains("3 responses are held"), "{doctor}");
    // It is not what would be made, and that is known.
    let verified = scene.run(&["cache", "verify", "--json"]).expect(3).json();
    assert_eq!((&verified["stale"], &verified["different"]), (&json!(3), &json!(0)), "{verified}");

    scene.run(&at("generate", &["--accept-loss"])).expect(0);
    assert_ne!(scene.run(&at("read", &[])).stdout, before);
    scene.run(&["cache", "generate", "--set", "generation.accept_loss=true"]).expect(0);
    scene.run(&["cache", "generate"]).expect(0);
    scene.run(&["cache", "verify"]).expect(0);
    let doctor = scene.run(&["doctor"]);
    assert!(!doctor.stdout.contains("held"), "{doctor}");
}

#[test]
fn what_comes_back_is_made_again() {
    let scene = Scene::generated();
    rebuild(&scene, |name, line| !is_lost(name, line));
    scene.run(&["cache", "generate"]).expect(3);
    rebuild(&scene, |_, _| true);
    scene.run(&["cache", "generate"]).expect(0);
    scene.run(&["cache", "verify"]).expect(0);
    assert_eq!(scene.run(&["cache", "list", "--state", "held", "--json"]).json(), json!([]));
}

/// A response that is held outlives its end, also when the loss was noticed only after it.
#[test]
fn what_is_held_lives_on() {
    let scene = Scene::generated();
    let before = scene.run(&at("read", &[])).stdout;
    rebuild(&scene, |name, line| !is_lost(name, line));
    let mut scene = scene.at("2026-01-28T12:00:00Z");
    scene.run(&at("generate", &[])).expect(3);
    for day in ["2026-02-20", "2026-03-15"] {
        scene = scene.at(&format!("{day}T12:00:00Z"));
        assert_eq!(scene.run(&at("read", &[])).expect(0).stdout, before, "{day}");
        scene.run(&at("generate", &[])).expect(3);
    }
    let scene = scene.at("2026-09-01T12:00:00Z");
    scene.run(&at("read", &[])).expect(1);
    scene.run(&at("generate", &[])).expect(3);
    assert_eq!(scene.run(&at("read", &[])).expect(0).stdout, before);
}

/// Documents of a few days are gone, in as many as are a tenth and in more.
#[test]
fn a_tenth_of_the_days_may_go() {
    for (gone, code) in [(4, 0), (5, 3)] {
        let scene = Scene::generated();
        let lost = std::cell::Cell::new(0);
        rebuild(&scene, |name, line| {
            let goes = is_lost(name, line) && lost.get() < gone;
            lost.set(lost.get() + i32::from(goes));
            !goes
        });
        scene.run(&at("generate", &[])).expect(code);
    }
}

/// Nor does a year wear away little by little, each time by less than a tenth.
#[test]
fn a_tenth_of_the_days_may_go_only_once() {
    let scene = Scene::generated();
    for (gone, code) in [(2, 0), (4, 0), (6, 3), (4, 0)] {
        let lost = std::cell::Cell::new(0);
        rebuild(&scene, |name, line| {
            let goes = is_lost(name, line) && lost.get() < gone;
            lost.set(lost.get() + i32::from(goes));
            !goes
        });
        let generated = scene.run(&at("generate", &[]));
        assert_eq!(generated.code, code, "{gone} days gone: {generated}");
    }
    rebuild(&scene, |name, line| !is_lost(name, line) || line.contains("-01T"));
    scene.run(&at("generate", &["--accept-loss"])).expect(0);
    scene.run(&at("generate", &["--force"])).expect(0);
}

/// Days count, not documents: copies of other days do not make up for those that are gone.
#[test]
fn copies_do_not_make_up_for_days() {
    let scene = Scene::generated();
    let before = scene.run(&at("read", &[])).stdout;
    let corpus = "documents/tiny-7/stats-community-usage-delta-2025.ndjson.gz";
    let lines = stats_testkit::fixtures::lines(corpus).unwrap();
    let mine: Vec<String> = lines.into_iter().filter(|line| is_lost("usage-delta", line)).collect();
    rebuild(&scene, |name, line| !is_lost(name, line));
    let copies = mine[..23].iter().flat_map(|line| {
        let copy = line.replacen("\"_id\":\"", "\"_id\":\"copy-", 1);
        assert_ne!(copy, *line);
        [line.clone(), copy]
    });
    let path = scene.write("copies.ndjson", copies.collect::<Vec<_>>().join("\n"));
    scene.run(&["import", &path]).expect(0);
    for _ in 0..2 {
        let report = scene.run(&at("generate", &["--json"])).expect(3).json();
        assert_eq!(report["held_responses"][0]["days_now"], 23, "{report}");
        assert_eq!(scene.run(&at("read", &[])).stdout, before);
        // Once it was read it is known.
        let listed = scene.run(&["cache", "list", "--state", "held", "--json"]).json();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    }
}

/// The year drops out of the lifespan with its documents and events, and its responses do not.
#[test]
fn a_year_that_dropped_out_of_the_plan_is_held() {
    let scene = Scene::generated().at("2026-01-01T12:00:00Z");
    let later = |line: &str| line.replace("\"created\":\"2025", "\"created\":\"2026");
    for ending in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(scene.data(&format!("archive.db{ending}"))));
    }
    let read = |name: &str| {
        stats_testkit::fixtures::lines(format!("documents/tiny-7/{name}.ndjson.gz")).unwrap()
    };
    let mut lines: Vec<String> = read("communities").iter().map(|line| later(line)).collect();
    assert!(lines.iter().any(|line| line.contains("\"created\":\"2026")), "{lines:?}");
    lines.extend(read("bookmarks"));
    let path = scene.write("rest.ndjson", lines.join("\n"));
    scene.run(&["import", &path]).expect(0);
    let generate = ["cache", "generate", "--json", "--community-id", COASTAL];
    let report = scene.run(&generate).expect(3).json();
    assert_eq!(report["held"], 8, "{report}");
    let explain = ["cache", "explain", "--json", "--community-id", COASTAL, "--year", "2025"];
    let explain = [&explain[..], &["--category", "record_delta"]].concat();
    assert_eq!(scene.run(&explain).expect(0).json()["state"], "held");
    let orphans = scene.run(&["cache", "clear", "--orphans", "--yes", "--json"]).expect(0).json();
    assert_eq!(orphans, json!({"deleted": 0}));
    let all = scene.run(&["cache", "list", "--json"]).json();
    let mut past = all.as_array().unwrap().iter().filter(|entry| entry["year"] == 2025);
    assert!(past.all(|entry| entry["state"] == "held"), "{all}");
    // The new year is complete through yesterday, and empty.
    assert_eq!(all.as_array().unwrap().len(), 32 + 8, "{all}");
}

/// A response that somebody put in the place of a held one is theirs.
#[test]
fn an_update_releases_what_is_held() {
    let scene = Scene::generated();
    rebuild(&scene, |name, line| !is_lost(name, line));
    scene.run(&at("generate", &[])).expect(3);
    scene.run_with(&at("update", &["-"]), "{\"mine\": 1}").expect(0);
    let explain = at("explain", &["--json"]);
    assert_eq!(scene.run(&explain).expect(0).json()["state"], "foreign");
    // One without points has no days to lose; one with points is spared like any other.
    let full = r#"{"global":{"views":[{"id":"global","data":[["11-16",5]]}]}}"#;
    scene.run_with(&at("update", &["-"]), full).expect(0);
    scene.run(&at("generate", &[])).expect(3);
    assert_eq!(scene.run(&at("read", &[])).stdout, full);
    scene.run(&[&["cache", "delete"], &PLACE[..]].concat()).expect(0);
    scene.run(&at("generate", &[])).expect(0);
}

/// What could not be made is remembered until it succeeds.
#[test]
fn the_last_failure_is_remembered_until_it_succeeds() {
    let scene = Scene::tiny();
    let one = std::cell::Cell::new(true);
    let file = "stats-community-usage-delta-2025.ndjson.gz";
    let path = super::support::changed(&scene, file, |line| {
        let hit = line.contains(MEDIEVAL) && one.replace(false);
        hit.then(|| line.replacen("\"subcounts\":{", "\"subcounts\":7,\"else\":{", 1))
    });
    scene.run(&["import", &path]).expect(0);
    scene.run(&["cache", "generate"]).expect(3);
    let scene = scene.at("2025-12-31T13:00:00Z");
    scene.run(&["cache", "generate"]).expect(3);
    let place = ["--community-id", MEDIEVAL, "--year", "2025", "--category", "usage_delta"];
    let explain = [&["cache", "explain", "--json"], &place[..]].concat();
    let failure = scene.run(&explain).expect(0).json()["last_failure"].clone();
    assert_eq!(
        (&failure["since"], &failure["last"]),
        (&json!("2025-12-31T12:00:00Z"), &json!("2025-12-31T13:00:00Z"))
    );
    let error = failure["error"].as_str().unwrap();
    assert!(error.contains("subcounts"), "{error}");
    let told = scene.run(&[&["cache", "explain"], &place[..]].concat()).expect(0);
    assert!(told.stdout.contains("Last attempt:       in vain on 2025-12-31T13:00:00Z"), "{told}");
    let listed = scene.run(&["cache", "list"]).expect(0);
    assert_eq!(
        listed.stdout.matches("failed 2 times, next try at 2025-12-31T13:0").count(),
        3,
        "{listed}"
    );
    assert_eq!(listed.stdout.matches("; last attempt in vain: ").count(), 3, "{listed}");
    let doctor = scene.run(&["doctor"]);
    assert!(doctor.stdout.contains("3 responses could not be made the last time"), "{doctor}");
    let states = |more: &[&str]| {
        let shown = [&["cache", "generate", "--dry-run", "--json"], more].concat();
        scene.run(&shown).expect(0).json()["states"].clone()
    };
    assert_eq!(states(&[])["failed"], json!(3), "{}", states(&[]));
    let given_up = states(&["--set", "run.attempts=2"]);
    assert_eq!((&given_up["dead"], &given_up["failed"]), (&json!(3), &json!(null)), "{given_up}");
    let shown = scene.run(&["cache", "generate", "--dry-run"]).expect(0);
    assert!(shown.stdout.contains("Of these 3 failed before"), "{shown}");

    let good = super::support::changed(&scene, file, Some);
    scene.run(&["import", &good]).expect(0);
    scene.run(&["cache", "generate"]).expect(0);
    assert_eq!(scene.run(&explain).expect(0).json()["last_failure"], json!(null));
}
