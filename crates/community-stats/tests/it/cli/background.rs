//! `cache generate --async`, and who performs what it sends: a worker of ours, sent by us or by a real
//! Celery in Python.

use std::process::Child;

use serde_json::{Value, json};
use stats_testkit::services::{Celery, CeleryVersion, RabbitMq, Redis};
use stats_testkit::wait;

use super::support::{COASTAL, Scene};

const ALL: u64 = 32;

/// The application of Python's side, with the names and the queue of the Python package.
const APP: &str = r#"
import os
from celery import Celery

app = Celery("app", broker=os.environ["BROKER"], backend=os.environ["RESULTS"])
serializer = os.environ["SERIALIZER"]
app.conf.update(
    task_serializer=serializer,
    result_serializer=serializer,
    accept_content=["json", "msgpack"],
    task_routes={"invenio_stats_dashboard.tasks.cache_tasks.*": {"queue": "stats-cache"}},
)


def ours(name, *args, **kwargs):
    return app.send_task("invenio_stats_dashboard.tasks.cache_tasks." + name, args, kwargs)
"#;

fn entries(scene: &Scene) -> Value {
    scene.run(&["cache", "info", "--json"]).json()["entries"].clone()
}

#[test]
fn where_nobody_works_a_worker_is_started_and_ends_when_all_is_done() {
    let scene = Scene::tiny();
    let sent = scene.run(&["cache", "generate", "--async", "--wait"]).expect(0);
    let (first, rest) = sent.stdout.split_once('\n').unwrap();
    assert_eq!(first, "Starting async cache generation...");
    assert!(rest.starts_with("Task started with ID: "), "{sent}");
    assert!(rest.contains("Use Celery monitoring tools to track progress.\n"), "{sent}");
    assert!(rest.ends_with("Cache generation completed\nSuccess: 32, Failed: 0\n"), "{sent}");
    assert!(sent.stderr.contains("so a worker was started (process "), "{sent}");
    assert_eq!(entries(&scene), ALL);
    scene.run(&["cache", "verify"]).expect(0);
    let workers = || scene.run(&["status", "--json"]).json()["workers"].clone();
    wait::until("the worker has ended", || workers() == json!([]));
    let runs = scene.run(&["runs", "list", "--json"]).json();
    assert_eq!((&runs[0]["trigger"], &runs[0]["done"]), (&json!("message"), &json!(ALL)), "{runs}");
}

#[test]
fn a_task_for_each_shelf_makes_the_same() {
    let scene = Scene::tiny();
    let sent =
        scene.run(&["cache", "generate", "--async", "--fan-out", "--wait", "--json"]).expect(0);
    let sent = sent.json();
    // Four communities, four kinds of documents.
    assert_eq!((&sent["async"], &sent["task_count"]), (&json!(true), &json!(16)), "{sent}");
    let results = sent["results"].as_array().unwrap();
    let made: Vec<&Value> = results.iter().flat_map(|it| it.as_array().unwrap()).collect();
    assert_eq!(made.len() as u64, ALL);
    assert!(made.iter().all(|it| it["success"] == true && it["cache_key"].is_string()), "{sent}");
    assert_eq!(entries(&scene), ALL);
    scene.run(&["cache", "verify"]).expect(0);
    let nothing = scene.run(&["cache", "generate", "--async", "--fan-out"]).expect(0);
    assert!(nothing.stdout.contains("No cache entries to generate."), "{nothing}");
}

#[test]
fn what_the_task_cannot_carry_is_refused() {
    let scene = Scene::tiny();
    for arguments in [["--category", "usage_delta"], ["--accept-loss", "--quiet"]] {
        let sent = scene.run(&[&["cache", "generate", "--async"], &arguments[..]].concat());
        assert!(sent.expect(2).stderr.contains("knows neither categories nor losses"));
    }
    scene.run(&["cache", "generate", "--wait"]).expect(2);
    // Years that no community has, and nothing to be asked about.
    scene.run(&["cache", "generate", "--async", "--wait", "--year", "1999"]).expect(3);
    Scene::new().run(&["cache", "generate", "--async", "--wait"]).expect(5);
    let nobody = ["cache", "generate", "--async", "--community-slug", "nobody"];
    scene.run(&nobody).expect(1);
    assert_eq!(entries(&scene), 0);
}

/// A worker of ours, which is killed when a test ends early.
struct Working(Child);

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What Python's side is told: `BROKER`, `RESULTS`, `SERIALIZER`.
type Surroundings = [(&'static str, String); 3];

fn with_broker(scene: Scene, surroundings: &Surroundings) -> Scene {
    let [(_, broker), (_, results), (_, serializer)] = surroundings;
    let settings = [
        format!("broker.url={broker}"),
        format!("broker.result_backend={results}"),
        format!("celery.result_serializer={serializer}"),
        format!("celery.task_serializer={serializer}"),
    ];
    let all: Vec<&str> = settings.iter().flat_map(|it| ["--set", it.as_str()]).collect();
    scene.with(&all)
}

fn python(celery: &Celery, surroundings: &Surroundings, program: &str) -> String {
    let surroundings: Vec<(&str, &str)> =
        surroundings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let program = format!("from app import app, ours\nimport json\n{program}");
    celery.run(APP, &surroundings, &["-c", &program]).unwrap().trim_end().to_owned()
}

fn each_broker(look: impl Fn(&Celery, Surroundings)) {
    let (Some(celery), Some(redis), Some(rabbit)) =
        (Celery::shared(CeleryVersion::V5_5), Redis::shared(), RabbitMq::shared())
    else {
        return;
    };
    for (broker, serializer) in
        [(redis.database(), "msgpack"), (rabbit.create_vhost().unwrap(), "json")]
    {
        look(
            celery,
            [
                ("BROKER", broker),
                ("RESULTS", redis.database()),
                ("SERIALIZER", serializer.to_owned()),
            ],
        );
    }
}

#[test]
fn what_python_sends_is_made_and_python_reads_what_came_of_it() {
    each_broker(|celery, surroundings| {
        let scene = with_broker(Scene::tiny(), &surroundings);
        let _working = Working(scene.spawn(&mut scene.command(&["run", "--role", "worker"])));
        let printed = python(
            celery,
            &surroundings,
            &format!(
                r#"
run = ours("generate_cached_responses_task", "all", None, False, False, None).get(timeout=60)
print(run["success"], run["failed"], run["incomplete"], len(run["responses"]))
one = ours("generate_cached_response_task", "global", 2025, "usage_delta").get(timeout=60)
print(one["success"], one["community_id"], one["year"], one["category"], len(one["cache_key"]))
outside = ours("generate_cached_response_task", "global", 1999, "usage_delta").get(timeout=60)
print(outside["success"], outside["error"])
triples = [["{COASTAL}", 2025, "record_snapshot"], ["nobody", 2025, "usage_delta"]]
print([it["success"] for it in ours("generate_batch_cache_task", triples).get(timeout=60)])
for wrong in ({{"nonsense": 1}}, {{"years": "soon"}}):
    try:
        ours("generate_cached_responses_task", **wrong).get(timeout=60)
    except Exception as error:
        print(type(error).__name__, error)
"#
            ),
        );
        let expected = "\
32 0 0 32
True global 2025 usage-delta-category 80
False the year is outside the lifespan of the community
[True, False]
TypeError generate_cached_responses_task() got an unexpected keyword argument 'nonsense'
ValueError year cannot be \"soon\"";
        assert_eq!(printed, expected);
        assert_eq!(entries(&scene), ALL);
        scene.run(&["cache", "verify"]).expect(0);
        let runs = scene.run(&["runs", "list", "--json"]).json();
        let is_beat = |run: &&Value| run["trigger"] == "beat";
        assert_eq!(runs.as_array().unwrap().iter().filter(is_beat).count(), 1, "{runs}");
    });
}

#[test]
fn celery_sees_our_worker_and_can_ask_it_to_end() {
    each_broker(|celery, surroundings| {
        let scene = with_broker(Scene::tiny(), &surroundings);
        let mut working = Working(scene.spawn(&mut scene.command(&["run", "--role", "worker"])));
        let printed = python(
            celery,
            &surroundings,
            r#"
import time
for _ in range(100):
    found = app.control.inspect(timeout=1).registered()
    if found:
        break
[(name, tasks)] = found.items()
print(name.startswith("community-stats-"), len(tasks))
print(list(app.control.inspect(timeout=1).active().values()))
app.control.shutdown()
"#,
        );
        assert_eq!(printed, "True 4\n[[]]");
        wait::until("it has ended", || working.0.try_wait().unwrap().is_some());
        assert!(working.0.wait().unwrap().success());
    });
}

#[test]
fn what_we_send_waits_at_the_broker_and_is_followed_to_its_end() {
    each_broker(|_, surroundings| {
        let scene = with_broker(Scene::tiny(), &surroundings);
        let sent = scene.run(&["cache", "generate", "--async", "--json"]).expect(0);
        assert_eq!(sent.json()["task_count"], 1, "{sent}");
        assert_eq!(sent.stderr, "", "no worker is started beside a broker");
        let _working = Working(scene.spawn(&mut scene.command(&["run", "--role", "worker"])));
        wait::until("it is made", || entries(&scene) == ALL);
        let again = scene.run(&["cache", "generate", "--async", "--wait", "--force"]).expect(0);
        assert!(again.stdout.ends_with("Success: 32, Failed: 0\n"), "{again}");
    });
}
