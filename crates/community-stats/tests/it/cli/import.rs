//! `import`: from exports to the archive.

use insta::assert_snapshot;
use stats_testkit::fixtures;

use super::support::Scene;

#[test]
fn counts_what_came_and_changes_nothing_the_second_time() {
    let scene = Scene::new();
    let corpus = fixtures::path("documents/tiny-7");
    let corpus = corpus.to_str().unwrap();
    assert_snapshot!(scene.run(&["import", corpus]), @"
    exit: 0
    kind              lines  new  replaced  unchanged  refused
    record_delta        159  159         0          0        0
    record_snapshot     159  159         0          0        0
    usage_delta         184  184         0          0        0
    usage_snapshot      184  184         0          0        0
    bookmarks            16   16         0          0        0
    community events    101  101         0          0        0
    communities           6    6         0          0        0
    total               809  809         0          0        0
    ");
    assert_snapshot!(scene.run(&["import", corpus]), @"
    exit: 0
    kind              lines  new  replaced  unchanged  refused
    record_delta        159    0         0        159        0
    record_snapshot     159    0         0        159        0
    usage_delta         184    0         0        184        0
    usage_snapshot      184    0         0        184        0
    bookmarks            16    0         0         16        0
    community events    101    0         0        101        0
    communities           6    0         0          6        0
    total               809    0         0        809        0
    ");
}

#[test]
fn refused_lines_are_told_and_the_rest_is_imported() {
    let scene = Scene::new();
    let good = r#"{"_index":"stats-bookmarks-community","_id":"b","_source":{"date":"2025-01-01","aggregation_type":"community-usage-delta-agg","community_id":"global"}}"#;
    let file = scene.write("mixed.ndjson", format!("{good}\nnonsense\n{{}}\n"));
    assert_snapshot!(scene.run(&["import", &file]), @"
    exit: 3
    kind       lines  new  replaced  unchanged  refused
    bookmarks      1    0         0          0        0
    other          2    0         0          0        2
    total          3    0         0          0        2

    Refused lines:
      1 not JSON
      1 no _index
    First of them:
      [folder]/mixed.ndjson:2: not JSON: not a JSON object: no object
      [folder]/mixed.ndjson:3: no _index

    Something of record_delta, record_snapshot, usage_delta, usage_snapshot was lost: bookmarks of these kinds are not taken,
    and responses made from what changed wait for an import without loss.
    -- stderr
    hint: mend what was refused and import it again; if it cannot be mended, the same command with --accept-loss takes the rest for all there is
    ");
    let report = scene.run(&["import", &file, "--json"]).expect(3).json();
    assert_eq!(report["total"]["kept_back"], 1);
    assert_eq!(report["refusals"][0]["line"], 2);
    assert_eq!(report["kinds"]["bookmarks"]["lines"], 1);
    // Unless that is all there is.
    let report = scene.run(&["import", &file, "--json", "--accept-loss"]).expect(3).json();
    assert_eq!((&report["total"]["new"], &report["total"]["kept_back"]), (&1.into(), &0.into()));
}

#[test]
fn standard_input_is_a_source() {
    let scene = Scene::new();
    let lines = fixtures::lines("documents/tiny-7/bookmarks.ndjson.gz").unwrap().join("\n");
    let report = scene.run_with(&["import", "-", "--json"], lines).expect(0).json();
    assert_eq!(report["total"]["new"], 16);
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let scene = Scene::new();
    let report = scene.run(&["import", "/nowhere.ndjson"]).expect(1);
    assert!(report.stderr.contains("/nowhere.ndjson"), "{report}");
    assert!(!scene.data("archive.db").exists());
    scene.run(&["import"]).expect(2);
}
