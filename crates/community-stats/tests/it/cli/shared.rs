//! Beside Python: the Redis databases that both sides write to.

use redis::Commands;
use serde_json::json;
use stats_testkit::services::{Redis, Service, require};

use super::support::Scene;

const KEY: &str =
    "stats_dashboard:9367915cd3d577050a495434cc9907b44546e47e63e3384c22ae78aebbe20f83";

/// A server of the test's own, and a scene that stores there.
fn scene() -> Option<(Redis, Scene)> {
    require(Service::Redis)?;
    let server = Redis::start(&[]).unwrap();
    let url = format!("cache.main_redis_url=redis://{}/0", server.address());
    // The server goes by its own clock, which is ahead of the documents.
    Some((server, Scene::tiny().with(&["--set", &url, "--set", "cache.ttl_days=10000"])))
}

fn database(server: &Redis, number: u16) -> redis::Connection {
    connection(&format!("redis://{}/{number}", server.address()))
}

fn connection(url: &str) -> redis::Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

/// Databases, by their addresses, that no other test uses on the server that all tests share.
struct Databases {
    responses: String,
    registry: String,
    main: String,
}

/// Such databases, and a scene that stores there.
fn shared_scene() -> Option<(Databases, Scene)> {
    let server = Redis::shared()?;
    let [responses, registry, main] = [(); 3].map(|()| server.database());
    let number = |url: &str| url.rsplit_once('/').unwrap().1.to_owned();
    let settings = [
        format!("cache.main_redis_url={main}"),
        format!("cache.redis_db={}", number(&responses)),
        format!("cache.registry_redis_db={}", number(&registry)),
        "cache.ttl_days=10000".to_owned(),
    ];
    let scene = settings.iter().fold(Scene::tiny(), |scene, one| scene.with(&["--set", one]));
    Some((Databases { responses, registry, main }, scene))
}

impl Databases {
    fn responses(&self) -> redis::Connection {
        connection(&self.responses)
    }

    fn registry(&self) -> redis::Connection {
        connection(&self.registry)
    }

    fn main(&self) -> redis::Connection {
        connection(&self.main)
    }
}

#[test]
fn responses_marks_and_first_runs_are_where_python_looks() {
    let Some((databases, scene)) = shared_scene() else { return };
    let (mut cache, mut registry) = (databases.responses(), databases.registry());
    let _: () = registry.set("global_first_run", "in_progress").unwrap();
    let _: () = registry.set("global_agg_updated_2025", "2025-12-31T00:00:00+00:00").unwrap();
    let _: () = registry.set("somebody_agg_updated_2025", "x").unwrap();
    let report = scene.run(&["cache", "generate", "--json"]).expect(0).json();
    assert_eq!(report["success"], 32);
    let body: String = cache.get(KEY).unwrap();
    let read = ["cache", "read", "--community-id", "global", "--year", "2025"];
    let read = [&read[..], &["--category", "usage_delta"]].concat();
    assert_eq!(scene.run(&read).stdout, body);
    let mut left: Vec<String> = registry.keys("*").unwrap();
    left.retain(|key| !key.starts_with("community-stats:"));
    left.sort();
    assert_eq!(left, ["global_first_run", "somebody_agg_updated_2025"]);
    assert_eq!(registry.get::<_, String>("global_first_run").unwrap(), "completed");
    let locks: Vec<String> = databases.main().keys("*lock*").unwrap();
    assert!(locks.is_empty(), "{locks:?}");

    let again = scene.run(&["cache", "generate", "--json"]).expect(0).json();
    assert_eq!(again["skipped_because"], json!({"unchanged": 32}));
    scene.run(&["cache", "verify"]).expect(0);
}

#[test]
fn by_upstreams_rule_what_python_wrote_is_kept_in_past_years_unless_marked() {
    let Some((databases, scene)) = shared_scene() else { return };
    let scene = scene.at("2026-01-01T12:00:00Z").with(&["--set", "cache.foreign=keep"]);
    let _: () = databases.responses().set(KEY, "{\"by\":\"python\"}").unwrap();
    let generate = ["cache", "generate", "--community-id", "global", "--year", "2025", "--json"];
    let report = scene.run(&generate).expect(0).json();
    assert_eq!(report["skipped_because"], json!({"made by another writer": 1}));
    assert_eq!(report["success"], 7);
    let listed = scene.run(&["cache", "list", "--json", "--state", "foreign"]).json();
    assert_eq!(listed[0]["category"], "usage-delta-category");

    // A marked year is made again, also when another one was asked for.
    let _: () = databases.registry().set("global_agg_updated_2025", "now").unwrap();
    let other = ["cache", "generate", "--community-id", "global", "--year", "2026", "--json"];
    let report = scene.run(&other).expect(0).json();
    assert_eq!(report["responses"].as_array().unwrap().len(), 9, "{report}");
    let left: bool = databases.registry().exists("global_agg_updated_2025").unwrap();
    assert!(!left);
}

/// Nothing of ours tells of them: their keys follow from what is known of the community.
#[test]
fn what_python_wrote_for_a_community_that_was_deleted_is_an_orphan() {
    let Some((databases, scene)) = shared_scene() else { return };
    const DELETED: &str = "e9894c92-2697-414c-8833-f06a06c87495";
    scene.run(&["cache", "generate"]).expect(0);
    let explain = ["cache", "explain", "--json", "--community-id", DELETED, "--year", "2025"];
    let explain = [&explain[..], &["--category", "record_delta"]].concat();
    let key = scene.run(&explain).expect(0).json()["cache_key"].as_str().unwrap().to_owned();
    let _: () = databases.responses().set(&key, "{}").unwrap();
    let listed = scene.run(&["cache", "list", "--json", "--state", "orphan"]).expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed[0]["community_id"], &listed[0]["year"]), (&json!(DELETED), &json!(2025)));
    assert_eq!(listed[0]["category"], "record-delta-category");
    let orphans = scene.run(&["cache", "clear", "--orphans", "--yes", "--json"]).expect(0).json();
    assert_eq!(orphans, json!({"deleted": 1}));
    assert!(!databases.responses().exists::<_, bool>(&key).unwrap());
    scene.run(&["cache", "verify"]).expect(0);
}

/// Without expiry and with as many bytes nothing but the body tells: each comes up in its turn.
#[test]
fn what_python_wrote_over_entries_without_expiry_is_found_in_turn() {
    let Some((databases, scene)) = shared_scene() else { return };
    let scene = scene.with(&["--set", "cache.ttl_days=0"]);
    let generate = ["cache", "generate", "--json"];
    scene.run(&generate).expect(0);
    let mut cache = databases.responses();
    let body: Vec<u8> = cache.get(KEY).unwrap();
    let mut theirs = body.clone();
    *theirs.last_mut().unwrap() = b' ';
    theirs[body.len() - 2] = b'}';
    theirs[..2].copy_from_slice(b"{ ");
    theirs[2..body.len() - 2].fill(b' ');
    let _: () = cache.set(KEY, &theirs).unwrap();
    // 32 entries, of which 4 are looked at in an hour: what is theirs is replaced.
    let mut scene = scene;
    let mut made = 0;
    for hour in 12..20 {
        scene = scene.at(&format!("2025-12-31T{hour}:00:00Z"));
        let report = scene.run(&generate).expect(0).json();
        made += report["success"].as_u64().unwrap();
    }
    assert_eq!(made, 1);
    assert_eq!(cache.get::<_, Vec<u8>>(KEY).unwrap(), body);
}

#[test]
fn a_run_waits_for_nobody_who_holds_the_lock() {
    let Some((databases, scene)) = shared_scene() else { return };
    let lock = "cache::lock:community_stats_cache_generation";
    let _: () = databases.main().set(lock, "somebody").unwrap();
    let refused = scene.run(&["cache", "generate"]).expect(1);
    assert!(refused.stderr.contains("Another cache generation task is already running"));
    let holder = "is held by a value that Python did not write, and never ends";
    assert!(refused.stderr.contains(holder), "{refused}");
    let mut keys: Vec<String> = databases.responses().keys("*").unwrap();
    // That it was refused is remembered.
    keys.retain(|key| !key.starts_with("community-stats:ledger:"));
    assert!(keys.is_empty(), "{keys:?}");
    assert_eq!(databases.main().get::<_, String>(lock).unwrap(), "somebody");
    scene.run(&["cache", "generate", "--set", "lock.enabled=false"]).expect(0);
}

/// Whoever may take the lock and may not give it back would block everybody for an hour.
#[test]
fn a_lock_that_could_not_be_given_back_is_not_taken() {
    let Some((server, _)) = scene() else { return };
    for rights in [&["+@all", "-eval"][..], &["+@all", "-del"], &["+@all", "-pexpire"]] {
        let mut set = redis::cmd("ACL");
        set.arg(&["SETUSER", "half", "reset", "on", ">pw", "~*"]).arg(rights);
        let _: () = set.query(&mut database(&server, 0)).unwrap();
        let url = format!("cache.main_redis_url=redis://half:pw@{}/0", server.address());
        let refused = Scene::tiny().with(&["--set", &url]).run(&["cache", "generate"]).expect(5);
        assert!(refused.stderr.contains("preparing to give back the lock"), "{refused}");
        assert!(refused.stderr.contains("lacks a right"), "{refused}");
        let keys: Vec<String> = database(&server, 0).keys("*").unwrap();
        assert!(keys.is_empty(), "{keys:?}");
    }
}

/// The rights that `docs/operations.md` names are enough for everything.
#[test]
fn the_documented_rights_are_enough() {
    let Some((server, _)) = scene() else { return };
    let page = include_str!("../../../../../docs/operations.md");
    let line = page.lines().find(|line| line.trim().starts_with("ACL SETUSER")).unwrap();
    let line = line.replace("PASSWORD", "pw");
    let mut words = line.split_whitespace();
    let mut set = redis::cmd(words.next().unwrap());
    set.arg(words.collect::<Vec<_>>());
    let _: () = set.query(&mut database(&server, 0)).unwrap();
    let _: () = database(&server, 8).set("global_first_run", "in_progress").unwrap();
    let _: () = database(&server, 8).set("global_agg_updated_2025", "x").unwrap();
    let url = format!("cache.main_redis_url=redis://community-stats:pw@{}/0", server.address());
    let scene = Scene::tiny().with(&["--set", &url, "--set", "cache.ttl_days=10000"]);
    let made = scene.run(&["cache", "generate"]).expect(0);
    assert_eq!(made.stderr, "", "{made}");
    let registry: Vec<String> = database(&server, 8).keys("*").unwrap();
    assert_eq!(registry, ["global_first_run"]);
    for command in ["list", "info", "verify"] {
        scene.run(&["cache", command]).expect(0);
    }
    let doctor = scene.run(&["doctor", "--json"]).json();
    for check in doctor["checks"].as_array().unwrap() {
        let about = check["name"].as_str().unwrap();
        let concerns = about.contains("redis") || about.contains("rights") || about == "lock";
        // The clock of the scene is not that of the server.
        let well = check["state"] == "ok" || about == "clock of redis";
        assert!(well || !concerns, "{check}");
    }
    scene.run(&["cache", "clear", "--yes"]).expect(0);

    // Without the pattern of our own keys the message names it.
    let _: () = redis::cmd("ACL")
        .arg(&["SETUSER", "community-stats", "resetkeys", "~stats_dashboard:*", "~cache::lock:*"])
        .query(&mut database(&server, 0))
        .unwrap();
    let refused = scene.run(&["cache", "generate"]).expect(5);
    assert!(refused.stderr.contains("of the pattern community-stats:*"), "{refused}");
}

#[test]
fn reading_needs_no_server_but_that_of_the_responses() {
    let Some((databases, scene)) = shared_scene() else { return };
    scene.run(&["cache", "generate"]).expect(0);
    let port = stats_testkit::services::process::free_port().unwrap();
    let responses = format!("cache.redis_url={}", databases.responses);
    let main = format!("cache.main_redis_url=redis://127.0.0.1:{port}/0");
    let scene = scene.with(&["--set", &responses, "--set", &main]);
    let place = ["--community-id", "global", "--year", "2025", "--category", "usage_delta"];
    for command in ["read", "exists", "explain"] {
        scene.run(&[&["cache", command], &place[..]].concat()).expect(0);
    }
    for command in ["list", "info", "verify"] {
        scene.run(&["cache", command]).expect(0);
    }
    let refused = scene.run(&["cache", "generate"]).expect(5);
    assert!(refused.stderr.contains("the lock cache::lock:"), "{refused}");
    scene.run(&["cache", "generate", "--set", "lock.enabled=false"]).expect(0);
}

/// Only the database of the responses is named: the lock is where InvenioRDM has it by default.
#[test]
fn a_lock_whose_place_is_guessed_is_told() {
    let Some((databases, _)) = shared_scene() else { return };
    let url = format!("cache.redis_url={}", databases.responses);
    let scene = Scene::tiny().with(&["--set", &url, "--set", "cache.ttl_days=10000"]);
    let told = scene.run(&["cache", "generate"]);
    assert!(
        told.stderr.contains("warning: nothing says where InvenioRDM's main cache is"),
        "{told}"
    );
    let doctor = scene.run(&["doctor"]);
    assert!(doctor.stdout.contains("warning      lock address"), "{doctor}");
    let off = scene.run(&["cache", "generate", "--set", "lock.enabled=false"]).expect(0);
    assert_eq!(off.stderr, "", "{off}");
    assert_eq!(scene.run(&["cache", "list"]).expect(0).stderr, "");
}

#[test]
fn an_unreachable_server_ends_with_five() {
    let Some((mut server, scene)) = scene() else { return };
    server.stop();
    for command in [&["cache", "generate"][..], &["cache", "list"], &["cache", "info"]] {
        let outcome = scene.run(command).expect(5);
        assert!(outcome.stderr.starts_with("error: connecting to "), "{outcome}");
    }
}
