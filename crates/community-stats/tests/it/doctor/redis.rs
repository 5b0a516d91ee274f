//! The Redis databases of responses, registry and lock.

use std::process::Command;

use community_stats::config::RedisUrl;
use community_stats::connections::redis_address;
use community_stats::doctor::State::{Failed, Ok, Unreachable, Warning};
use jiff::SignedDuration;
use stats_cache::{BulkLock, RedisClient, RedisLock, RedisOptions};
use stats_model::ManualClock;
use stats_testkit::services::{Redis, Sentinel, Service, process, require};

use super::{Findings, Patient};

fn patient(url: &str) -> Patient {
    Patient::new().with("cache.main_redis_url", url)
}

fn server(options: &[&str]) -> Option<Redis> {
    require(Service::Redis)?;
    Some(Redis::start(options).unwrap())
}

/// Runs a command in a database.
fn say(server: &Redis, database: u16, command: &[&str]) {
    let (_, port) = server.address().rsplit_once(':').unwrap();
    let mut client = Command::new("redis-cli");
    client.args(["-p", port, "-n", &database.to_string()]).args(command);
    let output = client.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && !said.contains("ERR"), "{command:?}: {said}");
}

#[test]
fn a_healthy_server() {
    let Some(server) = server(&[]) else { return };
    say(&server, 7, &["SET", "stats_dashboard:x", "{}"]);
    let found = patient(&format!("redis://{}/0", server.address())).examine();
    let redis = found.expect("redis", Ok, "takes writes");
    assert!(redis.version.as_ref().unwrap().contains('.') && redis.millis.is_some());
    found.expect("clock of redis", Ok, "agrees with ours");
    found.expect("redis memory", Ok, "no limit");
    found.expect("redis responses", Ok, "database 7: 1 key, and we keep 0 records of entries");
    found.expect("redis registry", Ok, "database 8");
    let lock = "cache::lock:community_stats_cache_generation in database 0 is free";
    found.expect("lock", Ok, lock);
    assert!(!found.has("store"), "the SQLite store is not in use");
}

/// The number of a database that the dashboard does not read.
#[test]
fn responses_in_another_database_are_told() {
    let Some(server) = server(&[]) else { return };
    let response = format!("stats_dashboard:{}", "0a".repeat(32));
    let other = ["SET", "stats_dashboard:x", "{}"];
    say(&server, 3, &other);
    let patient = patient(&format!("redis://{}/0", server.address()));
    assert!(!patient.examine().has("redis database"), "that is no response");
    say(&server, 3, &["SET", &response, "{}"]);
    let none = "lie in database 3 of the same server, ours holds none";
    patient.examine().expect("redis database", Warning, none);
    say(&server, 7, &["SET", &response, "{}"]);
    patient.examine().expect("redis database", Warning, "database 3 of the same server, too");
    say(&server, 3, &["DEL", &response]);
    assert!(!patient.examine().has("redis database"));
}

#[test]
fn the_primary_that_sentinels_name_is_told() {
    let Some(server) = server(&[]) else { return };
    let sentinel = Sentinel::start("main", server.address(), "").unwrap();
    let found = patient(&format!("redis+sentinel://{}/main/0", sentinel.address())).examine();
    found.expect("redis", Ok, &format!("whose primary is {}: takes writes", server.address()));
    found.expect("lock", Ok, "in database 0 is free");
    let found = patient(&format!("redis+sentinel://{}/other/0", sentinel.address())).examine();
    found.expect("redis", Failed, "the sentinels watch no service of this name");
}

#[test]
fn policies_that_drop_entries() {
    let options = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(server) = server(&options) else { return };
    let found = patient(&format!("redis://{}/0", server.address())).examine();
    let memory = found.expect("redis memory", Warning, "policy allkeys-lru");
    assert!(memory.remedy.as_ref().unwrap().contains("noeviction"));
}

#[test]
fn memory_that_is_short() {
    let options = ["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"];
    let Some(server) = server(&options) else { return };
    let patient = patient(&format!("redis://{}/0", server.address()));
    patient.examine().expect("redis memory", Ok, "policy noeviction");
    say(&server, 0, &["CONFIG", "SET", "maxmemory", "100kb"]);
    patient.examine().expect("redis memory", Failed, "it is full, writes are refused");
}

#[test]
fn replicas_take_no_writes() {
    let Some(server) = server(&[]) else { return };
    say(&server, 0, &["REPLICAOF", "127.0.0.1", "1"]);
    let found = patient(&format!("redis://{}/0", server.address())).examine();
    let redis = found.expect("redis", Failed, "a replica that takes no writes");
    assert!(redis.remedy.as_ref().unwrap().contains("primary"));
}

#[test]
fn servers_that_are_not_there() {
    let port = process::free_port().unwrap();
    let found = patient(&format!("redis://:s3cret@127.0.0.1:{port}/0")).examine();
    found.expect("redis", Unreachable, ":***@127.0.0.1");
    assert!(!found.has("lock"), "the same server is not asked again");
    found.hide("s3cret");
}

#[test]
fn the_lock_may_be_on_another_server() {
    let Some(server) = server(&[]) else { return };
    let port = process::free_port().unwrap();
    let found = Patient::new()
        .with("cache.redis_url", format!("redis://{}/7", server.address()))
        .with("cache.main_redis_url", format!("redis://127.0.0.1:{port}/0"))
        .examine();
    found.expect("redis", Ok, "takes writes");
    found.expect("redis registry", Ok, "database 7");
    found.expect("lock", Unreachable, "connecting to");
    let off = Patient::new()
        .with("cache.redis_url", format!("redis://{}/7", server.address()))
        .with("cache.main_redis_url", format!("redis://127.0.0.1:{port}/0"))
        .with("lock.enabled", "false")
        .examine();
    off.expect("lock", Warning, "is switched off");
    assert!(!off.has("redis of the lock") && !off.has("rights on the lock"));
}

#[test]
fn passwords() {
    let Some(server) = server(&["--requirepass", "s3cret"]) else { return };
    let right = patient(&format!("redis://:s3cret@{}/0", server.address())).examine();
    right.expect("redis", Ok, ":***@");
    right.hide("s3cret");
    let wrong = patient(&format!("redis://:wr0ng@{}/0", server.address())).examine();
    wrong.expect("redis", Failed, ":***@");
    wrong.hide("wr0ng");
    let none = patient(&format!("redis://{}/0", server.address())).examine();
    none.expect("redis", Failed, "Authentication required");
}

#[test]
fn databases_that_do_not_exist() {
    let Some(server) = server(&[]) else { return };
    let found = patient(&format!("redis://{}/0", server.address()))
        .with("cache.registry_redis_db", "5000")
        .examine();
    found.expect("redis responses", Ok, "database 7");
    found.expect("redis registry", Failed, "/5000");
}

#[test]
fn locks_that_are_held() {
    let Some(server) = server(&[]) else { return };
    let url = format!("redis://{}/0", server.address());
    let address = redis_address(&RedisUrl::parse(&url).unwrap());
    let client = RedisClient::connect(address, RedisOptions::default()).unwrap();
    let name = "community_stats_cache_generation";
    let lock = RedisLock::new(client.into(), "cache::", name, std::time::Duration::from_secs(900));
    let held = lock.acquire(jiff::Timestamp::UNIX_EPOCH).unwrap().unwrap();
    let found = patient(&url).examine();
    let check =
        found.expect("lock", Warning, &format!("held by process {} on ", std::process::id()));
    assert!(check.detail.contains("for another 8"), "{check:?}");
    held.release().unwrap();
    patient(&url).examine().expect("lock", Ok, "is free");

    say(&server, 0, &["SET", &format!("cache::lock:{name}"), "1"]);
    patient(&url).examine().expect("lock", Failed, "and never ends");
    let found = patient(&url).with("lock.enabled", "false").examine();
    found.expect("lock", Warning, "is switched off");
}

#[test]
fn clocks_that_differ() {
    let Some(server) = server(&[]) else { return };
    let patient = patient(&format!("redis://{}/0", server.address()));
    // In the middle of a minute, since the server's clock is one of its own.
    let clock = ManualClock::new(jiff::Timestamp::now() - SignedDuration::from_secs(630));
    let found = Findings(community_stats::doctor::examine(&patient.settings(), &clock));
    found.expect("clock of redis", Warning, "10 min ahead of ours");
}

/// The checks for a user with these rights.
fn of_user(server: &Redis, rights: &[&str]) -> Findings {
    let user = [&["ACL", "SETUSER", "companion", "reset", "on", ">s3cret"], rights].concat();
    say(server, 0, &user);
    let found = patient(&format!("redis://companion:s3cret@{}/0", server.address())).examine();
    found.hide("s3cret");
    found
}

/// How many keys there are.
fn keys(server: &Redis, database: u16) -> usize {
    let url = format!("redis://{}/{database}", server.address());
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    keys.len()
}

const RIGHTS: [&str; 3] = ["rights on responses", "rights on the registry", "rights on the lock"];

#[test]
fn rights_that_are_missing_for_the_examination_alone() {
    let Some(server) = server(&[]) else { return };
    let found = of_user(&server, &["~*", "+@all", "-info", "-dbsize"]);
    let redis = found.expect("redis", Warning, "examining the server");
    assert!(redis.detail.contains("lacks a right"), "{redis:?}");
    found.expect("redis responses", Warning, "counting keys");
    for name in RIGHTS {
        found.expect(name, Ok, "all that is needed");
    }
}

#[test]
fn rights_that_are_missing() {
    let Some(server) = server(&[]) else { return };
    let all = of_user(&server, &["~*", "+@all"]);
    for name in RIGHTS {
        all.expect(name, Ok, "all that is needed");
    }

    let reader = ["~*", "+@read", "+@connection", "+@transaction", "+info", "+time"];
    let found = of_user(&server, &reader);
    found.expect("redis", Ok, "takes writes");
    for name in ["SET stats_dashboard:", "UNLINK ", "EVAL community-stats:index:"] {
        found.expect("rights on responses", Failed, name);
    }
    found.expect("rights on the registry", Failed, "SET global_first_run");
    found.expect("rights on the lock", Failed, "SET cache::lock:community_stats_cache");
    let responses = found.named("rights on responses");
    assert!(!responses.detail.contains(" GET "), "{responses:?}");

    for (lacks, says) in [("-eval", "EVAL "), ("-scan", "SCAN"), ("-multi", "MULTI")] {
        let found = of_user(&server, &["~*", "+@all", lacks]);
        found.expect("rights on responses", Failed, says);
    }
    let expiry = ["~*", "+@all", "-pexpiretime"];
    of_user(&server, &expiry).expect("rights on responses", Ok, "all that is needed");
    let expiry = ["~*", "+@all", "-pexpiretime", "-pttl"];
    of_user(&server, &expiry).expect("rights on responses", Failed, "PTTL");

    // The keys of the Python side are not all of ours.
    let theirs = ["~stats_dashboard:*", "~*_cache_*", "~*_first_run", "~*_agg_updated_*"];
    let lock = "~cache::lock:community_stats_cache_generation";
    let found = of_user(&server, &[&theirs[..], &[lock, "+@all"]].concat());
    let responses = found.expect("rights on responses", Failed, "HSET community-stats:index:");
    assert!(responses.remedy.as_ref().unwrap().contains("community-stats:*"), "{responses:?}");
    assert!(!responses.detail.contains("SET stats_dashboard"), "{responses:?}");
    found.expect("rights on the lock", Ok, "all that is needed");
    for database in [0, 7, 8] {
        assert_eq!(keys(&server, database), 0, "something was left in {database}");
    }
}
