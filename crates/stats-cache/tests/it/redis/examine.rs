//! What servers say about themselves.

use stats_cache::{CachedResponse, RedisStore};
use stats_model::Category;

use crate::support::RedisServer;

#[test]
fn versions_clocks_and_memory() {
    let options = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(server) = RedisServer::start(&options) else { return };
    let report = server.client().examine().unwrap();
    assert!(report.version.split('.').count() >= 3, "{report:?}");
    let apart = jiff::Timestamp::now().duration_since(report.clock);
    assert!(apart.unsigned_abs().as_secs() < 5, "{apart:?}");
    assert_eq!((report.max_memory, report.eviction_policy.as_str()), (100 << 20, "allkeys-lru"));
    assert!(report.used_memory > 0 && report.may_evict(), "{report:?}");
    assert!(!report.read_only_replica && !report.saving_fails, "{report:?}");

    server.say("CONFIG SET maxmemory 0");
    assert!(!server.client().examine().unwrap().may_evict(), "a policy without a limit");
    server.say("REPLICAOF 127.0.0.1 1");
    assert!(server.client().examine().unwrap().read_only_replica);
    server.say("CONFIG SET replica-read-only no");
    assert!(!server.client().examine().unwrap().read_only_replica);
}

#[test]
fn keys_are_counted_by_database_and_prefix() {
    let Some(server) = RedisServer::shared() else { return };
    let client = server.client();
    let counts = client.counts("p").unwrap();
    assert_eq!((counts.keys, counts.recorded), (0, 0));
    let store = RedisStore::open(client, "p").unwrap();
    for year in [2023, 2024] {
        let mut response = CachedResponse::new("global", year, Category::UsageDelta);
        response.set_data(b"{}".to_vec(), jiff::Timestamp::now(), None).unwrap();
        assert!(response.save(&store, "p").unwrap());
    }
    server.say("SET p:other {}");
    let client = server.client();
    let counts = client.counts("p").unwrap();
    assert_eq!((counts.keys, counts.recorded), (4, 2), "three entries and the index");
    assert_eq!(client.counts("q").unwrap().recorded, 0);
}

#[test]
fn missing_rights_are_errors() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let client = server.client();
    server.say("ACL SETUSER default -info -dbsize");
    for error in [client.examine().unwrap_err(), client.counts("p").unwrap_err()] {
        assert_eq!(error.kind(), stats_cache::CacheErrorKind::Refused, "{error}");
    }
}
