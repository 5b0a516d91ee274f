//! What is stored by hand while a generation runs.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stats_cache::{CacheStore, SqliteOptions, SqliteStore};
use stats_model::ManualClock;
use stats_testkit::wait;

use super::support::{NOW, Scene};

const BY_HAND: &str = r#"{"by":"hand"}"#;

pub(super) fn signal(process: u32, name: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(status.unwrap().success());
}

/// Stops a process.
fn stop(process: u32) {
    signal(process, "STOP");
    let state = || fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    wait::until("it stops", || state().contains(") T "));
}

/// Stops a process when it has stored something and is not about to store more.
fn stop_in_the_middle(process: u32, store: &SqliteStore) {
    wait::until("something is stored", || {
        stop(process);
        // Whoever may not write now would have to wait for the one that is stopped.
        let is_free = store.prolong("nobody", None).is_ok();
        let is_between = is_free && store.summary().unwrap().entries > 0;
        if !is_between {
            signal(process, "CONT");
        }
        is_between
    });
}

/// The last response of a closed year in the order of a run: its place, and its key.
fn last(scene: &Scene) -> ([String; 6], String) {
    let listed = scene.run(&["cache", "list", "--years", "2024", "--json"]).json();
    let entry = listed.as_array().unwrap().last().unwrap();
    let text = |name: &str| entry[name].as_str().unwrap().to_owned();
    let place = ["--community-id", &text("community_id"), "--year", "2024", "--category"]
        .map(str::to_owned);
    let [id, community, year, number, category] = place;
    let place = [id, community, year, number, category, text("category")];
    (place, text("cache_key"))
}

#[test]
fn what_is_stored_by_hand_while_a_run_goes_on_is_kept() {
    let scene = Scene::new();
    scene.run(&["demo", "--json"]).expect(0);
    let (place, key) = last(&scene);
    let place = place.each_ref().map(String::as_str);
    scene.run(&["cache", "clear", "--yes"]).expect(0);
    let options = SqliteOptions { busy_timeout: Duration::ZERO, ..SqliteOptions::default() };
    let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
    let store = SqliteStore::open_with(scene.data("cache.db"), options, clock).unwrap();

    let arguments = ["cache", "generate", "--years", "2023-2024", "--workers", "1", "--json"];
    let run = scene.spawn(&mut scene.command(&arguments));
    stop_in_the_middle(run.id(), &store);
    assert!(!store.describe(&[key]).unwrap()[0].stands(), "the run was too quick");
    let updated = scene.run_with(&[&["cache", "update"], &place[..]].concat(), BY_HAND);
    signal(run.id(), "CONT");
    let run = scene.finished(&run.wait_with_output().unwrap());
    updated.expect(0);
    let report = run.expect(3).json();
    assert_eq!(report["incomplete"], 1, "{report}");
    let waiting = &report["incomplete_responses"][0];
    assert_eq!(
        (&waiting["community_id"], &waiting["year"]),
        (&Value::from(place[1]), &2024.into())
    );
    assert!(waiting["reason"].as_str().unwrap().contains("was changed meanwhile"), "{report}");

    let read = || scene.run(&[&["cache", "read"], &place[..]].concat()).expect(0).stdout;
    assert_eq!(read().trim(), BY_HAND);
    // The next run sees it from the beginning, and leaves it alone, too.
    let again = scene.run(&arguments).expect(0).json();
    assert_eq!((&again["incomplete"], &again["success"]), (&0.into(), &0.into()), "{again}");
    assert_eq!(read().trim(), BY_HAND);
}
