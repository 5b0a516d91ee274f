//! Messages say what is meant, where it was set, and what to do; and they say the same everywhere.

use std::fs;
use std::path::Path;

use super::support::Scene;

fn text_of(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(file)).unwrap()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn readme_and_help_tell_the_same_exit_codes() {
    let help = words(&Scene::new().run(&["--help"]).expect(0).stdout);
    let readme = text_of("README.md");
    let rows = readme.lines().filter_map(|line| {
        let (code, meaning) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        code.parse::<u8>().is_ok().then(|| format!("{code} {meaning}"))
    });
    let rows: Vec<String> = rows.collect();
    assert_eq!(rows.len(), 7, "{rows:?}");
    for row in rows {
        assert!(help.contains(&row), "{row} in {help}");
    }
}

#[test]
fn every_file_of_the_data_folder_is_explained() {
    let scene = Scene::generated();
    let operations = text_of("docs/operations.md");
    let names: Vec<String> = scene.files().into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().any(|name| name == "rate.json"), "{names:?}");
    for name in names {
        assert!(operations.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn a_switched_off_generation_says_where_that_was_set() {
    let scene = Scene::tiny();
    let refused = scene.run(&["cache", "generate", "--set", "generation.enabled=no"]).expect(1);
    assert!(refused.stderr.contains("`generation.enabled`, set to false by --set"), "{refused}");
    let mut command = scene.command(&["cache", "generate"]);
    command.env("COMMUNITY_STATS_GENERATION_ENABLED", "false");
    let refused = scene.finished(&command.output().unwrap()).expect(1);
    assert!(refused.stderr.contains("by COMMUNITY_STATS_GENERATION_ENABLED"), "{refused}");
}

#[test]
fn a_dry_run_calls_existing_only_what_would_be_skipped() {
    let scene = Scene::generated();
    let dry = ["cache", "generate", "--dry-run"];
    let all = scene.run(&dry).expect(0);
    assert!(all.stdout.contains("⚠️  32 entries already exist in cache."), "{all}");
    let layout =
        r#"{"global_layout": {"rows": [{"components": [{"component": "SingleStatViews"}]}]}}"#;
    let layouts = format!("generation.layouts={layout}");
    let none = scene.run(&[&dry[..], &["--set", &layouts]].concat()).expect(0);
    assert!(none.stdout.contains("  Existing entries: 32\n"), "{none}");
    assert!(none.stdout.contains("Would make: 32\n"), "{none}");
    assert!(!none.stdout.contains("already exist"), "{none}");
    scene.run(&["cache", "generate", "--category", "usage_delta", "--set", &layouts]).expect(0);
    let some = scene.run(&[&dry[..], &["--set", &layouts]].concat()).expect(0);
    assert!(some.stdout.contains("⚠️  4 entries already exist in cache."), "{some}");
}

#[test]
fn a_cfg_in_another_encoding_is_told_with_the_way_out() {
    let scene = Scene::new();
    let latin = b"# -*- coding: latin-1 -*-\nSITE = 'Universit\xe4t'\n";
    let refused = scene.write("invenio.cfg", latin);
    let refused = scene.run(&["cache", "list", "--invenio-cfg", &refused]).expect(2);
    for told in ["invenio.cfg is not UTF-8 (latin-1, it says)", "iconv -f latin-1 -t UTF-8"] {
        assert!(refused.stderr.contains(told), "{refused}");
    }
    let refused = scene.write("invenio.cfg", b"SITE = 'Universit\xe4t'\n");
    let refused = scene.run(&["cache", "list", "--invenio-cfg", &refused]).expect(2);
    assert!(refused.stderr.contains("iconv -f ISO-8859-1 -t UTF-8"), "{refused}");
}

#[test]
fn what_only_a_shell_replaces_is_refused_in_paths() {
    let scene = Scene::new();
    // The data folder itself comes with every command of a scene; it has one of its own below.
    for written in ["~user/x", "$HOME/x", "${HOME}/x", "~x"] {
        for key in ["source.ca_certs", "generation.layouts", "data.archive", "cache.file"] {
            let given = format!("{key}={written}");
            let refused = scene.run(&["cache", "list", "--set", &given]).expect(2);
            assert!(refused.stderr.contains(&format!("`{key}`")), "{refused}");
            assert!(refused.stderr.contains("write the path out"), "{refused}");
        }
        let mut command = scene.command(&["cache", "list"]);
        command.env("COMMUNITY_STATS_MIRROR_FILE", written);
        let refused = scene.finished(&command.output().unwrap()).expect(2);
        assert!(refused.stderr.contains("COMMUNITY_STATS_MIRROR_FILE: `mirror.file`"), "{refused}");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_community-stats"));
        command.env_clear().env("HOME", scene.folder.path()).current_dir(scene.folder.path());
        command.args(["cache", "list", "--data-dir", written]);
        let refused = scene.finished(&command.output().unwrap()).expect(2);
        assert!(refused.stderr.contains("--data-dir: `data.dir`"), "{refused}");
    }
}

#[test]
fn an_import_beside_an_instance_says_that_nothing_reads_its_archive() {
    let scene = Scene::new();
    let corpus = stats_testkit::fixtures::path("documents/tiny-7");
    let mut command = scene.command(&["import", corpus.to_str().unwrap()]);
    command.env("INVENIO_SEARCH_HOSTS", "['127.0.0.1:1']");
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let archive = scene.data("archive.db");
    let goes = format!("what is imported goes to {}, and no response is made", archive.display());
    assert!(told.contains("warning: ") && told.contains(&goes), "{told}");
    assert!(!told.contains("documents from http://"), "{told}");
}
