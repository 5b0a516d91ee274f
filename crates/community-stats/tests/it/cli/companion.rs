//! Beside an InvenioRDM, or on its own: what decides it, what is said of it, and what is refused
//! while nobody knows where to or what.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use stats_testkit::fixtures;

use super::support::Scene;

/// What a command says on standard error, the folder left out.
fn told(scene: &Scene, output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.replace(scene.folder.path().to_str().unwrap(), "[folder]")
}

#[test]
fn every_command_that_writes_says_first_which_life_it_leads() {
    let scene = Scene::tiny();
    let life = "on its own: documents from [folder]/data/archive.db, responses to \
                [folder]/data/cache.db\n";
    let place = ["--community-id", "global", "--year", "2025"];
    let delete = [&["cache", "delete"][..], &place].concat();
    let generate = ["cache", "generate"];
    for arguments in [&generate[..], &delete, &["cache", "clear", "--yes"], &["import", "/nowhere"]]
    {
        let output = scene.command(arguments).output().unwrap();
        assert!(told(&scene, &output).starts_with(life), "{arguments:?}");
        let output = scene.command(arguments).arg("--quiet").output().unwrap();
        assert!(!told(&scene, &output).contains("on its own"), "{arguments:?}");
    }
    for arguments in [&["cache", "list"][..], &["cache", "generate", "--dry-run"], &["man"]] {
        let output = scene.command(arguments).output().unwrap();
        assert!(!told(&scene, &output).contains("on its own"), "{arguments:?}");
    }
    let doctor = scene.run(&["doctor"]);
    assert!(doctor.stdout.contains("on its own: documents from"), "{doctor}");
    assert!(doctor.stdout.lines().next().unwrap().contains("life"), "{doctor}");
}

/// One variable of InvenioRDM's makes a companion: nothing is written into a file that nobody reads.
#[test]
fn a_companion_writes_to_redis_or_nowhere() {
    let scene = Scene::new();
    let output = scene
        .command(&["cache", "generate"])
        .env("INVENIO_SEARCH_HOSTS", "['127.0.0.1:1']")
        .env("INVENIO_CACHE_REDIS_URL", "redis://127.0.0.1:2/0")
        .output()
        .unwrap();
    let told = told(&scene, &output);
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(
        told.starts_with(
            "beside an InvenioRDM (INVENIO_SEARCH_HOSTS): documents from http://127.0.0.1:1, \
             responses to redis://127.0.0.1:2/7\n"
        ),
        "{told}"
    );
    // Nobody said what is in responses.
    assert!(told.contains("layouts and subcounts are taken to be those of"), "{told}");
    assert!(told.contains("community-stats config python"), "{told}");
    assert!(scene.files().iter().all(|(name, _)| name != "cache.db"), "{:?}", scene.files());
}

/// `invenio.cfg` without hosts: InvenioRDM's own defaults, and what was assumed is told where it
/// cannot be reached (here nothing listens, whatever runs on this machine).
#[test]
fn a_cfg_without_hosts_means_the_defaults() {
    for (file, wrong) in [("invenio.cfg", false), ("wrong-name.cfg", true)] {
        let cfg = fixtures::path("reports/10-cfg-without-hosts").join(file);
        let scene = Scene::new().with(&["--invenio-cfg", cfg.to_str().unwrap()]);
        let shown = scene.run(&["config", "show"]).expect(0);
        for line in [
            "source.kind = \"opensearch\"",
            "source.hosts = [\"http://localhost:9200\"]",
            "source.index_prefix = \"repo-\"",
            "cache.store = \"redis\"",
        ] {
            assert!(shown.stdout.contains(line), "{line}: {shown}");
        }
        let named = "INVENIO_SEARCH_HOSTS means nothing in a file, only in the environment; write \
                     SEARCH_HOSTS";
        assert_eq!(shown.stderr.contains(named), wrong, "{shown}");
        let doctor = scene.run(&["doctor", "--set", "mirror.offline=true"]);
        assert!(doctor.stdout.contains("documents from http://localhost:9200"), "{doctor}");
        assert!(
            doctor.stdout.contains("InvenioRDM's default redis://localhost:6379/0"),
            "{doctor}"
        );
    }
}

/// Whatever a call or a star import sets may be anything: who writes is refused, by line and with
/// the remedy, and can say it himself.
#[test]
fn a_cfg_set_by_a_call_keeps_commands_from_writing() {
    for (file, line) in [("star.cfg", 1), ("configure-call.cfg", 2), ("globals-update.cfg", 3)] {
        let cfg = fixtures::path("reports/09-cfg-set-by-call").join(file);
        let cfg = cfg.to_str().unwrap();
        let scene = Scene::tiny().with(&["--invenio-cfg", cfg]);
        for command in [&["cache", "generate"][..], &["sync"], &["cache", "clear", "--yes"]] {
            let refused = scene.run(command).expect(2);
            assert!(refused.stderr.contains(&format!("{cfg}:{line}: SEARCH_")), "{refused}");
            assert!(refused.stderr.contains("it decides where to read and write"), "{refused}");
            assert!(refused.stderr.contains("--set source.hosts=…"), "{refused}");
        }
        assert!(scene.files().iter().all(|(name, _)| name != "cache.db"));
        let said = [
            "source.kind=archive",
            "cache.store=sqlite",
            "cache.prefix=p",
            "communities.opt_in=true",
            "generation.optimize=false",
        ];
        let mut arguments = vec!["cache", "generate"];
        arguments.extend(said.iter().flat_map(|one| ["--set", *one]));
        let refused = scene.run(&arguments).expect(2);
        assert!(refused.stderr.contains("COMMUNITY_STATS_SUBCOUNTS"), "{refused}");
        assert!(refused.stderr.contains("it decides what responses hold"), "{refused}");
        let subcounts = scene.write("subcounts.json", "[]");
        let subcounts = format!("generation.subcounts={subcounts}");
        arguments.extend(["--set", &subcounts]);
        scene.run(&arguments).expect(0);
    }
}

/// Upstream's own form of a layout: texts are translated, and the layout is the one that is meant.
#[test]
fn a_layout_with_translated_texts_is_taken_as_it_is() {
    let cfg = "from invenio_i18n import lazy_gettext as _\n\
               from invenio_stats_dashboard.config import STATS_DASHBOARD_LAYOUT, COMMUNITY_STATS_SUBCOUNTS\n\
               from copy import deepcopy\n\
               STATS_DASHBOARD_LAYOUT = {**STATS_DASHBOARD_LAYOUT, 'global_layout': {'tabs': [\n\
               {'name': 'traffic', 'label': _('Traffic'), 'rows': [{'name': 'one',\n\
               'components': [{'component': 'SingleStatViewsCumulative', 'width': 3}]}]}]}}\n\
               COMMUNITY_STATS_SUBCOUNTS = deepcopy(COMMUNITY_STATS_SUBCOUNTS)\n\
               del COMMUNITY_STATS_SUBCOUNTS['languages']\n";
    let scene = Scene::tiny();
    let cfg = scene.write("invenio.cfg", cfg);
    let alone = ["--set", "source.kind=archive", "--set", "cache.store=sqlite"];
    let read = ["cache", "read", "--community-id", "global", "--year", "2025", "--category"];
    let read = [&read[..], &["usage_snapshot"]].concat();
    scene.run(&["cache", "generate"]).expect(0);
    let before = scene.run(&read).expect(0).stdout;
    let scene = scene.with(&["--invenio-cfg", &cfg]).with(&alone);
    let made = scene.run(&["cache", "generate"]).expect(0);
    assert!(!made.stderr.contains("taken to be those of"), "{made}");
    let after = scene.run(&read).expect(0).json();
    assert_ne!(before, after.to_string());
    assert!(before.contains("\"languages"), "{before}");
    assert!(after.as_object().unwrap().keys().all(|key| !key.starts_with("languages")), "{after}");
}

/// A stand-in for the application: lists, texts that are translated when they are read, functions.
const FLASK: &str = "class Lazy:\n    def __init__(self, text): self.text = text\n\
     \x20   def __str__(self): return self.text\n\
     class current_app:\n    config = {\n\
     'SEARCH_HOSTS': [{'host': 'search', 'port': 9243}], 'SEARCH_INDEX_PREFIX': 'repo-',\n\
     'CACHE_REDIS_URL': 'redis://:hush\"\\\\-1@cache:6379/0', 'STATS_CACHE_DEFAULT_TTL': None,\n\
     'STATS_DASHBOARD_LAYOUT': {'global_layout': {'tabs': [{'name': Lazy('é \\u2028'),\n\
     'rows': []}]}, 'community_layout': {}},\n\
     'COMMUNITY_STATS_SUBCOUNTS': {'rights': {'records': {'snapshot_type': 'all',\n\
     'f': lambda it: it}, 'usage_events': {}}}, 'SITE_NAME': object()}\n";

/// The script of `config python`, run by Python beside a stand-in for the application.
#[test]
fn an_instance_is_asked_by_its_own_python() {
    let scene = Scene::tiny();
    let script = scene.run(&["config", "python"]).expect(0).stdout;
    let script = scene.write("ask.py", script);
    scene.write("flask.py", FLASK);
    let asked = Command::new("python3")
        .arg(&script)
        .current_dir(scene.folder.path())
        .env("PYTHONPATH", scene.folder.path())
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let made = scene.path("community-stats.toml");
    assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o600);
    let scene = scene.with(&["--config", made.to_str().unwrap()]);
    let shown = scene.run(&["config", "show", "--origin"]).expect(0);
    for line in [
        "source.kind = \"opensearch\"",
        "source.hosts = [\"http://search:9243\"]",
        "source.index_prefix = \"repo-\"",
        "cache.main_redis_url = \"redis://:***@cache:6379/0\"",
        "cache.ttl_days = 0",
        "generation.layouts = { … }",
        "generation.subcounts = { … }",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {shown}");
    }
    assert!(!shown.to_string().contains("hush"), "{shown}");
    // What an invenio.cfg says otherwise is told, and the instance is believed.
    let cfg = scene.write("invenio.cfg", "COMMUNITY_STATS_SUBCOUNTS = {}\nSEARCH_HOSTS = ['x']\n");
    let other = scene.run(&["config", "show", "--invenio-cfg", &cfg]).expect(0);
    let differs = "invenio.cfg:1: COMMUNITY_STATS_SUBCOUNTS is another one than the instance said";
    assert!(other.stderr.contains(differs), "{other}");
    assert!(other.stdout.contains("search:9243"), "{other}");
    let doctor = ["doctor", "--invenio-cfg", &cfg, "--set", "mirror.offline=true"];
    let doctor = scene.run(&[&doctor[..], &["--set", "cache.store=sqlite"]].concat());
    assert!(doctor.stdout.contains(differs), "{doctor}");
    let alone = ["--set", "source.kind=archive", "--set", "cache.store=sqlite"];
    let alone = [&["cache", "generate", "--community-id", "global"][..], &alone].concat();
    scene.run(&alone).expect(0);
}

/// A settings file that can be read only once is read once.
#[test]
fn settings_are_read_once() {
    let scene = Scene::new();
    let elsewhere = scene.path("elsewhere");
    let binary = env!("CARGO_BIN_EXE_community-stats");
    let text = format!(
        "printf '{{}}' | {binary} cache update --community-id global --year 2025 --category \
         usage_delta --config <(printf '[data]\\ndir = \"{}\"\\n')",
        elsewhere.display()
    );
    let mut command = Command::new("bash");
    command.args(["-c", &text]).env_clear().env("HOME", scene.folder.path());
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let output = command.output().unwrap();
    let told = told(&scene, &output);
    assert!(told.contains("responses to [folder]/elsewhere/cache.db"), "{told}");
    assert!(!scene.path(".local").exists(), "{told}");
}

#[test]
fn the_home_folder_is_the_same_everywhere() {
    let scene = Scene::new();
    let home = scene.path("home");
    for arguments in [&["--data-dir=~/x"][..], &["--set", "data.dir=~/x"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_community-stats"));
        let output = command
            .args(["config", "show"])
            .args(arguments)
            .env_clear()
            .env("HOME", &home)
            .current_dir(scene.folder.path())
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let expected = format!("data.dir = \"{}/x\"\n", home.display());
        assert!(shown.starts_with(&expected), "{shown}");
    }
}

#[test]
fn settings_as_json_are_values() {
    let shown = Scene::new().run(&["config", "show", "--json"]).expect(0).json();
    let value = |key: &str| {
        let lines = shown.as_array().unwrap();
        lines.iter().find(|line| line["key"] == key).unwrap()["value"].clone()
    };
    assert_eq!(value("cache.redis_db"), 7);
    assert_eq!(value("generation.optimize"), true);
    assert_eq!(value("source.hosts"), serde_json::json!(["http://localhost:9200"]));
    assert_eq!(value("cache.prefix"), "stats_dashboard");
    assert_eq!(value("source.password"), serde_json::Value::Null);
}
