//! `run`, `status` and `runs`: the program by itself.

use std::process::{Child, Command};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use stats_jobs::contract::message;
use stats_jobs::ledger::{Ledger, Run, RunId, RunState, SqliteLedger, Trigger};
use stats_jobs::{EmbeddedBroker, EmbeddedOptions, Queue};
use stats_model::SystemClock;
use stats_testkit::wait;

use super::support::{COASTAL, NOW, Outcome, Scene};

/// All responses of `tiny-7`.
const ALL: u64 = 32;

/// The program by itself, which is killed when a test ends early.
struct Keeping<'a> {
    scene: &'a Scene,
    child: Option<Child>,
}

impl<'a> Keeping<'a> {
    fn start(scene: &'a Scene, arguments: &[&str]) -> Self {
        let more = ["run", "--set", "run.interval=1s"];
        let mut command = scene.command(&[&more[..], arguments].concat());
        Self { scene, child: Some(scene.spawn(&mut command)) }
    }

    fn signal(&self, name: &str) {
        let process = self.child.as_ref().unwrap().id();
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
        assert!(status.unwrap().success());
    }

    /// Asks it to end, and gives what it said.
    fn end(mut self) -> Outcome {
        self.signal("TERM");
        let child = self.child.take().unwrap();
        self.scene.finished(&child.wait_with_output().unwrap())
    }
}

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn fresh(scene: &Scene) -> u64 {
    let status = scene.run(&["status", "--json"]).json();
    status["counts"]["fresh"].as_u64().unwrap_or_default()
}

#[test]
fn once_makes_what_has_to_be_made_and_then_nothing() {
    let scene = Scene::tiny();
    let first = scene.run(&["run", "--once", "--json"]).expect(0);
    assert_eq!(first.json()["success"], ALL);
    assert!(first.stderr.contains("run ended"), "{first}");
    let second = scene.run(&["run", "--once"]).expect(0);
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), ("", ""));
    scene.run(&["cache", "verify"]).expect(0);
}

#[test]
fn a_run_does_no_more_than_it_may_and_the_next_one_goes_on() {
    let scene = Scene::tiny();
    let mut stored = 0;
    while stored < ALL {
        let outcome = scene.run(&["run", "--once", "--json", "--max-cells", "10"]);
        let success = outcome.json()["success"].as_u64().unwrap();
        assert!((1..=10).contains(&success), "{outcome}");
        stored += success;
        assert_eq!(fresh(&scene), stored);
        assert_eq!(outcome.code, if stored < ALL { 3 } else { 0 }, "{outcome}");
    }
    assert_eq!(scene.run(&["runs", "list", "--json"]).json().as_array().unwrap().len(), 4);
}

#[test]
fn it_keeps_responses_as_they_should_be_until_it_is_stopped() {
    let scene = Scene::tiny();
    let keeping = Keeping::start(&scene, &[]);
    wait::until("all is made", || fresh(&scene) == ALL);
    let status = scene.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["healthy"], true, "{status}");
    assert_eq!(status["workers"][0]["role"], "both", "{status}");
    assert!(status["next_run"].is_string(), "{status}");

    // Documents that come later.
    let import =
        super::support::changed(&scene, "stats-community-usage-delta-2025.ndjson.gz", |line| {
            let ours = line.contains(COASTAL) && line.contains("2025-11-16T00:00:00");
            ours.then(|| line.replace("\"unique_records\":1", "\"unique_records\":4"))
        });
    scene.run(&["import", &import]).expect(0);
    let runs = || scene.run(&["runs", "list", "--json"]).json();
    wait::until("it was noticed", || runs().as_array().unwrap().len() == 2);
    wait::until("it is made", || fresh(&scene) == ALL);
    scene.run(&["cache", "verify"]).expect(0);
    let ended = keeping.end().expect(0);
    assert!(ended.stderr.contains("keeping ends"), "{ended}");
    let listed = runs();
    let is_second = |run: &&serde_json::Value| run["planned"] == 3;
    let second = listed.as_array().unwrap().iter().find(is_second).unwrap();
    assert_eq!((&second["done"], &second["state"]), (&json!(3), &json!("done")), "{listed}");
    assert_eq!(second["trigger"], "watch");
    let shown = scene.run(&["runs", "show", second["id"].as_str().unwrap()]).expect(0);
    assert!(
        shown.stdout.contains(&format!("{COASTAL}/2025/usage-delta-category stored")),
        "{shown}"
    );
    // Nobody is there any more, and all is as it should be.
    let status = scene.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["workers"], json!([]));
}

#[test]
fn settings_are_read_anew_when_somebody_asks_for_it() {
    let scene = Scene::tiny();
    let file = scene.write("settings.toml", "[generation]\nderived = false\n");
    let scene = scene.with(&["--config", &file]);
    let keeping = Keeping::start(&scene, &[]);
    wait::until("the four are made", || fresh(&scene) == ALL / 2);
    scene.write("settings.toml", "[generation]\nderived = 7\n");
    keeping.signal("HUP");
    scene.write("settings.toml", "");
    keeping.signal("HUP");
    wait::until("all eight are made", || fresh(&scene) == ALL);
    keeping.end().expect(0);
}

#[test]
fn status_tells_what_is_wrong() {
    let scene = Scene::tiny();
    let status = scene.run(&["status", "--line"]).expect(6);
    assert_eq!(
        status.stdout,
        "not healthy: 32 to be made, and nobody does; 0 of 32 responses fresh\n"
    );
    scene.run(&["run", "--once"]).expect(0);
    let status = scene.run(&["status", "--line"]).expect(0);
    assert_eq!(status.stdout, "healthy: 32 of 32 responses fresh\n");
    let screen = scene.run(&["status"]).expect(0).stdout;
    assert!(screen.contains("global                   ........\n"), "{screen}");
    let limited = scene.run(&["status", "--limit", "1"]).expect(0).stdout;
    assert!(limited.contains("and 3 more communities (--limit 0 shows all)\n"), "{limited}");
    let nothing = Scene::new();
    nothing.run(&["status"]).expect(5);
}

#[test]
fn what_a_run_is_about_to_make_is_running() {
    let scene = Scene::tiny();
    let ledger = SqliteLedger::open(scene.data("ledger.db")).unwrap();
    let begun: Timestamp = NOW.parse().unwrap();
    let request = json!({"communities": {"named": [{"any": COASTAL}]}});
    let run = Run::begin(RunId::of(begun, 1), Trigger::Watch, "me@here", request, begun);
    ledger.begin(&run).unwrap();
    let counts = || scene.run(&["status", "--json"]).json()["counts"].clone();
    assert_eq!(counts(), json!({"missing": ALL - 8, "running": 8}));
    let screen = scene.run(&["status", "--limit", "0"]).expect(6).stdout;
    assert!(screen.contains("  rrrrrrrr\n"), "{screen}");
    let cell = ["cache", "explain", "--community-id", COASTAL, "--year", "2025"];
    let explained = scene.run(&[&cell[..], &["--category", "usage_delta", "--json"]].concat());
    let explained = explained.expect(0).json();
    assert_eq!((&explained["state"], &explained["since"]), (&json!("running"), &json!(NOW)));
    let by = format!("being made by run {} (process {} on ", run.id, std::process::id());
    assert!(explained["reason"].as_str().unwrap().contains(&by), "{explained}");
    // What nobody has configured is made by nobody.
    let derived = ["--category", "usage_delta_data_views", "--set", "generation.derived=false"];
    let derived = scene.run(&[&cell[..], &derived, &["--json"]].concat()).expect(0).json();
    assert_eq!(derived["state"], "missing", "{derived}");
    let listed = |state: &str| {
        let listed = scene.run(&["cache", "list", "--state", state, "--json"]).expect(0).json();
        listed.as_array().unwrap().len()
    };
    assert_eq!((listed("running"), listed("missing")), (8, 32), "it is missing until it is made");

    // What it made is fresh; what it has not made goes on to be running until it ends.
    scene.run(&["cache", "generate", "--category", "usage_delta"]).expect(0);
    assert_eq!(counts(), json!({"fresh": 4, "missing": ALL - 11, "running": 7}));
    ledger.end(&run.id, begun, RunState::Done, None).unwrap();
    assert_eq!(counts(), json!({"fresh": 4, "missing": ALL - 4}));
}

#[test]
fn status_tells_how_many_tasks_wait() {
    let scene = Scene::generated();
    let seen = |scene: &Scene| scene.run(&["status", "--json"]).expect(0).json()["queue"].clone();
    assert_eq!(seen(&scene), json!(null));
    let file = scene.data("queue.db");
    let broker = EmbeddedBroker::open(&file, EmbeddedOptions::default(), Arc::new(SystemClock));
    let queue = broker.unwrap().queue("stats-cache");
    queue.send(&message(1)).unwrap();
    queue.send(&message(2)).unwrap();
    let place = "[folder]/data/queue.db";
    assert_eq!(seen(&scene), json!({"name": "stats-cache", "place": place, "length": 2}));
    let screen = scene.run(&["status"]).expect(0).stdout;
    assert!(screen.contains("Queue:     2 tasks wait in stats-cache ("), "{screen}");
    let away = ["--set", "broker.url=redis://localhost:1/0"];
    let told = scene.run(&[&["status", "--json"][..], &away].concat()).expect(0);
    assert!(told.stderr.contains("what waits is not known: "), "{told}");
    assert_eq!(told.json()["queue"], json!(null));
}

#[test]
fn what_failed_is_told_and_tried_again_by_whoever_insists() {
    let scene = Scene::generated();
    let broken =
        super::support::changed(&scene, "stats-community-usage-delta-2025.ndjson.gz", |line| {
            let ours = line.contains(COASTAL) && line.contains("2025-11-16T00:00:00");
            ours.then(|| line.replacen("\"totals\":", "\"totals\":\"x\",\"were\":", 1))
        });
    scene.run(&["import", &broken]).expect(0);
    let first = scene.run(&["run", "--once", "--json"]).expect(3);
    assert_eq!(first.json()["failed"], 3, "{first}");
    let status = scene.run(&["status", "--json"]).expect(6).json();
    assert_eq!(status["counts"], json!({"failed": 3, "fresh": 29}), "{status}");
    assert_eq!(status["oldest_untrue"]["community_id"], COASTAL);
    // It rests now; what is not as it should be is no success.
    let second = scene.run(&["run", "--once"]).expect(3);
    assert!(second.stderr.contains("3 responses are not as they should be"), "{second}");
    let listed = scene.run(&["cache", "list", "--state", "failed", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    let retried = scene.run(&["runs", "retry", "--failed", "--json"]).expect(3).json();
    assert_eq!(retried["failed"], 3, "{retried}");

    let whole =
        super::support::changed(&scene, "stats-community-usage-delta-2025.ndjson.gz", |line| {
            (line.contains(COASTAL) && line.contains("2025-11-16T00:00:00")).then_some(line)
        });
    scene.run(&["import", &whole]).expect(0);
    scene.run(&["run", "--once"]).expect(0);
    scene.run(&["runs", "retry", "--failed"]).expect(0);
    scene.run(&["status", "--line"]).expect(0);
}

#[test]
fn runs_are_found_by_how_their_names_begin() {
    let scene = Scene::generated();
    scene.run(&["cache", "generate", "--force"]).expect(0);
    let runs = scene.run(&["runs", "list", "--json"]).json();
    let ids: Vec<&str> =
        runs.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    let shown = scene.run(&["runs", "show", ids[0], "--json", "--limit", "0"]).expect(0).json();
    assert_eq!(shown["outcomes"].as_array().unwrap().len() as u64, ALL);
    let several = scene.run(&["runs", "show", &ids[0][..4]]).expect(1);
    assert!(several.stderr.contains("several runs have names that begin with"), "{several}");
    let none = scene.run(&["runs", "show", "nothing"]).expect(1);
    assert!(
        none.stderr.contains("no run is remembered whose name begins with 'nothing'"),
        "{none}"
    );
    let over = scene.run(&["runs", "cancel", ids[0]]).expect(1);
    assert!(over.stderr.contains("does not go on: it is done"), "{over}");
    let was_forced = shown["request"]["overwrite"] == true;
    let resumed = scene.run(&["runs", "resume", ids[0], "--json"]).expect(0).json();
    let what = if was_forced { "success" } else { "skipped" };
    assert_eq!(resumed[what], ALL, "{resumed}");
    let runs = scene.run(&["runs", "list", "--json"]).json();
    let resuming = runs.as_array().unwrap().iter().filter(|run| run["resumes"] == ids[0]);
    assert_eq!(resuming.count(), 1, "{runs}");
}

#[test]
fn a_ledger_that_does_not_work_keeps_nobody_from_working() {
    let scene = Scene::tiny();
    std::fs::create_dir(scene.data("ledger.db")).unwrap();
    let made = scene.run(&["cache", "generate"]).expect(0);
    assert!(made.stderr.contains("this run is not remembered"), "{made}");
    assert!(made.stdout.contains("Success: 32"), "{made}");
}

/// What is stale and waits is no success, for whoever looks.
#[test]
fn what_waits_for_an_import_is_no_success_and_not_healthy() {
    let scene = Scene::generated();
    let file = "stats-community-usage-delta-2025.ndjson.gz";
    let path = super::support::changed(&scene, file, |line| {
        let ours = line.contains(COASTAL) && line.contains("2025-11-16T00:00:00");
        ours.then(|| line.replace("\"unique_records\":1", "\"unique_records\":4") + "\nbroken")
    });
    scene.run(&["import", &path]).expect(3);
    scene.run(&["cache", "generate"]).expect(3);
    let once = scene.run(&["run", "--once"]).expect(3);
    assert!(once.stderr.contains("3 responses are not as they should be"), "{once}");
    let status = scene.run(&["status", "--line"]).expect(6);
    assert!(status.stdout.contains("3 not up to date, and waiting"), "{status}");
    scene.run(&["cache", "generate", "--async", "--wait"]).expect(3);
}

#[test]
fn whoever_only_performs_tasks_makes_nothing_by_itself() {
    let scene = Scene::tiny();
    for alone in [&["--once"][..], &["--max-cells", "1"], &["--max-duration", "1s"]] {
        scene.run(&[&["run", "--role", "worker"], alone].concat()).expect(2);
    }
    let worker = Keeping::start(&scene, &["--role", "worker"]);
    let status = || scene.run(&["status", "--json"]).json();
    wait::until("it is there", || status()["workers"][0]["role"] == "worker");
    let status = scene.run(&["status", "--line"]).expect(6);
    assert!(status.stdout.starts_with("not healthy: 32 to be made, and nobody does"), "{status}");
    worker.end().expect(0);
}
