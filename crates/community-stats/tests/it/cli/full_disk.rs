//! A disk without room: reading goes on, what was left half-made is no damage, and the remedy is told.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::support::Scene;

const NOT_TRIED: &str = "not tried: a small file system, which only root can mount";

/// A small file system in the place of the data folder, unmounted in the end.
struct Disk<'a>(&'a Path);

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0).status());
    }
}

impl<'a> Disk<'a> {
    /// `None` where nobody may mount one.
    fn mounted(folder: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }

    /// Puts copies of the archive and the responses of another scene here.
    fn copy_from(&self, made: &Scene) {
        for file in ["archive.db", "cache.db"] {
            fs::copy(made.data(file), self.0.join(file)).unwrap();
        }
    }

    /// Takes all of the room that is left, but for `kept` bytes.
    fn fill(&self, kept: usize) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(kept as u64)).unwrap();
    }

    fn clear(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

const READ: [&str; 8] =
    ["cache", "read", "--community-id", "global", "--year", "2025", "--category", "usage_delta"];

#[test]
fn reading_needs_no_room() {
    let made = Scene::generated();
    let right = made.run(&READ).expect(0).stdout;
    let scene = Scene::new();
    let data = scene.path("data");
    let Some(disk) = Disk::mounted(&data, "16m") else {
        eprintln!("{NOT_TRIED}");
        return;
    };
    disk.copy_from(&made);
    disk.fill(0);
    assert_eq!(scene.run(&READ).expect(0).stdout, right);
    scene.run(&["cache", "list"]).expect(0);
    scene.run(&["cache", "verify"]).expect(0);
    let doctor = scene.run(&["doctor"]);
    assert!(doctor.stdout.contains("make room"), "{doctor}");
    assert!(!doctor.stdout.contains("rror code"), "{doctor}");
    for command in [&["cache", "generate", "--force"][..], &["import", "/dev/null"]] {
        let refused = scene.run(command);
        assert!(refused.code != 0, "{refused}");
        assert!(refused.stderr.contains("make room"), "{refused}");
        assert!(!refused.stderr.contains("rror code"), "{refused}");
    }
    disk.clear();
    scene.run(&["cache", "generate"]).expect(0);
}

/// Without room for the file in which readers meet while changes wait, nothing can be read; that it
/// is full is said.
#[test]
fn changes_that_wait_on_a_full_disk_are_told() {
    let made = Scene::generated();
    let scene = Scene::new();
    let data = scene.path("data");
    let Some(disk) = Disk::mounted(&data, "16m") else {
        eprintln!("{NOT_TRIED}");
        return;
    };
    disk.copy_from(&made);
    for file in ["archive.db", "cache.db"] {
        fs::write(data.join(format!("{file}-wal")), [0; 4096]).unwrap();
    }
    disk.fill(0);
    for command in [&READ[..], &["cache", "list"], &["cache", "explain"]] {
        let command = match command {
            ["cache", "explain"] => &[command, &READ[2..]].concat()[..],
            other => other,
        };
        let refused = scene.run(command).expect(1);
        assert!(refused.stderr.contains("hint: make room"), "{refused}");
        assert!(!refused.stderr.contains("rror code"), "{refused}");
    }
    let doctor = scene.run(&["doctor"]);
    assert!(!doctor.stdout.contains("rror code"), "{doctor}");
    assert!(doctor.stdout.contains("hint: make room"), "{doctor}");
}

#[test]
fn what_a_full_disk_left_unmade_is_empty_and_not_damaged() {
    let made = Scene::tiny();
    for kept in [0, 3 * 4096, 12 * 4096] {
        let scene = Scene::new();
        let data = scene.path("data");
        let Some(disk) = Disk::mounted(&data, "16m") else {
            eprintln!("{NOT_TRIED}");
            return;
        };
        fs::copy(made.data("archive.db"), data.join("archive.db")).unwrap();
        disk.fill(kept);
        let refused = scene.run(&["cache", "generate"]);
        assert!(refused.code != 0, "{kept}: {refused}");
        disk.clear();
        let listed = scene.run(&["cache", "list"]).expect(0);
        assert!(!listed.to_string().contains("another program"), "{kept}: {listed}");
        let doctor = scene.run(&["doctor"]);
        assert!(!doctor.stdout.contains("another program"), "{kept}: {doctor}");
        scene.run(&["cache", "generate"]).expect(0);
        scene.run(&["cache", "verify"]).expect(0);
    }
    for kept in [0, 3 * 4096] {
        let scene = Scene::new();
        let data = scene.path("data");
        let Some(disk) = Disk::mounted(&data, "16m") else {
            eprintln!("{NOT_TRIED}");
            return;
        };
        disk.fill(kept);
        let corpus = stats_testkit::fixtures::path("documents/tiny-7");
        let import = ["import", corpus.to_str().unwrap()];
        let refused = scene.run(&import);
        assert!(refused.code != 0 && refused.stderr.contains("make room"), "{kept}: {refused}");
        disk.clear();
        for command in [&["doctor"][..], &["cache", "list"], &["cache", "generate"]] {
            let told = scene.run(command).expect(5).to_string();
            assert!(told.contains("community-stats import PATH"), "{kept}: {told}");
            assert!(!told.contains("restore"), "{kept}: {told}");
        }
        scene.run(&import).expect(0);
        scene.run(&["cache", "generate"]).expect(0);
    }
}
