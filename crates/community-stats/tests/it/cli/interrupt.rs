//! Ctrl-C in the middle: nothing half-written, and the next run completes.

use std::io::Write;
use std::process::{Command, Stdio};

use stats_testkit::{fixtures, wait};

use super::support::Scene;

fn interrupt(process: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -INT {process}")]).status();
    assert!(status.unwrap().success());
}

#[test]
fn an_interrupted_generation_leaves_whole_entries_and_is_completed_by_the_next() {
    let scene = Scene::new();
    scene.run(&["demo", "--json"]).expect(0);
    scene.run(&["cache", "clear", "--yes"]).expect(0);
    let arguments = ["cache", "generate", "--years", "2023-2025", "--workers", "1"];
    let child = scene.spawn(&mut scene.command(&arguments));
    let stored = || scene.run(&["cache", "info", "--json"]).json()["entries"].as_u64().unwrap();
    wait::until("something is stored", || stored() > 0);
    interrupt(child.id());
    let outcome = scene.finished(&child.wait_with_output().unwrap()).expect(130);
    assert!(outcome.stdout.starts_with("Cache generation interrupted\nSuccess: "), "{outcome}");
    let before = stored();
    assert!((1..136).contains(&before), "{before}");
    scene.run(&["cache", "verify"]).expect(0);
    let rest = scene.run(&[&arguments[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(rest["success"], 136 - before);
    assert_eq!(rest["skipped"], before);
}

#[test]
fn an_interrupted_import_leaves_a_whole_archive_and_is_completed_by_the_next() {
    let scene = Scene::new();
    let file = fixtures::path("documents/tiny-7/stats-community-usage-delta-2025.ndjson.gz");
    let lines = fixtures::lines("documents/tiny-7/stats-community-usage-delta-2025.ndjson.gz");
    let mut child = scene.spawn(scene.command(&["import", "-"]).stdin(Stdio::piped()));
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines.unwrap().join("\n").as_bytes()).unwrap();
    wait::until("there is an archive", || scene.data("archive.db").exists());
    interrupt(child.id());
    let outcome = scene.finished(&child.wait_with_output().unwrap()).expect(130);
    assert!(outcome.stdout.contains("Interrupted: what is counted here stays."), "{outcome}");
    drop(input);
    let report = scene.run(&["import", file.to_str().unwrap(), "--json"]).expect(0).json();
    assert_eq!(report["total"]["lines"], 184);
}
