//! Inputs that people reported, from `fixtures/reports`, through the front door.

use insta::assert_snapshot;
use serde_json::Value;
use stats_testkit::fixtures;

use super::support::Scene;

pub(super) const COMMUNITY: &str = "11111111-2222-4333-8444-555555555555";

fn report(name: &str) -> String {
    fixtures::path("reports").join(name).to_str().unwrap().to_owned()
}

/// How many documents of a kind the archive holds for the responses of March and April 2024.
fn documents(scene: &Scene, community: &str, category: &str) -> u64 {
    let arguments = ["cache", "explain", "--community-id", community, "--year", "2024"];
    let arguments = [&arguments[..], &["--category", category, "--json"]].concat();
    scene.run(&arguments).expect(0).json()["documents_now"].as_u64().unwrap()
}

#[test]
fn two_installations_in_one_dump_are_not_mixed() {
    let scene = Scene::new();
    let dump = report("01-two-prefixes");
    assert_snapshot!(scene.run(&["import", &dump]), @"
    exit: 1
    kind   lines  new  replaced  unchanged  refused
    total      0    0         0          0        0
    -- stderr
    error: documents of several installations, which must not be mixed: their index names begin with 'prod-', 'prod-staging-'; nothing was imported
    hint: say which one is meant: source.index_prefix in the settings, COMMUNITY_STATS_SOURCE_INDEX_PREFIX in the environment, or a data folder for each
    ");
    let wanted = |prefix: &str| {
        let scene = Scene::new();
        let mut command = scene.command(&["import", &dump, "--json"]);
        command.env("COMMUNITY_STATS_SOURCE_INDEX_PREFIX", prefix);
        scene.finished(&command.output().unwrap())
    };
    for (prefix, other) in [("prod-", "prod-staging-"), ("prod-staging-", "prod-")] {
        let imported = wanted(prefix).expect(0).json();
        assert_eq!(imported["other_prefixes"].as_object().unwrap().keys().next().unwrap(), other);
        assert_eq!(imported["mixed_prefixes"], Value::Array(vec![]));
        assert!(imported["total"]["new"].as_u64().unwrap() > 0);
    }
    let nothing = wanted("test-").expect(1);
    assert!(nothing.stderr.contains("'prod-', 'prod-staging-'"), "{nothing}");
}

#[test]
fn indices_by_month_and_after_a_rollover_or_reindexing_are_known() {
    let scene = Scene::new();
    let imported = scene.run(&["import", &report("07-month-index"), "--json"]).expect(0).json();
    assert_eq!(imported["kinds"]["usage_delta"]["new"], 3, "{imported}");
    assert_eq!(documents(&scene, COMMUNITY, "usage_delta"), 3);
}

/// New and other lines of an import that has to end well.
fn imported(scene: &Scene, arguments: &[&str]) -> (u64, u64) {
    let report = scene.run(&[&["import", "--json"], arguments].concat()).expect(0).json();
    let number = |name: &str| report["total"][name].as_u64().unwrap();
    assert_eq!(report["kinds"].as_object().unwrap().keys().collect::<Vec<_>>(), ["usage_delta"]);
    (number("new"), number("lines") - number("new"))
}

#[test]
fn what_people_have_instead_of_export_lines_is_read() {
    for (name, new, again) in [
        ("03-tar-gz/backup.tar.gz", 6, 0),
        ("04-search-answer/one-line.json", 3, 0),
        ("04-search-answer/pretty.json", 3, 0),
        ("04-search-answer/pages.ndjson", 3, 3),
        ("05-array-of-hits/lines.json", 3, 0),
        ("05-array-of-hits/one-line.json", 3, 0),
    ] {
        let scene = Scene::new();
        assert_eq!(imported(&scene, &[&report(name)]), (new, again), "{name}");
        assert_eq!(documents(&scene, COMMUNITY, "usage_delta"), new, "{name}");
    }
}

#[test]
fn the_same_documents_in_any_form_give_the_same_series() {
    let series = |name: &str| {
        let scene = Scene::new();
        scene.run(&["series", "usage_delta", &report(name)]).expect(0).stdout
    };
    let right = series("05-array-of-hits/lines.json");
    assert!(right.len() > 1000 && right.contains("[\"03-03\",3]"), "{right}");
    for name in [
        "04-search-answer/one-line.json",
        "04-search-answer/pretty.json",
        "05-array-of-hits/one-line.json",
        "15-source-only/dump.json",
    ] {
        assert_eq!(series(name), right, "{name}");
    }
}

#[test]
fn every_file_of_a_folder_is_read_or_named() {
    let scene = Scene::new();
    let folder = scene.path("dump");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let nothing = scene.run(&["import", folder]).expect(1);
    assert!(nothing.stderr.contains("no file was found"), "{nothing}");
    for (from, to) in [
        ("03-tar-gz/backup.tar.gz", "backup.tar.gz"),
        ("04-search-answer/one-line.json", "search.json"),
    ] {
        std::fs::copy(report(from), scene.path("dump").join(to)).unwrap();
    }
    assert_eq!(imported(&scene, &[folder]), (9, 0));
    scene.write("dump/notes.txt", "how we made this dump\n");
    let noted = scene.run(&["import", folder]).expect(0);
    assert!(format!("{noted}").contains("notes.txt"), "{noted}");
}

#[test]
fn a_file_that_stands_for_an_index_is_never_passed_over() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("dump")).unwrap();
    let folder = scene.path("dump");
    std::fs::copy(report("03-tar-gz/backup.tar.gz"), folder.join("backup.tar.gz")).unwrap();
    let folder = folder.to_str().unwrap();
    let name = "dump/stats-community-usage-delta-2025.ndjson";
    for (name, content, said) in [
        (name, r#"{"error":{"type":"index_not_found_exception"},"status":404}"#, "an error"),
        (name, "<html>502", "a page of HTML"),
        (name, "", "it is empty, though it has the name of an index"),
        ("dump/anything.ndjson.gz", "", "it is empty"),
    ] {
        scene.write(name, content);
        let imported = scene.run(&["import", folder]).expect(3);
        assert!(imported.stdout.contains(said), "{imported}");
        assert!(imported.stdout.contains("Something of record_delta"), "{imported}");
        let alone = scene.path(name);
        let alone = scene.run(&["import", alone.to_str().unwrap()]).expect(1);
        assert!(alone.stderr.contains("nothing was imported"), "{alone}");
        std::fs::remove_file(scene.path(name)).unwrap();
    }
    scene.write("dump/notes.ndjson", "");
    let noted = scene.run(&["import", folder]).expect(0);
    assert!(noted.stdout.contains("notes.ndjson: it is empty"), "{noted}");
    let alone = scene.path("dump/notes.ndjson");
    let alone = scene.run(&["import", alone.to_str().unwrap()]).expect(1);
    assert!(alone.stderr.contains("notes.ndjson: it is empty"), "{alone}");
}

#[test]
fn long_lists_are_cut() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("dump")).unwrap();
    for n in 0..130 {
        scene.write(&format!("dump/empty-{n:03}"), "");
        scene.write(&format!("dump/empty-{n:03}.gz"), "");
    }
    let dump = scene.path("dump");
    std::fs::copy(report("04-search-answer/one-line.json"), dump.join("search.json")).unwrap();
    let dump = dump.to_str().unwrap();
    let told = scene.run(&["import", dump]).expect(3).stdout;
    assert_eq!(told.matches("it is empty").count(), 200, "{told}");
    assert_eq!(told.matches("\n  and 30 more\n").count(), 2, "{told}");
    let told = scene.run(&["import", dump, "--json"]).expect(3).json();
    assert_eq!(told["skipped_files"].as_array().unwrap().len(), 100);
    assert_eq!((&told["more_skipped_files"], &told["more_file_errors"]), (&30.into(), &30.into()));
}

#[test]
fn an_older_export_sets_nothing_back_and_says_so() {
    let scene = Scene::new();
    let export = |title: &str, day: &str| {
        let community = format!(
            r#"{{"slug":"c","metadata":{{"title":"{title}"}},"updated":"{day}T00:00:00+00:00"}}"#
        );
        let name = "community-usage-delta-agg";
        let bookmark =
            format!(r#"{{"aggregation_type":"{name}","community_id":"c","date":"{day}"}}"#);
        let line = |index: &str, id: &str, source: &str| {
            format!("{{\"_index\":\"{index}\",\"_id\":\"{id}\",\"_source\":{source}}}\n")
        };
        line("communities-communities-v2.0.0", "c", &community)
            + &line("stats-bookmarks-community", &format!("{name}_c"), &bookmark)
    };
    scene.write("newer.ndjson", export("newer", "2025-03-09"));
    scene.write("older.ndjson", export("older", "2025-03-08"));
    let (newer, older) = (scene.path("newer.ndjson"), scene.path("older.ndjson"));
    scene.run(&["import", newer.to_str().unwrap()]).expect(0);
    let older = older.to_str().unwrap();
    assert_snapshot!(scene.run(&["import", older]), @"
    exit: 0
    kind         lines  new  replaced  unchanged  refused
    bookmarks        1    0         0          0        0
    communities      1    0         0          0        0
    total            2    0         0          0        0

    Not replaced: 1 community changed earlier than what is in the archive

    Not replaced: 1 bookmark earlier than what is in the archive
      bookmarks community-usage-delta-agg_c
      communities c
    (--replace takes them all the same)
    ");
    let told = scene.run(&["import", older, "--json"]).expect(0).json();
    assert_eq!((&told["total"]["older"], &told["total"]["replaced"]), (&2.into(), &0.into()));
    let told = scene.run(&["import", older, "--replace", "--json"]).expect(0).json();
    assert_eq!((&told["total"]["older"], &told["total"]["replaced"]), (&0.into(), &2.into()));
}

#[test]
fn bare_documents_need_the_name_of_their_index() {
    let scene = Scene::new();
    let dump = report("15-source-only/dump.json");
    let refused = scene.run(&["import", &dump]).expect(1);
    assert!(refused.stderr.contains("--index NAME"), "{refused}");
    let index = ["--index", "stats-community-usage-delta-2024", &dump];
    assert_eq!(imported(&scene, &index), (3, 0));
    for other in ["stats-community-usage-snapshot-2024", "stats-community-records-delta-added"] {
        let refused = scene.run(&["import", "--replace", "--index", other, &dump]).expect(1);
        assert!(refused.stdout.contains("not a document of this kind"), "{refused}");
    }
}

#[test]
fn one_page_again_and_again_is_not_the_whole_search() {
    let scene = Scene::new();
    let whole = std::fs::read_to_string(report("04-search-answer/one-line.json")).unwrap();
    let mut page: Value = serde_json::from_str(&whole).unwrap();
    page["hits"]["hits"].as_array_mut().unwrap().truncate(1);
    let pages = scene.write("pages.ndjson", format!("{page}\n").repeat(3));
    let imported = scene.run(&["import", &pages]).expect(3);
    assert!(imported.stdout.contains("1 different ones in 3 of 3 hits"), "{imported}");
    assert!(imported.stdout.contains("was lost"), "{imported}");
    scene.run(&["series", "usage_delta", &pages]).expect(1);
    let generated = scene.run(&["cache", "generate", "--all-years"]).expect(3);
    assert!(generated.stdout.contains("Success: 0,"), "{generated}");
    scene.run(&["import", &report("04-search-answer/one-line.json")]).expect(0);
    assert_eq!(documents(&scene, COMMUNITY, "usage_delta"), 3);
}
