//! `series`: documents in, one response out.

use serde::Deserialize;
use serde_json::value::RawValue;
use stats_testkit::fixtures;

use super::support::{Outcome, Scene};

#[derive(Deserialize)]
struct Case {
    category: String,
    components: Option<Vec<String>>,
    documents: Vec<Box<RawValue>>,
    expected: Option<String>,
}

#[test]
fn writes_the_bytes_of_the_reference_or_nothing() {
    let scene = Scene::new();
    for (index, line) in fixtures::lines("series/cases.ndjson.gz").unwrap().iter().enumerate() {
        // A third of the cases; stats-series runs them all.
        if index % 3 != 0 {
            continue;
        }
        let case: Case = serde_json::from_str(line).unwrap();
        let documents: Vec<String> = case
            .documents
            .iter()
            .map(|document| format!("{{\"_index\":\"x\",\"_source\":{}}}", document.get()))
            .collect();
        let mut arguments = vec!["series".to_owned(), case.category];
        if let Some(components) = case.components {
            arguments.extend(["--components".to_owned(), components.join(",")]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let outcome = scene.run_with(&arguments, documents.join("\n"));
        match case.expected {
            // A response of nothing is what a broken pipe would make, too.
            _ if documents.is_empty() => {
                assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "case {index}");
            }
            Some(expected) => {
                assert!(outcome.code == 0 && outcome.stdout == expected, "case {index}: {outcome}");
            }
            None => {
                assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "case {index}");
                assert!(outcome.stderr.contains(", line "), "case {index}: {outcome}");
            }
        }
    }
    assert!(scene.files().is_empty());
}

#[test]
fn export_lines_bare_documents_and_files_are_the_same() {
    let scene = Scene::new();
    let bare =
        r#"{"period_start": "2025-01-02T00:00:00", "totals": {"view": {"total_events": 7}}}"#;
    let export = format!("\n{{\"_index\":\"x\",\"_id\":\"a\",\"_source\":{bare}}}\r\n\n");
    let expected = scene.run_with(&["series", "usage_delta"], bare).expect(0).stdout;
    assert!(expected.contains("[[\"01-02\",7]]"), "{expected}");
    assert_eq!(scene.run_with(&["series", "usage_delta", "-"], &export).stdout, expected);
    let file = scene.write("documents.ndjson", &export);
    assert_eq!(scene.run(&["series", "usage-delta-category", &file]).stdout, expected);
}

#[test]
fn a_refused_document_is_named() {
    let scene = Scene::new();
    let lines =
        "{\"_id\":\"a\",\"_source\":{}}\n\n{\"_id\":\"b\",\"_source\":{\"period_start\":7}}\n";
    insta::assert_snapshot!(scene.run_with(&["series", "usage_delta"], lines), @"
    exit: 1
    -- stderr
    error: standard input, line 3, _id 'b': period_start: expected text
    hint: no response is written when a document cannot be used
    ");
    insta::assert_snapshot!(scene.run_with(&["series", "usage_delta"], "{\"community_id\":\"a\"}\n{\"a\":\n"), @"
    exit: 1
    -- stderr
    error: standard input, line 2: not valid JSON at byte 5: the document ends in the middle
    hint: no response is written when a document cannot be used
    ");
}

#[test]
fn the_layout_decides_what_is_kept() {
    let scene = Scene::new();
    let keys = |more: &[&str]| {
        let arguments = [&["series", "usage_delta"], more].concat();
        let response = scene.run_with(&arguments, "{\"community_id\":\"a\"}\n").expect(0).json();
        response["global"].as_object().unwrap().len()
    };
    assert_eq!(keys(&[]), 10);
    assert_eq!(keys(&["--components", ""]), 3);
    assert_eq!(keys(&["--optimize"]), 3);
    let names = "SingleStatViews, SingleStatDownloads";
    let few = keys(&["--components", names]);
    let layout = r#"{"rows":[{"components":[{"component":"SingleStatViews"},{"component":"SingleStatDownloads"}]}]}"#;
    let bare = scene.write("layout.json", layout);
    let whole = scene.write("layouts.json", format!("{{\"global_layout\":{layout}}}"));
    assert_eq!(keys(&["--layout", &bare]), few);
    assert_eq!(keys(&["--layout", &whole]), few);
    scene.run(&["series", "usage_delta", "--optimize", "--components", "A"]).expect(2);
    scene.run(&["series", "usage_delta", "--layout", "/nowhere.json"]).expect(1);
    scene.run(&["series", "usage_delta", "/nowhere.ndjson"]).expect(1);
}

/// A document as a line of an export, with views on its day.
fn line(community: &str, kind: &str, day: &str, views: u32) -> String {
    format!(
        "{{\"_index\":\"stats-community-{kind}-2024\",\"_id\":\"{community}-{day}\",\"_source\":{{\
         \"community_id\":\"{community}\",\"period_start\":\"{day}T00:00:00\",\"totals\":{{\"view\":\
         {{\"total_events\":{views}}}}},\"subcounts\":{{}}}}}}\n"
    )
}

/// Two days of the community `a`.
fn of_one_community() -> String {
    line("a", "usage-delta", "2024-03-01", 1) + &line("a", "usage-delta", "2024-03-02", 2)
}

fn series(scene: &Scene, documents: &str, more: &[&str]) -> Outcome {
    scene.run_with(&[&["series", "usage_delta"], more].concat(), documents)
}

#[test]
fn documents_of_several_communities_or_kinds_are_refused_or_chosen_from() {
    let scene = Scene::new();
    let one = of_one_community();
    let two = line("b", "usage-delta", "2024-03-01", 5) + &one;
    let kinds = line("a", "records-delta-created", "2024-03-01", 7) + &one;
    let right = series(&scene, &one, &[]).expect(0).stdout;
    assert!(right.contains("[\"03-02\",2]"), "{right}");
    for mixed in [&two, &kinds] {
        let refused = series(&scene, mixed, &[]).expect(1);
        assert_eq!(refused.stdout, "", "{refused}");
        assert!(refused.stderr.contains("--community-id"), "{refused}");
        assert_eq!(series(&scene, mixed, &["--community-id", "a"]).expect(0).stdout, right);
    }
    let nobody = series(&scene, &two, &["--community-id", "c"]).expect(1);
    assert!(nobody.stdout.is_empty() && nobody.stderr.contains("'c'"), "{nobody}");
    let named = series(&scene, &one, &["--components", "NoSuchThing"]).expect(0);
    assert!(named.stderr.contains("NoSuchThing"), "{named}");
}

#[test]
fn what_nobody_can_look_into_may_be_of_the_community_that_is_meant() {
    let scene = Scene::new();
    let one = of_one_community();
    for broken in [
        "{\"_index\":\"stats-community-usage-delta-2024\",\"_id\":\"x\"}\n",
        "{\"_id\":\n",
        "{\"period_start\":\"2024-03-05\"}\n",
        "7\n",
    ] {
        let refused = series(&scene, &(one.clone() + broken), &["--community-id", "a"]).expect(1);
        assert!(refused.stdout.is_empty() && refused.stderr.contains("line 3"), "{refused}");
    }
    let right = series(&scene, &one, &[]).expect(0).stdout;
    let nan = one.replace("\"subcounts\"", "\"uploaders\":NaN,\"subcounts\"");
    assert_eq!(series(&scene, &nan, &["--community-id", "a"]).expect(0).stdout, right);
}

#[test]
fn documents_of_other_installations_are_left_out() {
    let scene = Scene::new();
    let one = of_one_community();
    let elsewhere = series(&scene, &one, &["--set", "source.index_prefix=x-"]).expect(1);
    assert!(elsewhere.stderr.contains("other prefixes: ''"), "{elsewhere}");
    let right = series(&scene, &one, &[]).expect(0).stdout;
    let here = one.replace("stats-community", "x-stats-community");
    let both = series(&scene, &(here + &one), &["--set", "source.index_prefix=x-"]).expect(0);
    assert_eq!(both.stdout, right);
    assert!(both.stderr.contains("left out"), "{both}");
}

#[test]
fn of_nothing_or_of_the_same_twice_no_response_is_made() {
    let scene = Scene::new();
    let one = of_one_community();
    for nothing in ["", "\n", "{}\n", "{\"error\":{},\"status\":404}\n", &(one.clone() + &one)] {
        let refused = series(&scene, nothing, &[]).expect(1);
        assert!(refused.stdout.is_empty() && !refused.stderr.is_empty(), "{nothing}: {refused}");
    }
}
