//! The commands on stored responses.

use std::cell::Cell;

use insta::assert_snapshot;
use serde_json::json;

use super::support::{COASTAL, Scene, changed};

const PLACE: [&str; 4] = ["--community-id", "global", "--year", "2025"];

fn at<'a>(command: &'a str, category: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["cache", command], &PLACE[..], &["--category", category], more].concat()
}

#[test]
fn read_prints_the_body_and_nothing_else() {
    let scene = Scene::generated();
    let body = scene.run(&at("read", "record_delta", &[])).expect(0);
    assert!(body.stdout.starts_with("{\"global\":{\"") && body.stdout.ends_with('}'), "{body}");
    assert_eq!(body.stderr, "");
    let whole = scene.run(&at("read", "record-delta-category", &["--json"])).expect(0).json();
    assert_eq!(whole["data"], body.json());
    assert_snapshot!(scene.run(&at("read", "Record_Delta", &["--meta"])), @"
    exit: 2
    -- stderr
    error: invalid value 'Record_Delta' for '--category <CATEGORY>': unknown category 'Record_Delta'; did you mean 'record_delta'?

    For more information, try '--help'.
    ");
    assert_snapshot!(scene.run(&at("read", "record_delta", &["--meta"])), @r#"
    exit: 0
    {
      "community_id": null,
      "year": 2025,
      "category": "record-delta-category",
      "cache_type": "global",
      "cache_key": "stats_dashboard:5addd9a5f9aac91ed3ba30bbac9c4bd193f5fdceb40e3281d28c539141e0f6b6",
      "data": null,
      "created_at": "2025-12-31T12:00:00Z",
      "expires_at": "2026-01-30T12:00:00Z"
    }
    "#);
}

#[test]
fn read_of_what_is_not_there_says_why() {
    let scene = Scene::tiny();
    assert_snapshot!(scene.run(&at("read", "record_delta", &[])), @"
    exit: 1
    -- stderr
    error: nothing is stored for global/2025/record-delta-category
    hint: not made yet; see `community-stats cache explain --community-id global --year 2025 --category record_delta`
    ");
    let other =
        ["cache", "read", "--community-id", "globl", "--year", "2025", "--category", "usage_delta"];
    assert_snapshot!(scene.run(&other), @"
    exit: 1
    -- stderr
    error: nothing is stored for globl/2025/usage-delta-category
    hint: did you mean 'global'?
    ");
}

#[test]
fn exists_answers_by_exit_code_too() {
    let scene = Scene::generated();
    assert_eq!(scene.run(&at("exists", "usage_delta", &[])).expect(0).stdout, "yes\n");
    let past = ["cache", "exists", "--community-id", "global", "--year", "2024"];
    let past = [&past[..], &["--category", "usage_delta"]].concat();
    assert_eq!(scene.run(&past).expect(1).stdout, "no\n");
    assert_eq!(
        scene.run(&at("exists", "usage_delta", &["--json"])).json(),
        json!({"exists": true})
    );
}

#[test]
fn delete_removes_one_category_or_all_of_a_year() {
    let scene = Scene::generated();
    assert_snapshot!(scene.run(&at("delete", "usage_delta", &[])), @"
    exit: 0
    Deleted 1 response
    ");
    assert_snapshot!(scene.run(&at("delete", "usage_delta", &[])), @"
    exit: 0
    Deleted 0 responses
    ");
    let rest = scene.run(&[&["cache", "delete", "--json"], &PLACE[..]].concat()).expect(0).json();
    assert_eq!(rest, json!({"deleted": 7}));
    assert_eq!(scene.run(&["cache", "list", "--json"]).json().as_array().unwrap().len(), 24);
}

#[test]
fn update_stores_what_it_is_given() {
    let scene = Scene::new();
    let stored = scene.run_with(&at("update", "usage_delta", &[]), " {\"a\": 1e400}\n");
    assert_snapshot!(stored, @"
    exit: 0
    Stored 12.00 B under stats_dashboard:9367915cd3d577050a495434cc9907b44546e47e63e3384c22ae78aebbe20f83
    ");
    assert_eq!(scene.run(&at("read", "usage_delta", &[])).stdout, "{\"a\": 1e400}");
    let file = scene.write("body.json", "[1]");
    let stored = scene.run(&at("update", "usage_delta", &[&file, "--json"])).expect(0).json();
    assert_eq!(stored["expires_at"], "2026-01-30T12:00:00Z");
    for wrong in ["", "{", "{} {}", "nonsense"] {
        let refused = scene.run_with(&at("update", "usage_delta", &[]), wrong).expect(1);
        assert!(refused.stderr.contains("one complete JSON value"), "{refused}");
    }
    assert_eq!(scene.run(&at("read", "usage_delta", &[])).stdout, "[1]");
}

#[test]
fn list_shows_states_and_filters() {
    let scene = Scene::generated();
    assert_snapshot!(scene.run(&["cache", "list", "--community-id", "global"]), @"
    exit: 0
    community  year  category                    state       size  age  reason
    global     2025  usage-snapshot-category     fresh  240.94 KB   0s  unchanged
    global     2025  usage-delta-category        fresh   74.36 KB   0s  unchanged
    global     2025  record-snapshot-category    fresh  164.93 KB   0s  unchanged
    global     2025  record-delta-category       fresh   50.51 KB   0s  unchanged
    global     2025  record_delta_data_added     fresh   50.51 KB   0s  unchanged
    global     2025  record_delta_data_removed   fresh   48.18 KB   0s  unchanged
    global     2025  usage_delta_data_views      fresh   30.46 KB   0s  unchanged
    global     2025  usage_delta_data_downloads  fresh   44.07 KB   0s  unchanged

    8 of 8
    ");
    let count = |arguments: &[&str]| {
        let arguments = [&["cache", "list", "--json"], arguments].concat();
        scene.run(&arguments).expect(0).json().as_array().unwrap().len()
    };
    assert_eq!(count(&[]), 32);
    assert_eq!(count(&["--category", "usage_delta", "--category", "record_delta"]), 8);
    assert_eq!(count(&["--year", "2025", "--community-slug", "coastal-ecology-network"]), 8);
    assert_eq!(count(&["--year", "2024"]), 0);
    assert_eq!(count(&["--state", "fresh"]), 32);
    assert_eq!(count(&["--state", "stale", "--state", "missing"]), 0);
    assert_eq!(count(&["--limit", "3"]), 3);

    let later = scene.at("2026-01-05T12:00:00Z");
    let states = later.run(&["cache", "list", "--json", "--state", "incomplete"]).json();
    assert_eq!(states.as_array().unwrap().len(), 32);
    assert_eq!(states[0]["reason"], "aggregated through 2025-12-31, needs 2026-01-04");
    assert_eq!(states[0]["cache_key"], json!(null));
}

#[test]
fn the_members_of_a_listed_entry() {
    let scene = Scene::generated();
    let arguments = ["cache", "list", "--json", "--limit", "1", "--community-id", COASTAL];
    let entry = scene.run(&arguments).json()[0].clone();
    let members: Vec<&String> = entry.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "community_id",
            "slug",
            "year",
            "category",
            "state",
            "reason",
            "cache_key",
            "created_at",
            "expires_at",
            "data_through",
            "size",
            "stored_size",
            "last_failure"
        ]
    );
    assert_eq!(entry["slug"], "coastal-ecology-network");
    assert_eq!(entry["data_through"], "2025-12-31");
    assert_eq!(entry["created_at"], "2025-12-31T12:00:00Z");
}

#[test]
fn an_empty_store_is_no_error() {
    let scene = Scene::tiny();
    let before = scene.files();
    assert_snapshot!(scene.run(&["cache", "list"]), @"
    exit: 0
    No cached responses found
    ");
    assert_snapshot!(scene.run(&["cache", "info"]), @"
    exit: 0
    Store:     none yet
    Prefix:    stats_dashboard
    Lifetime:  30d
    Entries:   0
    Expired:   0
    Size:      0.00 B
    Stored in: 0.00 B
    ");
    // What was not checked is not proven.
    assert_eq!(scene.run(&["cache", "verify", "--json"]).expect(1).json()["checked"], 0);
    let told = scene.run(&["cache", "verify"]).expect(1);
    assert!(told.stderr.contains("so nothing was checked"), "{told}");
    assert_eq!(scene.files(), before);
}

#[test]
fn info_counts() {
    let scene = Scene::generated();
    let info = scene.run(&["cache", "info", "--json"]).expect(0).json();
    assert_eq!(info["entries"], 32);
    assert_eq!(info["lifetime_seconds"], 2_592_000);
    assert_eq!(info["categories"].as_array().unwrap().len(), 8);
    assert_eq!(info["categories"][0]["entries"], 4);
    let info = scene.run(&["cache", "info"]).expect(0);
    assert!(info.stdout.contains("Entries:   32\n"), "{info}");
}

#[test]
fn clear_wants_to_be_sure() {
    let scene = Scene::generated();
    assert_snapshot!(scene.run(&["cache", "clear"]), @"
    exit: 2
    -- stderr
    error: there is no terminal to ask on
    hint: say --yes to remove without being asked
    ");
    assert_snapshot!(scene.run(&["cache", "clear", "--yes"]), @"
    exit: 0
    Deleted 32 responses
    ");
    assert_eq!(scene.run(&["cache", "list", "--json"]).json(), json!([]));
}

#[test]
fn verify_finds_the_series_and_date_that_differ() {
    let scene = Scene::generated();
    assert_snapshot!(scene.run(&["cache", "verify"]), @"
    exit: 0
    Verification completed
    Checked: 32, Same: 32, Different: 0, Stale: 0, Failed: 0
    ");
    let body = scene.run(&at("read", "usage_snapshot", &[])).stdout;
    let point = body.find("\"12-24\",").unwrap() + "\"12-24\",".len();
    let wrong = format!("{}9{}", &body[..point], &body[point..]);
    scene.run_with(&at("update", "usage_snapshot", &[]), &wrong).expect(0);
    let found = scene.run(&["cache", "verify"]).expect(6);
    assert!(
        found.stdout.contains("Checked: 32, Same: 31, Different: 1, Stale: 0, Failed: 0"),
        "{found}"
    );
    assert!(
        found.stdout.contains("  global/2025/usage-snapshot-category (foreign): global."),
        "{found}"
    );
    assert!(found.stdout.contains(" on 12-24: 9"), "{found}");
    let found = scene.run(&["cache", "verify", "--json"]).expect(6).json();
    assert_eq!(found["findings"][0]["date"], "12-24");
}

#[test]
fn verify_takes_a_sample_that_is_always_the_same() {
    let scene = Scene::generated();
    let checked = |sample: &str| {
        let outcome = scene.run(&["cache", "verify", "--json", "--sample", sample]);
        let checked = outcome.json()["checked"].as_u64().unwrap();
        assert_eq!(outcome.code, i32::from(checked == 0), "{outcome}");
        checked
    };
    // Of a few responses a small share is one at least.
    assert_eq!(checked("0.000001%"), 1);
    scene.run(&["cache", "verify", "--sample", "0%"]).expect(2);
    assert_eq!(checked("100"), 32);
    let half = checked("50%");
    assert!((1..32).contains(&half), "{half}");
    assert_eq!(checked("50%"), half);
}

#[test]
fn verify_accepts_either_mode_of_what_another_writer_stored() {
    let scene = Scene::tiny();
    for mode in ["--optimize", "--no-optimize"] {
        let generate = ["cache", "generate", "--community-id", "global", mode];
        scene.run(&generate).expect(0);
        let body = scene.run(&at("read", "usage_delta", &[])).stdout;
        scene.run_with(&at("update", "usage_delta", &[]), &body).expect(0);
        scene.run(&["cache", "verify", "--category", "usage_delta"]).expect(0);
    }
    // The same bytes as it was made, and still not what is wanted.
    let verified = scene.run(&["cache", "verify"]).expect(3);
    assert!(verified.stdout.contains("Same: 1, Different: 0, Stale: 7"), "{verified}");
    assert!(verified.stdout.contains("other metrics wanted"), "{verified}");
}

#[test]
fn explain_tells_everything() {
    let scene = Scene::generated();
    assert_snapshot!(scene.run(&at("explain", "usage_delta", &[])), @"
    exit: 0
    Community:          global
    Year:               2025
    Category:           usage-delta-category
    Key:                stats_dashboard:9367915cd3d577050a495434cc9907b44546e47e63e3384c22ae78aebbe20f83
    State:              fresh
    Reason:             unchanged
    Since:              2025-12-31T12:00:00Z
    Due:                2026-01-30T12:00:00Z
    Made:               2025-12-31T12:00:00Z
    Expires:            2026-01-30T12:00:00Z
    Made from:          46 documents
    Data through:       2025-12-31
    Metrics:            what the layout shows
    Generator:          version 2
    Documents now:      46
    Aggregated through: 2025-12-31
    ");
    let one = Cell::new(true);
    let path = changed(&scene, "stats-community-usage-delta-2025.ndjson.gz", |line| {
        let hit = line.contains("\"community_id\":\"global\"") && one.replace(false);
        hit.then(|| line.replacen("\"total_events\":", "\"total_events\":1", 1))
    });
    scene.run(&["import", &path]).expect(0);
    assert_snapshot!(scene.run(&at("explain", "usage_delta", &[])), @"
    exit: 0
    Community:          global
    Year:               2025
    Category:           usage-delta-category
    Key:                stats_dashboard:9367915cd3d577050a495434cc9907b44546e47e63e3384c22ae78aebbe20f83
    State:              stale
    Reason:             documents changed
    Since:              some time after 2025-12-31T12:00:00Z
    Due:                now
    Made:               2025-12-31T12:00:00Z
    Expires:            2026-01-30T12:00:00Z
    Made from:          46 documents
    Data through:       2025-12-31
    Metrics:            what the layout shows
    Generator:          version 2
    Documents now:      46
    Aggregated through: 2025-12-31
    ");
}

#[test]
fn explain_tells_what_a_year_waits_for_or_that_it_is_in_no_lifespan() {
    let later = Scene::generated().at("2026-01-05T12:00:00Z");
    let explained = |year: &str| {
        let arguments = ["cache", "explain", "--community-id", "global", "--year", year];
        later.run(&[&arguments[..], &["--category", "usage_delta", "--json"]].concat()).expect(0)
    };
    let next = explained("2026").json();
    assert_eq!(next["state"], "incomplete");
    assert_eq!(next["due"], "when 2026-01-04 is aggregated, not before 2026-01-05T00:00:00Z");
    let before = explained("2019").json();
    assert_eq!(before["state"], json!(null));
    assert_eq!(before["reason"], "2019 is outside the lifespan of the community, 2025-2026");
}

#[test]
fn verify_source_wants_a_live_source() {
    let scene = Scene::tiny();
    assert_snapshot!(scene.run(&["cache", "verify", "--source"]), @"
    exit: 2
    -- stderr
    error: there is no live source to compare with
    hint: `--source` holds a mirror against its index; `community-stats doctor` looks at the files, and `cache verify` at the responses
    ");
}
