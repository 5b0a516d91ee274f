//! What is shipped beside the program works with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn units() -> Vec<PathBuf> {
    let mut units: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    units.sort();
    assert_eq!(units.len(), 3, "{units:?}");
    units
}

/// Every command line in a unit is one that the program takes, every variable one of its settings.
#[test]
fn units_say_what_the_program_understands() {
    let mut commands = 0;
    for unit in units() {
        let text = fs::read_to_string(&unit).unwrap();
        for line in text.lines() {
            if let Some(command) = line.strip_prefix("ExecStart=/usr/local/bin/community-stats ") {
                let help = Command::new(env!("CARGO_BIN_EXE_community-stats"))
                    .args(command.split(' '))
                    .arg("--help")
                    .output()
                    .unwrap();
                assert!(help.status.success(), "{command}");
                commands += 1;
            }
            if let Some(assignment) = line.strip_prefix("Environment=") {
                let (variable, _) = assignment.split_once('=').unwrap();
                let known = community_stats::config::SECTIONS
                    .iter()
                    .flat_map(|section| section.settings)
                    .any(|setting| setting.variable() == variable);
                assert!(known, "{variable}");
            }
        }
    }
    assert_eq!(commands, 2);
}

/// Where systemd is there to say so.
#[test]
fn systemd_takes_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("not tried: there is no systemd-analyze");
        return;
    }
    // It wants to see the program where the unit says it is.
    let here = tempfile::tempdir().unwrap();
    for unit in units() {
        let text = fs::read_to_string(&unit).unwrap();
        let program = env!("CARGO_BIN_EXE_community-stats");
        let text = text.replace("/usr/local/bin/community-stats", program);
        fs::write(here.path().join(unit.file_name().unwrap()), text).unwrap();
    }
    let units = fs::read_dir(here.path()).unwrap().map(|entry| entry.unwrap().path());
    let verified = Command::new("systemd-analyze").arg("verify").args(units).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("community-stats") && !line.contains("'man "))
        .collect();
    assert!(ours.is_empty(), "{said}");
}
