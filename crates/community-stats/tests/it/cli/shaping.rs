//! What shapes responses: subcounts, layouts and components that cannot be meant are refused before
//! anything is written.

use insta::assert_snapshot;

use super::support::Scene;

#[test]
fn no_setting_empties_responses_in_silence() {
    let scene = Scene::tiny();
    let layouts = r#"{"global_layout":{"rows":[{"components":[]}]}}"#;
    for (setting, content, told) in [
        ("subcounts", r#"{"resource_types":3}"#, "`resource_types` must be an object"),
        ("subcounts", r#"{"rights":{}}"#, "`rights` has neither `records` nor `usage_events`"),
        ("subcounts", layouts, "`global_layout` has neither `records` nor `usage_events`"),
        ("layouts", r#"{"gloabl_layout":{}}"#, "unknown member `gloabl_layout`"),
        ("components", r#"{"record_delta":{}}"#, "unknown member `record_delta`"),
        (
            "components",
            r#"{"record_deltas":{"global":{"recrods":["A"]}}}"#,
            "unknown member `recrods`",
        ),
    ] {
        let file = scene.write("given.json", content);
        let given = format!("generation.{setting}={file}");
        for command in [&["cache", "generate"][..], &["cache", "list"], &["cache", "verify"]] {
            let refused = scene.run(&[command, &["--set", &given]].concat()).expect(2);
            assert!(refused.stderr.contains(told), "{refused}");
        }
        let given = format!("generation.{setting}={content}");
        let refused = scene.run(&["cache", "generate", "--set", &given]).expect(2);
        assert!(refused.stderr.contains(told), "{refused}");
    }
    let mut command = scene.command(&["cache", "generate", "--set", "cache.store=sqlite"]);
    command.env("INVENIO_COMMUNITY_STATS_SUBCOUNTS", "{'resource_types': 3}");
    command.args(["--set", "source.kind=archive"]);
    assert_snapshot!(scene.finished(&command.output().unwrap()), @"
    exit: 2
    -- stderr
    error: INVENIO_COMMUNITY_STATS_SUBCOUNTS: `generation.subcounts`: what is given cannot be used: subcount configuration: `resource_types` must be an object with `records`, `usage_events` or both
    hint: mend it, or leave generation.subcounts out for the built-in one
    ");
    assert!(scene.files().iter().all(|(name, _)| name != "cache.db"), "{:?}", scene.files());
    let missing = scene.run(&["cache", "generate", "--set", "generation.layouts=/nowhere/l.json"]);
    assert_snapshot!(missing, @"
    exit: 2
    -- stderr
    error: --set: `generation.layouts`: the file /nowhere/l.json cannot be read: No such file or directory (os error 2)
    ");
}

#[test]
fn whoever_wants_no_subcounts_is_told_by_every_command_that_stores() {
    let scene = Scene::tiny();
    let empty = ["--set", "generation.subcounts={}"];
    let list = scene.write("none.json", "[]");
    let list = format!("generation.subcounts={list}");
    let told = "warning: --set: `generation.subcounts` names none";
    for given in [&empty, &["--set", &list]] {
        let made = scene.run(&[&["cache", "generate", "--overwrite"][..], given].concat());
        assert!(made.expect(0).stderr.contains(told));
    }
    let place = ["--community-id", "global", "--year", "2025", "--category", "usage_delta"];
    let update = scene.run_with(&[&["cache", "update"][..], &place, &empty].concat(), "{}");
    assert!(update.expect(0).stderr.contains(told));
    let removed = scene.run(&[&["cache", "delete"][..], &place, &empty].concat()).expect(0);
    assert!(removed.stderr.contains(told), "{removed}");
    let listed = scene.run(&[&["cache", "list"][..], &empty].concat()).expect(0);
    assert!(!listed.stderr.contains(told), "{listed}");
}
