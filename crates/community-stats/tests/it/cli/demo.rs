//! `demo`: the whole way, and commands to go on with.

use std::process::Command;

use super::support::{Outcome, Scene};

/// Runs the demo by the clock of the machine, as a newcomer does.
fn demo(scene: &Scene, arguments: &[&str]) -> Outcome {
    try_demo(scene, arguments).expect(0)
}

fn try_demo(scene: &Scene, arguments: &[&str]) -> Outcome {
    let folder = scene.folder.path();
    let output = Command::new(env!("CARGO_BIN_EXE_community-stats"))
        .arg("demo")
        .args(arguments)
        .env_clear()
        .env("HOME", folder)
        .env("TMPDIR", folder)
        // The demo has nothing to do with the settings of its user.
        .env("COMMUNITY_STATS_CACHE_REDIS_URL", "redis://localhost:1")
        .output()
        .unwrap();
    scene.finished(&output)
}

#[test]
fn the_demo_works_and_so_does_everything_it_suggests() {
    let scene = Scene::new();
    let data = scene.path("data");
    let shown = demo(&scene, &["--json", "--data-dir", data.to_str().unwrap()]).json();
    assert_eq!(shown["generated"]["success"], 136);
    assert_eq!(shown["generated"]["failed"], 0);
    assert_eq!(shown["data_dir"], "[folder]/data");
    let steps = shown["next"].as_array().unwrap();
    assert_eq!(steps.len(), 5);
    for step in steps {
        let folder = scene.folder.path().to_str().unwrap();
        let step = step.as_str().unwrap().replace("[folder]", folder);
        let output = Command::new("sh").args(["-c", &step]).env_clear().output().unwrap();
        scene.finished(&output).expect(0);
    }
}

#[test]
fn the_demo_shows_a_table_and_a_picture_in_a_folder_of_its_own() {
    let scene = Scene::new();
    let shown = demo(&scene, &[]);
    assert!(shown.stdout.contains("Success: 136, Failed: 0\n"), "{shown}");
    assert!(shown.stdout.contains('▇') || shown.stdout.contains('█'), "{shown}");
    assert!(shown.stdout.contains("--data-dir [folder]/community-stats-demo-"), "{shown}");
}

#[test]
fn a_folder_that_is_in_use_is_left_alone() {
    let scene = Scene::new();
    let data = scene.path("data");
    std::fs::create_dir(&data).unwrap();
    scene.write("data/archive.db", "mine");
    let refused = try_demo(&scene, &["--data-dir", data.to_str().unwrap()]);
    assert!(refused.code != 0 && refused.stderr.contains("is a data folder already"), "{refused}");
    assert_eq!(std::fs::read(data.join("archive.db")).unwrap(), b"mine");
}
