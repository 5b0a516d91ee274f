//! Several processes at the same work: one plans, others make, and whoever ends is replaced.

use std::os::unix::process::CommandExt;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use serde_json::Value;
use stats_testkit::services::{RabbitMq, Redis, Service, require};
use stats_testkit::wait;

use super::meanwhile::signal;
use super::support::{Outcome, Scene};

/// All responses of `tiny-7`.
const ALL: u64 = 32;
/// How long a lock in Redis outlives its holder.
const LEASE: Duration = Duration::from_secs(3);

/// A process that goes on by itself, and is killed when a test ends early.
struct Process<'a> {
    scene: &'a Scene,
    child: Option<Child>,
}

impl<'a> Process<'a> {
    fn start(scene: &'a Scene, role: &str) -> Self {
        let arguments = ["run", "-v", "--role", role];
        let child = scene.spawn(scene.command(&arguments).process_group(0));
        Self { scene, child: Some(child) }
    }

    fn signal(&self, name: &str) {
        signal(self.child.as_ref().unwrap().id(), name);
    }

    /// Asks it to end, and gives what it said.
    fn end(mut self) -> Outcome {
        let begun = Instant::now();
        self.signal("TERM");
        let outcome = self.ended();
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}\n{outcome}", begun.elapsed());
        outcome
    }

    fn ended(&mut self) -> Outcome {
        self.scene.finished(&self.child.take().unwrap().wait_with_output().unwrap())
    }

    fn kill(mut self) -> Outcome {
        self.signal("KILL");
        self.ended()
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn status(scene: &Scene) -> Value {
    scene.run(&["status", "--json"]).json()
}

fn fresh(scene: &Scene) -> u64 {
    status(scene)["counts"]["fresh"].as_u64().unwrap_or_default()
}

fn runs(scene: &Scene) -> Vec<Value> {
    scene.run(&["runs", "list", "--json"]).json().as_array().unwrap().clone()
}

fn are_there(scene: &Scene, roles: &[&str]) -> bool {
    let status = status(scene);
    let there: Vec<&str> =
        status["workers"].as_array().unwrap().iter().filter_map(|it| it["role"].as_str()).collect();
    let count = |role: &&str| there.iter().filter(|it| *it == role).count();
    roles.iter().all(|role| count(role) >= roles.iter().filter(|it| *it == role).count())
}

/// How many shelves a worker says that it made.
fn made_by(worker: &Outcome) -> usize {
    worker.stderr.matches("shelf made for a run elsewhere").count()
}

/// Every body that stands, in the order of the list.
fn bodies(scene: &Scene) -> Vec<(String, String)> {
    let listed = scene.run(&["cache", "list", "--json"]).expect(0).json();
    let text = |entry: &Value, name: &str| match &entry[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let body = |entry: &Value| {
        let (community, year) = (text(entry, "community_id"), text(entry, "year"));
        let category = text(entry, "category");
        let place = ["--community-id", &community, "--year", &year, "--category", &category];
        let read = scene.run(&[&["cache", "read"][..], &place].concat()).expect(0);
        (format!("{community} {year} {category}"), read.stdout)
    };
    listed.as_array().unwrap().iter().map(body).collect()
}

/// Two data folders with one archive between them.
fn second_host(scene: &Scene, settings: &[String]) -> Scene {
    let archive = scene.data("archive.db").to_str().unwrap().to_owned();
    let other = Scene::new().with(&["--set", &format!("data.archive={archive}")]);
    settings.iter().fold(other, |scene, setting| scene.with(&["--set", setting]))
}

#[test]
fn a_scheduler_alone_makes_nothing_and_says_so() {
    let scene = Scene::tiny();
    let once = scene.run(&["run", "--once", "--role", "scheduler"]).expect(1);
    assert!(once.stderr.contains("no worker is alive"), "{once}");
    assert_eq!(fresh(&scene), 0);
    let scheduler = Process::start(&scene, "scheduler");
    let line = || scene.run(&["status", "--line"]).stdout;
    wait::until("it says so", || line().contains("no worker is alive"));
    let worker = Process::start(&scene, "worker");
    wait::until("all is made", || runs(&scene).iter().any(|run| run["state"] == "done"));
    wait::until("nothing is wrong any more", || line().starts_with("healthy"));
    let scheduler = scheduler.end().expect(0);
    assert!(scheduler.stderr.contains("state=done"), "{scheduler}");
    let worker = worker.end().expect(0);
    assert_eq!(made_by(&worker), 16, "{worker}");
    scene.run(&["cache", "verify"]).expect(0);
    let run = &runs(&scene)[0];
    assert_eq!((run["done"].as_u64(), run["state"].as_str()), (Some(ALL), Some("done")), "{run}");
}

#[test]
fn limits_hold_wherever_it_is_made() {
    let scene = Scene::tiny();
    let worker = Process::start(&scene, "worker");
    wait::until("it is there", || are_there(&scene, &["worker"]));
    let once = ["run", "--once", "--role", "scheduler", "--json"];
    let some = scene.run(&[&once[..], &["--max-cells", "10"]].concat()).expect(3);
    assert_eq!(some.json()["success"], 10, "{some}");
    assert_eq!(fresh(&scene), 10);
    let rest = scene.run(&once).expect(0);
    assert_eq!(rest.json()["success"], ALL - 10, "{rest}");
    worker.end().expect(0);
    scene.run(&["cache", "verify"]).expect(0);
}

/// One scheduler and two workers with data folders of their own.
fn shared_by(settings: &[String]) {
    let one = settings.iter().fold(Scene::tiny(), |it, setting| it.with(&["--set", setting]));
    let two = second_host(&one, settings);
    let workers = [Process::start(&one, "worker"), Process::start(&two, "worker")];
    wait::until("both are there", || are_there(&two, &["worker", "worker"]));
    let scheduler = Process::start(&two, "scheduler");
    wait::until("all is made", || runs(&one).iter().any(|run| run["state"] == "done"));
    scheduler.end().expect(0);
    let made = workers.map(|worker| made_by(&worker.end().expect(0)));
    assert_eq!(made.iter().sum::<usize>(), 16, "{made:?}");
    // One ledger, whoever asks.
    let run = &runs(&one)[0];
    assert_eq!((run["done"].as_u64(), run["state"].as_str()), (Some(ALL), Some("done")), "{run}");
    assert_eq!(runs(&one), runs(&two));
    assert!(!one.data("ledger.db").exists() && !two.data("ledger.db").exists());
    two.run(&["cache", "verify"]).expect(0);
    assert_eq!(bodies(&two), bodies(&Scene::generated()));
}

fn redis_settings(server: &Redis) -> Vec<String> {
    let url = |database: u8| format!("redis://{}/{database}", server.address());
    vec![
        format!("cache.main_redis_url={}", url(0)),
        format!("broker.result_backend={}", url(2)),
        format!("lock.timeout={}s", LEASE.as_secs()),
        // The server goes by its own clock, which is ahead of the documents.
        "cache.ttl_days=10000".to_owned(),
    ]
}

/// A server of its own, and everything in it.
fn all_in_redis() -> Option<(Redis, Vec<String>)> {
    require(Service::Redis)?;
    let server = Redis::start(&[]).unwrap();
    let mut settings = redis_settings(&server);
    settings.push(format!("broker.url=redis://{}/3", server.address()));
    Some((server, settings))
}

#[test]
fn two_hosts_share_the_work_over_redis() {
    let Some((_server, settings)) = all_in_redis() else { return };
    shared_by(&settings);
}

#[test]
fn two_hosts_share_the_work_over_rabbitmq() {
    let Some(broker) = RabbitMq::shared() else { return };
    let Some((_server, mut settings)) = all_in_redis() else { return };
    settings.retain(|setting| !setting.starts_with("broker.url="));
    settings.push(format!("broker.url={}", broker.create_vhost().unwrap()));
    shared_by(&settings);
}

/// Whoever has it in hand when he dies: it is made by somebody else.
#[test]
fn a_worker_that_is_killed_is_replaced() {
    let Some((_server, settings)) = all_in_redis() else { return };
    let one = settings.iter().fold(Scene::tiny(), |it, setting| it.with(&["--set", setting]));
    let two = second_host(&one, &settings);
    let killed = Process::start(&two, "worker");
    wait::until("it is there", || are_there(&one, &["worker"]));
    let one = one.with(&["--set", "run.interval=1s"]);
    let scheduler = Process::start(&one, "scheduler");
    wait::until("it makes something", || fresh(&one) > 0);
    killed.kill();
    let worker = Process::start(&two, "worker");
    wait::until("all is made", || fresh(&one) == ALL);
    scheduler.end().expect(0);
    worker.end().expect(0);
    one.run(&["cache", "verify"]).expect(0);
    assert_eq!(bodies(&one), bodies(&Scene::generated()));
}

/// One has the lock, the other waits for it, and goes on when the first one is killed. Their worker sleeps
/// for longer than the lease meanwhile.
#[test]
fn whoever_waits_takes_over_from_a_scheduler_that_was_killed() {
    assert!((0..10).any(|_| takes_over()), "the one that slept had nothing in hand, ten times");
}

/// Whether the worker that slept had something in hand, which was refused.
fn takes_over() -> bool {
    let Some((server, settings)) = all_in_redis() else { return true };
    let one = settings.iter().fold(Scene::tiny(), |it, setting| it.with(&["--set", setting]));
    let two = second_host(&one, &settings);
    let sleeper = Process::start(&two, "worker");
    wait::until("it is there", || are_there(&one, &["worker"]));
    let first = Process::start(&one, "scheduler");
    wait::until("it makes something", || keys_of(&server) > 0);
    sleeper.signal("STOP");
    let second = Process::start(&two, "scheduler");
    wait::until("both are there", || are_there(&one, &["scheduler", "scheduler"]));
    let (left, before) = (ALL - fresh(&one), runs(&one).len());
    let was_held = lock_of(&server).is_some();
    first.kill();
    let killed = Instant::now();
    let worker = Process::start(&one, "worker");
    if was_held && left > 0 {
        wait::until("the second one begins", || runs(&one).len() > before);
        assert!(killed.elapsed() < LEASE + Duration::from_secs(5), "{:?}", killed.elapsed());
    }
    wait::until("all is made", || fresh(&one) == ALL);
    let found = bodies(&one);
    sleep((2 * LEASE).saturating_sub(killed.elapsed()));
    sleeper.signal("CONT");
    wait::until("it let go of what it had", || hands_are_empty(&server));
    second.end().expect(0);
    worker.end().expect(0);
    let sleeper = sleeper.end().expect(0);
    assert_eq!(bodies(&one), found, "{sleeper}");
    one.run(&["cache", "verify"]).expect(0);
    sleeper.stderr.contains("the run that this is for is over")
}

/// How many responses stand in Redis.
fn keys_of(server: &Redis) -> usize {
    let keys: Vec<String> =
        redis::Commands::keys(&mut database(server, 7), "stats_dashboard:*").unwrap();
    keys.len()
}

/// Whether nobody has a task in hand.
fn hands_are_empty(server: &Redis) -> bool {
    redis::Commands::hlen::<_, u64>(&mut database(server, 3), "unacked").unwrap() == 0
}

fn lock_of(server: &Redis) -> Option<Vec<u8>> {
    let key = "cache::lock:community_stats_cache_generation";
    redis::Commands::get(&mut database(server, 0), key).unwrap()
}

fn database(server: &Redis, number: u8) -> redis::Connection {
    let url = format!("redis://{}/{number}", server.address());
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

/// In front of a write, for as long as it takes somebody else to make all of it from newer documents, and
/// to remove it.
#[test]
fn a_worker_that_is_stopped_and_continued_overwrites_nothing() {
    for attempt in 0.. {
        assert!(attempt < 20, "never in time");
        let scene = Scene::tiny();
        let worker = Process::start(&scene, "worker");
        wait::until("it is there", || are_there(&scene, &["worker"]));
        let scheduler = Process::start(&scene, "scheduler");
        wait::until("it makes something", || fresh(&scene) > 0);
        let mut others = Connection::open(scene.data("cache.db")).unwrap();
        others.busy_timeout(Duration::from_secs(60)).unwrap();
        let writing = others.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let stored = fresh(&scene);
        sleep(Duration::from_millis(400));
        worker.signal("STOP");
        drop(writing);
        scheduler.kill();
        if stored == ALL || fresh(&scene) > stored {
            continue;
        }

        let import =
            super::support::changed(&scene, "stats-community-usage-delta-2025.ndjson.gz", |line| {
                Some(line.replace("\"unique_records\":1", "\"unique_records\":4"))
            });
        scene.run(&["import", &import]).expect(0);
        scene.run(&["cache", "generate"]).expect(0);
        // Over what a successor made it would not write in any case.
        scene.run(&["cache", "clear", "--yes"]).expect(0);
        worker.signal("CONT");
        let over = "the run that this is for is over";
        wait::until("it takes its run for over", || queue_is_empty(&scene));
        let worker = worker.end().expect(0);
        assert!(worker.stderr.contains(over), "{worker}");
        assert_eq!(fresh(&scene), 0, "{worker}");
        assert!(!scene.run(&["cache", "list"]).stdout.contains("stale"), "{worker}");
        scene.run(&["cache", "generate"]).expect(0);
        scene.run(&["cache", "verify"]).expect(0);
        return;
    }
}

fn queue_is_empty(scene: &Scene) -> bool {
    let queue = Connection::open(scene.data("queue.db")).unwrap();
    queue.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)) == Ok(0)
}

/// Whoever plans makes most of it himself, and the other one what is left.
#[test]
fn two_processes_on_one_folder_share_the_work() {
    let scene = Scene::tiny();
    let worker = Process::start(&scene, "worker");
    wait::until("it is there", || are_there(&scene, &["worker"]));
    let both = Process::start(&scene, "both");
    wait::until("all is made", || runs(&scene).iter().any(|run| run["state"] == "done"));
    assert_eq!(fresh(&scene), ALL);
    let both = both.end().expect(0);
    let worker = worker.end().expect(0);
    assert!((1..16).contains(&(made_by(&worker) + made_by(&both))), "{worker}\n{both}");
    scene.run(&["cache", "verify"]).expect(0);
}
