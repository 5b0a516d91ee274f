//! `cache generate`: what is made, what is not, and why.

use std::cell::Cell;

use insta::assert_snapshot;
use serde_json::json;

use super::support::{COASTAL, Scene, changed};

#[test]
fn makes_everything_then_nothing() {
    let scene = Scene::tiny();
    let first = scene.run(&["cache", "generate"]);
    let without_time: Vec<&str> =
        first.stdout.lines().filter(|line| !line.starts_with("Read ")).collect();
    assert_snapshot!(without_time.join("\n"), @"
    Cache generation completed
    Success: 32, Failed: 0
    Total: 32
    ");
    assert_snapshot!(scene.run(&["cache", "generate"]), @"
    exit: 0
    No cache entries to generate.
    Success: 0, Failed: 0
    Skipped: 32 (unchanged)
    Total: 32
    ");
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let scene = Scene::tiny();
    let before = scene.files();
    let dry = ["cache", "generate", "--dry-run", "--community-slug", "medieval-history-lab"];
    assert_snapshot!(scene.run(&dry), @"
    exit: 0
    Would generate cache for:
      Communities: 375f4ed0-a07d-4a3e-b930-5c18064f075b
      Years: years 2025-2025
      Categories: usage-snapshot-category, usage-delta-category, record-snapshot-category, record-delta-category, record_delta_data_added, record_delta_data_removed, usage_delta_data_views, usage_delta_data_downloads
      Year range per community:
        375f4ed0-a07d-4a3e-b930-5c18064f075b: 2025-2025 (8 entries)
      Total combinations: 8
      All 8 entries are new.

    Would make: 8
      8 not made yet
    Estimated time: unknown for 184 documents, as nothing was measured yet
    ");
    assert_eq!(scene.files(), before);
}

#[test]
fn a_dry_run_tells_what_is_there_and_which_years_are_in_no_lifespan() {
    let scene = Scene::tiny();
    let generated = scene.run(&["cache", "generate", "--community-id", "global"]).expect(0);
    assert!(generated.stdout.contains("Success: 8, Failed: 0\n"), "{generated}");
    let dry = ["cache", "generate", "--dry-run", "--community-id", "global", "--year", "2025"];
    assert_snapshot!(scene.run(&dry), @"
    exit: 0
    Would generate cache for:
      Communities: global
      Years: years 2025-2025
      Categories: usage-snapshot-category, usage-delta-category, record-snapshot-category, record-delta-category, record_delta_data_added, record_delta_data_removed, usage_delta_data_views, usage_delta_data_downloads
      Year range per community:
        global: 2025-2025 (8 entries)
      Total combinations: 8
      Existing entries: 8
      New entries to create: 0

    ⚠️  8 entries already exist in cache.
       Use --overwrite to overwrite existing entries.

    Would skip: 8
      8 unchanged
    Nothing to do.
    ");
    let dry =
        ["cache", "generate", "--dry-run", "--community-id", "global", "--years", "2010-2012"];
    assert_snapshot!(scene.run(&dry), @"
    exit: 0
    Would generate cache for:
      Communities: global
      Years: no valid years
      Categories: usage-snapshot-category, usage-delta-category, record-snapshot-category, record-delta-category, record_delta_data_added, record_delta_data_removed, usage_delta_data_views, usage_delta_data_downloads
      Year range per community:
        global: no valid years to cache (requested 2010-2012, but community started in 2025)
      Total combinations: 0
      All 0 entries are new.

    Nothing to do.
    ");
}

#[test]
fn a_dry_run_estimates_from_what_was_measured() {
    let scene = Scene::generated();
    let dry = scene.run(&["cache", "generate", "--dry-run", "--overwrite"]).expect(0);
    assert!(dry.stdout.contains("Estimated time: "), "{dry}");
    assert!(dry.stdout.contains(" for 686 documents, at "), "{dry}");
    let dry = scene.run(&["cache", "generate", "--dry-run", "--overwrite", "--json"]).json();
    assert_eq!(dry["make_because"], json!({"overwrite asked for": 32}));
    assert!(dry["estimated_seconds"].as_f64().unwrap() > 0.0, "{dry}");
}

#[test]
fn the_json_report_is_the_object_of_the_python_package_and_more() {
    let scene = Scene::tiny();
    let arguments =
        ["cache", "generate", "--community-id", "global", "--category", "usage-delta", "--json"];
    let report = scene.run(&arguments).expect(0).json();
    let members: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(
        members[..6],
        ["success", "failed", "skipped", "errors", "responses", "incomplete"],
        "{report}"
    );
    assert_eq!(report["success"], 1);
    assert_eq!(
        report["responses"],
        json!([{
            "community_id": "global",
            "year": 2025,
            "category": "usage-delta-category",
            "cache_key": "stats_dashboard:\
                9367915cd3d577050a495434cc9907b44546e47e63e3384c22ae78aebbe20f83",
        }])
    );
}

#[test]
fn only_what_was_made_from_a_changed_document_is_made_again() {
    let scene = Scene::generated();
    let first = Cell::new(true);
    let file = "stats-community-records-delta-added-2025.ndjson.gz";
    let path = changed(&scene, file, |line| {
        let hit = line.contains(COASTAL) && first.replace(false);
        hit.then(|| line.replacen("\"metadata_only\":", "\"metadata_only\":4", 1))
    });
    let imported = scene.run(&["import", &path]).expect(0);
    assert!(imported.stdout.contains("record_delta      1    0         1"), "{imported}");
    let report = scene.run(&["cache", "generate", "--json"]).expect(0).json();
    let made: Vec<String> = report["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|made| format!("{}/{}", made["community_id"], made["category"]).replace('"', ""))
        .collect();
    let expected =
        ["record-delta-category", "record_delta_data_added", "record_delta_data_removed"]
            .map(|category| format!("{COASTAL}/{category}"));
    assert_eq!(made, expected);
    assert_eq!(report["skipped"], 29);
}

#[test]
fn another_mode_layout_or_configuration_makes_it_again() {
    let scene = Scene::generated();
    let dry = |more: &[&str]| {
        let arguments = [&["cache", "generate", "--dry-run", "--json"], more].concat();
        scene.run(&arguments).expect(0).json()["make_because"].clone()
    };
    assert_eq!(dry(&[]), json!({}));
    assert_eq!(dry(&["--optimize"]), json!({}));
    assert_eq!(dry(&["--no-optimize"]), json!({"other metrics wanted": 32}));
    let layout = scene.write(
        "layouts.json",
        r#"{"global_layout": {"rows": [{"components": [{"component": "SingleStatViews"}]}]}}"#,
    );
    let layouts = format!("generation.layouts={layout}");
    assert_eq!(dry(&["--set", &layouts]), json!({"layout changed": 32}));
    let overwrite = json!({"overwrite asked for": 32});
    assert_eq!(dry(&["--overwrite"]), overwrite);
    assert_eq!(dry(&["--force"]), overwrite);
    assert_eq!(dry(&["--force", "--no-overwrite"]), json!({}));
}

#[test]
fn entries_end_after_their_lifetime() {
    let scene = Scene::generated().at("2026-01-30T11:59:00Z");
    let dry = ["cache", "generate", "--dry-run", "--json", "--year", "2025"];
    assert_eq!(scene.run(&dry).json()["make"], 0);
    let scene = scene.at("2026-01-30T12:00:00Z");
    assert_eq!(scene.run(&dry).json()["make_because"], json!({"expired": 32}));

    let scene = Scene::tiny().with(&["--set", "cache.ttl_days=0"]);
    scene.run(&["cache", "generate"]).expect(0);
    let scene = scene.at("2225-01-30T12:00:00Z");
    assert_eq!(scene.run(&dry).json()["make"], 0);
}

#[test]
fn incomplete_periods_are_told_and_the_old_entry_stays() {
    let scene = Scene::generated().at("2026-01-05T12:00:00Z");
    let report = scene.run(&["cache", "generate", "--community-id", "global"]);
    assert_snapshot!(report, @"
    exit: 0
    No cache entries to generate.
    Success: 0, Failed: 0
    Skipped: 8 (unchanged)
    Incomplete: 8 (aggregated through 2025-12-31, needs 2026-01-04)
      global/2026/usage-snapshot-category, global/2026/usage-delta-category, global/2026/record-snapshot-category and 5 more
    Total: 16
    ");
    let json = scene.run(&["cache", "generate", "--community-id", "global", "--json"]).json();
    let waiting = json["incomplete_responses"].as_array().unwrap();
    assert_eq!(waiting.len(), 8);
    for response in waiting {
        assert_eq!(
            (&response["community_id"], &response["year"]),
            (&json!("global"), &json!(2026))
        );
        assert_eq!(response["reason"], "aggregated through 2025-12-31, needs 2026-01-04");
    }
    assert_eq!(waiting[0]["category"], "usage-snapshot-category");
    let none = Scene::new();
    let path = changed(&none, "stats-community-usage-delta-2025.ndjson.gz", Some);
    none.run(&["import", &path]).expect(0);
    let report = none.run(&["cache", "generate", "--category", "usage_delta"]).expect(3);
    assert!(report.stderr.contains("hint: there are no bookmarks"), "{report}");
    assert!(report.stdout.contains("Incomplete: 4 (no bookmark, needs 2025-12-30)"), "{report}");
}

#[test]
fn a_refused_document_fails_its_responses_only() {
    let scene = Scene::generated();
    let one = Cell::new(true);
    let path = changed(&scene, "stats-community-usage-delta-2025.ndjson.gz", |line| {
        let hit = line.contains(COASTAL) && one.replace(false);
        hit.then(|| line.replacen("\"subcounts\":{", "\"subcounts\":7,\"else\":{", 1))
    });
    scene.run(&["import", &path]).expect(0);
    let before = scene.run(&read(COASTAL, "usage-delta")).stdout;
    let report = scene.run(&["cache", "generate", "--force"]).expect(3);
    assert!(report.stdout.contains("Success: 29, Failed: 3\n"), "{report}");
    let failure = format!("  {COASTAL}/2025/usage-delta-category: ");
    assert!(report.stdout.contains(&failure), "{report}");
    assert_eq!(scene.run(&read(COASTAL, "usage-delta")).stdout, before);
}

fn read<'a>(community: &'a str, category: &'a str) -> [&'a str; 8] {
    ["cache", "read", "--community-id", community, "--year", "2025", "--category", category]
}

#[test]
fn what_another_hand_stored_is_kept_in_past_years() {
    let scene = Scene::tiny();
    let update = [
        "cache",
        "update",
        "--community-id",
        "global",
        "--year",
        "2025",
        "--category",
        "usage_delta",
    ];
    scene.run_with(&update, "{\"mine\": 1}").expect(0);
    let generate = ["cache", "generate", "--community-id", "global", "--year", "2025", "--json"];
    let past = scene.at("2026-01-01T12:00:00Z");
    let report = past.run(&generate).json();
    assert_eq!(report["skipped_because"], json!({"stored by hand": 1}));
    assert_eq!(past.run(&read("global", "usage_delta")).stdout, "{\"mine\": 1}");
    let current = past.at(super::support::NOW);
    let report = current.run(&generate).json();
    assert_eq!((&report["success"], &report["skipped"]), (&json!(1), &json!(7)));
}

#[test]
fn generation_can_be_switched_off() {
    let scene = Scene::tiny().with(&["--set", "generation.enabled=false"]);
    assert_snapshot!(scene.run(&["cache", "generate"]), @"
    exit: 1
    -- stderr
    error: Community stats scheduled caching tasks are disabled. Set COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED=True to enable response cache preparation tasks. Use --force to bypass this check and run cache preparation directly.
    hint: here that is `generation.enabled`, set to false by --set: set it to true there, or for once with --set generation.enabled=true
    ");
    scene.run(&["cache", "generate", "--force", "--community-id", "global"]).expect(0);
}

#[test]
fn derived_categories_can_be_switched_off() {
    let scene = Scene::tiny().with(&["--set", "generation.derived=false"]);
    let report = scene.run(&["cache", "generate", "--json"]).expect(0).json();
    assert_eq!(report["success"], 16);
}

#[test]
fn years_in_all_their_forms() {
    let scene = Scene::tiny();
    let years = |arguments: &[&str]| {
        let arguments =
            [&["cache", "generate", "--dry-run", "--json", "--community-id", "global"], arguments]
                .concat();
        let outcome = scene.run(&arguments).expect(0);
        (outcome.json()["total"].clone(), outcome.stderr)
    };
    assert_eq!(years(&[]).0, 8);
    assert_eq!(years(&["--all-years"]).0, 8);
    assert_eq!(years(&["--year", "2025", "--year", "2020-2025"]).0, 8);
    assert_eq!(years(&["--year", "2024"]).0, 0);
    assert_eq!(years(&["--year", ""]).0, 8);
    assert_eq!(years(&["--all-years", "--year", "2024"]).0, 8);
    let (total, warning) = years(&["--years", "2025", "--year", "2024"]);
    assert_eq!(total, 8);
    assert!(warning.starts_with("warning: --years wins over --year"), "{warning}");
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    // Whoever finds the lock of the other taken ends and says who has it; nobody waits.
    let scene = Scene::tiny();
    let runs: Vec<_> = (0..3)
        .map(|_| scene.spawn(&mut scene.command(&["cache", "generate", "--overwrite"])))
        .collect();
    let mut completed = 0;
    for run in runs {
        let outcome = scene.finished(&run.wait_with_output().unwrap());
        match outcome.code {
            0 => completed += 1,
            1 => {
                let told = "Another cache generation task is already running (the lock \
                            [folder]/data/cache.db.lock is held by process ";
                assert!(outcome.stderr.contains(told), "{outcome}");
            }
            _ => panic!("{outcome}"),
        }
    }
    assert!(completed > 0);
    scene.run(&["cache", "verify"]).expect(0);
}

#[test]
fn a_lock_is_taken_away_only_from_the_dead_or_by_force() {
    let scene = Scene::tiny();
    let free = scene.run(&["cache", "unlock"]).expect(0);
    assert_eq!(free.stdout, "Nobody holds the lock\n");
    let lock = std::fs::File::create(scene.data("cache.db.lock")).unwrap();
    lock.try_lock().unwrap();
    for command in [&["cache", "generate"][..], &["cache", "unlock"]] {
        let refused = scene.run(command).expect(1);
        assert!(
            refused.stderr.contains("is held by a process that did not say which"),
            "{refused}"
        );
    }
    let taken = scene.run(&["cache", "unlock", "--force"]).expect(0);
    assert!(taken.stdout.starts_with("Taken away: the lock "), "{taken}");
    scene.run(&["cache", "generate"]).expect(0);
}
