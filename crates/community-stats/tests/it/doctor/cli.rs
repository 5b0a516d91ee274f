//! The command, through the front door.

use std::process::Command;

use stats_testkit::services::process;
use tempfile::TempDir;

struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn doctor(folder: &TempDir, arguments: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_community-stats"))
        .env_clear()
        .env("HOME", folder.path())
        .arg("doctor")
        .args(arguments)
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// An archive of a corpus and nothing else.
fn imported() -> TempDir {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let archive = stats_documents::Archive::open(data.join("archive.db"), Default::default());
    let corpus = stats_testkit::fixtures::path("documents/tiny-7");
    let corpus = vec![stats_documents::import::Input::Path(corpus)];
    let imported =
        stats_documents::import::import(corpus, &archive.unwrap(), &Default::default(), &mut ());
    assert_eq!(imported.unwrap().total().refused_lines(), 0);
    folder
}

#[test]
fn exit_codes() {
    let folder = imported();
    let fine = doctor(&folder, &[]);
    assert_eq!(fine.code, Some(0), "{}{}", fine.stdout, fine.stderr);
    assert!(fine.stderr.is_empty(), "{}", fine.stderr);

    std::fs::write(folder.path().join("data/cache.db"), "nothing of ours".repeat(500)).unwrap();
    let wrong = doctor(&folder, &[]);
    assert_eq!(wrong.code, Some(1), "{}", wrong.stdout);
    assert!(wrong.stdout.contains("failed       store"), "{}", wrong.stdout);
    assert!(
        wrong.stdout.contains("hint: the next `cache generate` sets it aside"),
        "{}",
        wrong.stdout
    );

    let port = process::free_port().unwrap();
    let url = format!("cache.main_redis_url=redis://:s3cret@127.0.0.1:{port}/0");
    let unreachable = doctor(&folder, &["--set", &url]);
    assert_eq!(unreachable.code, Some(5), "{}", unreachable.stdout);
    assert!(!unreachable.stdout.contains("s3cret"), "{}", unreachable.stdout);
}

#[test]
fn json() {
    let folder = imported();
    let outcome = doctor(&folder, &["--json"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(["ok", "warning"].contains(&report["state"].as_str().unwrap()), "{report}");
    let checks = report["checks"].as_array().unwrap();
    let archive = checks.iter().find(|check| check["name"] == "archive").unwrap();
    assert_eq!(archive["state"], "ok");
    assert!(archive["millis"].is_f64() && archive["remedy"].is_null(), "{archive}");
}
