//! The files of a data folder in bad states, and the lock of the embedded store.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Child, Command};

use stats_testkit::services::process::is_root;
use stats_testkit::wait;

use super::support::{Outcome, Scene};

const READ: [&str; 8] =
    ["cache", "read", "--community-id", "global", "--year", "2025", "--category", "usage_delta"];

fn names(scene: &Scene) -> Vec<String> {
    scene.files().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_damaged_cache_is_set_aside_and_made_anew() {
    let scene = Scene::generated();
    let right = scene.run(&READ).expect(0).stdout;
    let mut file = fs::read(scene.data("cache.db")).unwrap();
    let half = file.len() / 2;
    file[4096..half].fill(0xa5);
    fs::write(scene.data("cache.db"), file).unwrap();
    // Reading alone changes nothing, and never shows another body.
    let read = scene.run(&READ);
    assert!(read.code != 0 && !read.stdout.contains("global"), "{read}");
    let generated = scene.run(&["cache", "generate"]).expect(0);
    assert!(
        generated.stderr.contains("set aside as [folder]/data/cache.db.damaged-"),
        "{generated}"
    );
    assert!(names(&scene).iter().any(|name| name.starts_with("cache.db.damaged-")));
    assert_eq!(scene.run(&READ).expect(0).stdout, right);
    scene.run(&["cache", "verify"]).expect(0);
}

#[test]
fn a_damaged_archive_is_told_and_not_touched() {
    let scene = Scene::generated();
    let cache = fs::read(scene.data("cache.db")).unwrap();
    let mut file = fs::read(scene.data("archive.db")).unwrap();
    let half = file.len() / 2;
    file[4096..half].fill(0xa5);
    fs::write(scene.data("archive.db"), &file).unwrap();
    let generated = scene.run(&["cache", "generate", "--force"]);
    assert!(generated.code != 0 && generated.stderr.contains("damaged"), "{generated}");
    assert!(fs::read(scene.data("archive.db")).unwrap() == file, "it was touched");
    assert!(fs::read(scene.data("cache.db")).unwrap() == cache, "the old responses stay");
    let examined = scene.run(&["doctor"]);
    assert!(examined.code != 0 && format!("{examined}").contains("archive.db"), "{examined}");
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_refused() {
    for name in ["cache.db", "archive.db"] {
        let scene = Scene::generated();
        fs::remove_file(scene.data(name)).unwrap();
        assert!(Command::new("mkfifo").arg(scene.data(name)).status().unwrap().success());
        let generated = scene.run(&["cache", "generate"]);
        assert!(generated.code != 0 && generated.stderr.contains(name), "{generated}");
    }
}

/// Runs a command as somebody who may not write here; as ourselves where we are not root, since then
/// the modes of the files are enough.
fn run_as_nobody(scene: &Scene, arguments: &[&str]) -> Outcome {
    let command = scene.command(arguments);
    if !is_root() {
        return scene.run(arguments);
    }
    // The executable lies where only root may look.
    let program = scene.path("program");
    if !program.exists() {
        // By a process of its own: a file that is open for writing, in whatever process is being
        // started at this moment, cannot be executed.
        let mut copy = Command::new("cp");
        copy.arg(command.get_program()).arg(&program);
        assert!(copy.status().unwrap().success());
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut other = Command::new("setpriv");
    other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(program);
    other.args(command.get_args()).env_clear().env("HOME", scene.folder.path());
    other.env("PATH", "/usr/bin:/bin");
    scene.finished(&other.output().unwrap())
}

fn set_modes(scene: &Scene, folder: u32, files: u32) {
    let data = scene.path("data");
    for file in fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        fs::set_permissions(&path, fs::Permissions::from_mode(files)).unwrap();
        if is_root() {
            chown(&path, Some(65534), Some(65534)).unwrap();
        }
    }
    fs::set_permissions(&data, fs::Permissions::from_mode(folder)).unwrap();
    fs::set_permissions(scene.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn reading_needs_no_right_to_write() {
    let scene = Scene::generated();
    let right = scene.run(&READ).expect(0).stdout;
    // What readers and writers meet in is gone after a restart, in a copy or on other media.
    for file in ["archive.db-wal", "archive.db-shm", "cache.db-wal", "cache.db-shm"] {
        let _ = fs::remove_file(scene.data(file));
    }
    set_modes(&scene, 0o555, 0o444);
    let looked = run_as_nobody(&scene, &["doctor", "--json"]).stdout;
    assert!(!looked.contains("attempt to write"), "{looked}");
    assert_eq!(run_as_nobody(&scene, &READ).expect(0).stdout, right);
    run_as_nobody(&scene, &["cache", "list"]).expect(0);
    run_as_nobody(&scene, &["cache", "verify"]).expect(0);
    let refused = run_as_nobody(&scene, &["cache", "generate", "--force"]);
    assert!(refused.code != 0, "{refused}");
    assert!(
        refused.stderr.contains("belongs to another user") && !refused.stderr.contains("rror code"),
        "{refused}"
    );
    set_modes(&scene, 0o755, 0o600);
}

/// Others may take away what a run stored: then it is not done.
#[test]
fn what_is_taken_away_meanwhile_is_not_counted_as_stored() {
    let mut taken = 0;
    for round in 0..8 {
        let scene = Scene::generated();
        let all = stored(&scene);
        let arguments = ["cache", "generate", "--force", "--workers", "1", "--json"];
        let mut child = scene.spawn(&mut scene.command(&arguments));
        // The log grows with every response.
        let log = scene.data("cache.db-wal");
        wait::until("some are stored, or it is done", || {
            let is_stored = log.metadata().is_ok_and(|log| log.len() > 20_000 * (round + 1));
            is_stored || child.try_wait().unwrap().is_some()
        });
        if round % 2 == 0 {
            for file in ["cache.db", "cache.db-wal", "cache.db-shm"] {
                let _ = fs::remove_file(scene.data(file));
            }
        } else {
            scene.run(&["cache", "clear", "--yes"]).expect(0);
        }
        let outcome = scene.finished(&child.wait_with_output().unwrap());
        let left = stored(&scene);
        if outcome.code == 0 {
            assert_eq!(left, all, "round {round}: {outcome}");
        } else {
            taken += 1;
            assert_eq!(outcome.code, 3, "round {round}: {outcome}");
            assert_eq!(outcome.json()["success"], left, "round {round}: {outcome}");
            assert!(outcome.stdout.contains("gone again"), "round {round}: {outcome}");
            scene.run(&["cache", "generate"]).expect(0);
            assert_eq!(stored(&scene), all);
        }
    }
    assert!(taken > 0);
}

/// How many responses are stored.
fn stored(scene: &Scene) -> usize {
    let listed = scene.run(&["cache", "list", "--state", "fresh", "--json"]).expect(0).json();
    listed.as_array().unwrap().len()
}

#[test]
fn a_folder_without_access_is_not_an_empty_one() {
    let scene = Scene::generated();
    set_modes(&scene, 0o000, 0o600);
    for arguments in [&READ[..], &["cache", "generate"], &["cache", "list"]] {
        let refused = run_as_nobody(&scene, arguments);
        assert!(refused.code != 0 && !refused.stderr.contains("there is no archive"), "{refused}");
    }
    set_modes(&scene, 0o755, 0o600);
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// A generation that is stopped while it has the lock.
fn stopped_generation(scene: &Scene) -> Child {
    for _ in 0..20 {
        let child = scene.spawn(&mut scene.command(&["cache", "generate", "--force"]));
        let mut has_lock = false;
        wait::until("it has the lock, or is done", || {
            signal(&child, "STOP");
            has_lock = scene.run(&["cache", "unlock"]).code == 1;
            if has_lock {
                return true;
            }
            signal(&child, "CONT");
            let status = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
            status.contains(") Z ")
        });
        if has_lock {
            return child;
        }
        child.wait_with_output().unwrap();
    }
    panic!("it was done too soon each time");
}

#[test]
fn the_embedded_store_has_a_lock_that_says_who_holds_it() {
    let scene = Scene::generated();
    let mut holder = stopped_generation(&scene);
    let waiting = scene.run(&["cache", "generate", "--force"]);
    assert!(waiting.code != 0, "{waiting}");
    assert!(format!("{waiting}").contains(&holder.id().to_string()), "{waiting}");
    let lives = scene.run(&["cache", "unlock"]).expect(1);
    assert!(lives.stderr.contains("that process lives"), "{lives}");
    // Killed, it holds nothing any more.
    signal(&holder, "KILL");
    holder.wait().unwrap();
    scene.run(&["cache", "unlock"]).expect(0);
    scene.run(&["cache", "generate", "--force"]).expect(0);
}

#[test]
fn a_closed_terminal_gives_the_lock_back() {
    for name in ["HUP", "TERM"] {
        let scene = Scene::generated();
        let mut holder = stopped_generation(&scene);
        signal(&holder, name);
        signal(&holder, "CONT");
        let code = holder.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 130)), "{name}: {code:?}");
        let unlocked = scene.run(&["cache", "unlock"]).expect(0);
        assert!(unlocked.stdout.contains("Nobody holds the lock"), "{name}: {unlocked}");
        scene.run(&["cache", "generate"]).expect(0);
        scene.run(&["cache", "verify"]).expect(0);
    }
}
