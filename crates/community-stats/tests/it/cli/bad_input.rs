//! What people get wrong, and what goes wrong around them: a clear message, the right exit code,
//! nothing half-written.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;

use insta::assert_snapshot;

use super::support::Scene;

#[test]
fn unknown_names_bring_the_nearest_one() {
    let scene = Scene::tiny();
    assert_snapshot!(scene.run(&["cache", "generate", "--category", "usage_dleta"]), @"
    exit: 2
    -- stderr
    error: invalid value 'usage_dleta' for '--category <CATEGORY>': unknown category 'usage_dleta'; did you mean 'usage_delta'?

    For more information, try '--help'.
    ");
    assert_snapshot!(scene.run(&["cache", "generate", "--category", "x"]), @"
    exit: 2
    -- stderr
    error: invalid value 'x' for '--category <CATEGORY>': unknown category 'x'; there are usage_snapshot, usage_delta, record_snapshot, record_delta, record_delta_data_added, record_delta_data_removed, usage_delta_data_views, usage_delta_data_downloads

    For more information, try '--help'.
    ");
    assert_snapshot!(scene.run(&["cache", "generate", "--community-slug", "costal-ecology"]), @"
    exit: 1
    -- stderr
    error: Failed to resolve community slug 'costal-ecology': Community with slug 'costal-ecology' not found
    hint: did you mean 'coastal-ecology-network'?
    ");
    assert_snapshot!(scene.run(&["cache", "generate", "--community-id", "nope"]), @"
    exit: 1
    -- stderr
    error: no community has the id 'nope', and no document names it
    ");
    assert_snapshot!(scene.run(&["cache", "generrate"]), @"
    exit: 2
    -- stderr
    error: unrecognized subcommand 'generrate'

      tip: some similar subcommands exist: 'delete', 'generate'

    Usage: community-stats cache [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(scene.run(&["cache", "list", "--set", "cache.ttl=1"]), @"
    exit: 2
    -- stderr
    error: --set: unknown setting `cache.ttl`
    hint: did you mean `cache.ttl_days`?
    ");
}

#[test]
fn years_that_are_none_are_usage_errors() {
    let scene = Scene::tiny();
    for year in ["20x4", "2024-20x5", "2024-2020", "0", "10000", "-3", "1000-2000", "99999999999"] {
        for flag in ["--year", "--years"] {
            let argument = format!("{flag}={year}");
            let outcome = scene.run(&["cache", "generate", "--dry-run", &argument]).expect(2);
            assert!(outcome.stderr.starts_with("error: invalid value"), "{outcome}");
        }
    }
    assert_snapshot!(scene.run(&["cache", "generate", "--year", "2024-2020"]), @"
    exit: 2
    -- stderr
    error: invalid value '2024-2020' for '--year <YEAR>': the range 2024-2020 runs backwards; did you mean 2020-2024?

    For more information, try '--help'.
    ");
    scene
        .run(&["cache", "read", "--community-id", "global", "--year", "0", "--category", "x"])
        .expect(2);
}

#[test]
fn contradicting_and_missing_arguments_are_usage_errors() {
    let scene = Scene::tiny();
    scene.run(&["cache", "generate", "--overwrite", "--no-overwrite"]).expect(2);
    scene.run(&["cache", "generate", "--workers", "0"]).expect(2);
    scene.run(&["cache", "delete", "--community-id", "global"]).expect(2);
    scene.run(&["cache", "delete", "--year", "2024"]).expect(2);
    scene.run(&["cache", "verify", "--sample", "200%"]).expect(2);
    scene.run(&["cache", "list", "--state", "rotten"]).expect(2);
    scene.run(&["cache", "list", "--set", "nonsense"]).expect(2);
    scene.run(&["cache", "list", "--config", "/nowhere.toml"]).expect(2);
}

#[test]
fn without_an_archive_the_way_to_one_is_told() {
    let scene = Scene::new();
    assert_snapshot!(scene.run(&["cache", "generate"]), @"
    exit: 5
    -- stderr
    error: there is no archive at [folder]/data/archive.db
    hint: import documents first: community-stats import PATH
    ");
    scene.run(&["cache", "generate", "--dry-run"]).expect(5);
    assert!(scene.files().is_empty());
}

#[test]
fn a_file_that_is_no_archive_is_refused_and_left_alone() {
    let scene = Scene::new();
    fs::create_dir(scene.path("data")).unwrap();
    let garbage = "this is not a database, it is a poem about one\n".repeat(100);
    fs::write(scene.data("archive.db"), &garbage).unwrap();
    for command in [&["cache", "generate"][..], &["cache", "list"], &["import", "/dev/null"]] {
        let outcome = scene.run(command).expect(1);
        assert!(outcome.stderr.contains("[folder]/data/archive.db"), "{outcome}");
    }
    assert_eq!(fs::read_to_string(scene.data("archive.db")).unwrap(), garbage);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let scene = Scene::tiny();
    let garbage = "this is not a database, it is a poem about one\n".repeat(100);
    fs::write(scene.data("cache.db"), &garbage).unwrap();
    for command in [&["cache", "generate"][..], &["cache", "list"], &["cache", "clear", "--yes"]] {
        let outcome = scene.run(command).expect(1);
        assert!(outcome.stderr.contains("[folder]/data/cache.db"), "{outcome}");
    }
    assert_eq!(fs::read_to_string(scene.data("cache.db")).unwrap(), garbage);
}

/// The version of a format stands in the header of an SQLite file, at offset 60.
fn make_newer(path: &std::path::Path) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(60)).unwrap();
    file.write_all(&9999_u32.to_be_bytes()).unwrap();
}

#[test]
fn a_newer_format_is_refused_with_advice() {
    let scene = Scene::generated();
    make_newer(&scene.data("cache.db"));
    let outcome = scene.run(&["cache", "list"]).expect(1);
    assert!(outcome.stderr.contains("hint: a newer community-stats wrote it"), "{outcome}");
    make_newer(&scene.data("archive.db"));
    for command in [&["cache", "generate"][..], &["import", "/dev/null"]] {
        let outcome = scene.run(command).expect(1);
        assert!(outcome.stderr.contains("hint: a newer community-stats wrote it"), "{outcome}");
    }
}

/// Runs a command in a shell that may not write files beyond so many blocks of 512 bytes.
fn run_limited(scene: &Scene, blocks: u32, arguments: &[&str]) -> super::support::Outcome {
    let limited = scene.command(arguments);
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(limited.get_program())
        .args(limited.get_args())
        .env_clear()
        .output()
        .unwrap();
    scene.finished(&output)
}

#[test]
fn a_full_disk_fails_cells_and_leaves_the_old_ones() {
    let scene = Scene::tiny();
    let generate = ["cache", "generate", "--overwrite"];
    scene.run(&[&generate[..], &["--category", "record_delta"]].concat()).expect(0);
    let before = fs::metadata(scene.data("cache.db")).unwrap().len() / 512;
    let failed = run_limited(&scene, u32::try_from(before).unwrap() + 40, &generate);
    assert_eq!(failed.code, 3, "{failed}");
    assert!(failed.stdout.contains("Errors:\n"), "{failed}");
    let kept = scene.run(&["cache", "list", "--json", "--category", "record_delta"]).json();
    assert_eq!(kept.as_array().unwrap().len(), 4);
    scene.run(&["cache", "verify"]).expect(0);
    scene.run(&["cache", "generate"]).expect(0);
    assert_eq!(scene.run(&["cache", "list", "--json"]).json().as_array().unwrap().len(), 32);
}

#[test]
fn an_import_that_may_not_write_ends_and_can_be_run_again() {
    let scene = Scene::new();
    let corpus = stats_testkit::fixtures::path("documents/tiny-7");
    let corpus = corpus.to_str().unwrap();
    let failed = run_limited(&scene, 300, &["import", corpus]);
    // To SQLite the limit is a disk that does not write; a full one is told apart below.
    assert!(matches!(failed.code, 1 | 5), "{failed}");
    assert!(failed.stderr.starts_with("error: write to the archive [folder]"), "{failed}");
    let report = scene.run(&["import", corpus, "--json"]).expect(0).json();
    assert_eq!(report["total"]["lines"], 809);
    scene.run(&["cache", "generate"]).expect(0);
}

#[test]
fn an_import_to_a_full_disk_says_so() {
    let scene = Scene::new();
    let disk = scene.path("data");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=800k", "tmpfs"])
        .arg(&disk)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("not tried: a small file system, which only root can mount");
        return;
    }
    let corpus = stats_testkit::fixtures::path("documents/tiny-7");
    let failed = scene.run(&["import", corpus.to_str().unwrap()]);
    let unmounted = Command::new("umount").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(failed.code, 1, "{failed}");
    assert!(failed.stderr.contains("full"), "{failed}");
    assert!(failed.stderr.contains("hint: make room"), "{failed}");
}

#[test]
fn a_data_folder_that_cannot_be_made_ends_with_five() {
    let scene = Scene::new();
    scene.write("data", "a file where the folder should be");
    for command in [&["import", "/dev/null"][..], &["cache", "list"]] {
        let outcome = scene.run(command).expect(5);
        assert!(outcome.stderr.starts_with("error: "), "{outcome}");
    }
}
