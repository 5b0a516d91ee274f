//! Names that act on a terminal, in documents, arguments and files: no command lets them through to
//! whoever reads its text.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::support::{Outcome, Scene, changed};

/// Red from here on, a bell, text from right to left, an end of line, and what clears the screen.
const HOSTILE: &str = "x\u{1b}[31m\u{7}\u{202e}\nFORGED \u{9b}2J\u{200f}\u{7f}\r";

/// Fails when anything of it came through, or the text of a value began a line.
fn check(what: &[&str], outcome: &Outcome) {
    let text = format!("{}{}", outcome.stdout, outcome.stderr);
    let acts = |letter: char| {
        let marks = ['\u{202e}', '\u{200f}', '\u{2066}'];
        (letter.is_control() && letter != '\n') || marks.contains(&letter)
    };
    assert!(!text.contains(acts), "{what:?}: {text:?}");
    let forged = text.lines().any(|line| line.starts_with("FORGED"));
    assert!(!forged, "{what:?}: {outcome}");
}

fn hostile_corpus() -> Scene {
    let scene = Scene::tiny();
    let name = serde_json::to_string(HOSTILE).unwrap();
    let slug = |line: String| Some(line.replace("\"coastal-ecology-network\"", &name));
    let communities = changed(&scene, "communities.ndjson.gz", slug);
    scene.run(&["import", &communities, "--replace"]).expect(0);
    let ids = |line: String| {
        let mut line: serde_json::Value = serde_json::from_str(&line).unwrap();
        line["_source"]["community_id"] = HOSTILE.into();
        line["_id"] = format!("{}{HOSTILE}", line["_id"].as_str().unwrap()).into();
        Some(line.to_string())
    };
    let documents = changed(&scene, "stats-community-usage-delta-2025.ndjson.gz", ids);
    scene.run(&["import", &documents]).expect(0);
    scene
}

#[test]
fn no_command_lets_through_what_acts_on_a_terminal() {
    let scene = hostile_corpus();
    let of = ["--community-id", HOSTILE, "--year", "2025"];
    let category = ["--category", "usage_delta"];
    let place = [&of[..], &category].concat();
    let with = |command: &[&'static str], more: &[&'static str]| [command, more].concat();
    let commands: Vec<Vec<&str>> = vec![
        vec!["cache", "generate", "--dry-run"],
        vec!["cache", "generate"],
        vec!["cache", "generate", "--community-slug", HOSTILE, "--overwrite"],
        vec!["cache", "generate", "--community-slug", "x\u{1b}[31m"],
        vec!["cache", "generate", "--community-id", "\u{1b}[31m"],
        vec!["cache", "generate", "--category", HOSTILE],
        vec!["cache", "generate", "--year=\u{1b}[31m"],
        vec!["cache", HOSTILE],
        vec!["cache", "list"],
        vec!["cache", "list", "--community-id", "\u{1b}[31m\n"],
        vec!["cache", "info"],
        vec!["cache", "verify"],
        with(&["cache", "explain"], &place),
        with(&["cache", "exists"], &place),
        with(&["cache", "delete"], &place),
        with(&["cache", "read"], &place),
        with(&["cache", "explain"], &place),
        vec!["cache", "clear", "--yes"],
        vec!["import", HOSTILE],
        vec!["series", "usage_delta", HOSTILE],
        vec!["doctor", "--set", "cache.prefix=\u{1b}[31m\u{202e}"],
        vec!["config", "show", "--origin", "--set", "cache.prefix=\u{1b}[31m\u{202e}"],
        vec!["cache", "list", "--set", "cache.ttl_days=\u{1b}[31m\u{202e}"],
        vec!["cache", "list", "--set", "cache.\u{1b}[31m=3"],
        vec!["cache", "list", "--config", HOSTILE],
        vec!["cache", "list", "--invenio-cfg", HOSTILE],
        vec!["sync", "--set", "source.kind=\u{1b}[31m"],
    ];
    for command in commands {
        check(&command, &scene.run(&command));
    }
    let listed = scene.run(&["cache", "generate"]);
    check(&["again"], &listed);
    let listed = scene.run(&["cache", "list"]).expect(0);
    assert!(listed.stdout.contains("x\\u{1b}[31m\\u{7}\\u{202e}\\u{a}FORGED"), "{listed}");
    check(&["list"], &listed);
}

#[test]
fn nor_does_the_report_of_an_import() {
    let scene = Scene::new();
    let folder = scene.path("dump");
    std::fs::create_dir(&folder).unwrap();
    let name = serde_json::to_string(HOSTILE).unwrap();
    let lines = format!(
        "{{\"_index\":{name},\"_id\":\"1\",\"_source\":{{}}}}\n\
         {{\"_index\":\"stats-community-usage-delta-2025\",\"_id\":{name},\"_source\":{{\"a\":1}}}}\n\
         {{{name}\n"
    );
    let file = OsStr::from_bytes(HOSTILE.as_bytes());
    std::fs::write(folder.join(file).with_extension("ndjson"), &lines).unwrap();
    std::fs::write(folder.join("\u{1b}[31m.gz"), "no gzip").unwrap();
    std::fs::write(folder.join("\u{1b}[31m.pdf"), [0, 159, 146, 150]).unwrap();
    let report = scene.run(&["import", folder.to_str().unwrap()]);
    check(&["import"], &report);
    assert!(report.stdout.contains("\\u{1b}[31m"), "{report}");
    let file = scene.write("one.ndjson", &lines);
    check(&["series"], &scene.run(&["series", "usage_delta", &file]));
    check(&["demo"], &scene.run(&["demo", "--now", HOSTILE]));
}
