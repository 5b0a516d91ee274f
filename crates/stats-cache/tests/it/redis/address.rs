//! The settings of instances, resolved.

use serde_json::Value;
use stats_cache::{Endpoint, RedisAddress, RedisSettings};

const CASES: &str = include_str!("../../../../../fixtures/redis-url-resolution.json");

/// What the cases give where the Python package fails or ends up somewhere nobody meant: host, port
/// or path, and the databases of cache and registry.
const REPAIRED: [(&str, &str, i64, i64); 6] = [
    ("no path", "cache.example:6379", 7, 8),
    ("db in query, no path", "cache.example:6379", 7, 8),
    ("unix socket", "/run/redis.sock", 7, 8),
    ("override None", "cache.example:6379", 7, 8),
    ("main None", "localhost:6379", 7, 8),
    // The same place as in Python, but its option is not lost any more.
    ("query string", "cache.example:6380", 7, 8),
];

/// The one case that has to stay an error.
const NOT_REPAIRED: &str = "no scheme";

fn settings(config: &Value) -> RedisSettings {
    let text = |name: &str| config[name].as_str().map(str::to_owned);
    RedisSettings {
        stats_cache_redis_url: text("STATS_CACHE_REDIS_URL"),
        stats_cache_redis_db: config["STATS_CACHE_REDIS_DB"].as_i64(),
        stats_agg_registry_redis_db: config["STATS_AGG_REGISTRY_REDIS_DB"].as_i64(),
        cache_redis_url: text("CACHE_REDIS_URL"),
        cache_redis_db: config["CACHE_REDIS_DB"].as_i64(),
    }
}

fn place(address: &RedisAddress) -> String {
    match &address.endpoint {
        Endpoint::Tcp { host, port } | Endpoint::Tls { host, port } => format!("{host}:{port}"),
        Endpoint::Unix { path } => path.display().to_string(),
    }
}

#[test]
fn all_recorded_settings_lead_to_the_same_place_or_are_repaired() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert_eq!(cases.len(), 18);
    let mut repaired = 0;
    for case in &cases {
        let note = case["note"].as_str().unwrap();
        let settings = settings(&case["config"]);
        if note == NOT_REPAIRED {
            let error = settings.cache().unwrap_err().to_string();
            assert!(error.starts_with("CACHE_REDIS_URL: the URL has to begin with"), "{error}");
            assert!(settings.registry().is_err());
            continue;
        }
        let cache = settings.cache().unwrap();
        let registry = settings.registry().unwrap();
        if let Some((_, place_of, of_cache, of_registry)) =
            REPAIRED.iter().find(|(name, ..)| *name == note)
        {
            assert_eq!((place(&cache).as_str(), cache.database), (*place_of, *of_cache), "{note}");
            assert_eq!((place(&registry).as_str(), registry.database), (*place_of, *of_registry));
            repaired += 1;
            continue;
        }
        for (address, recorded) in [(cache, &case["cache"]), (registry, &case["registry"])] {
            let target = &recorded["target"];
            let host = target["host"].as_str().unwrap();
            let port = target["port"].as_u64().unwrap_or(6379);
            assert_eq!(place(&address), format!("{host}:{port}"), "{note}");
            assert_eq!(address.database, target["db"].as_i64().unwrap_or(0), "{note}");
            assert_eq!(address.username.as_deref(), target["username"].as_str(), "{note}");
            let tls = recorded["url"].as_str().unwrap().starts_with("rediss:");
            assert_eq!(matches!(address.endpoint, Endpoint::Tls { .. }), tls, "{note}");
        }
    }
    assert_eq!(repaired, REPAIRED.len());
}

fn main_url(url: &str) -> RedisSettings {
    RedisSettings { cache_redis_url: Some(url.to_owned()), ..RedisSettings::default() }
}

#[test]
fn options_of_the_url_survive() {
    let url =
        "rediss://cache.example:6380/3?ssl_cert_reqs=none&ssl_ca_certs=/etc/ssl/own.pem&timeout=3";
    let address = main_url(url).cache().unwrap();
    assert!(address.tls.accept_any_certificate && !address.tls.accept_any_host);
    assert_eq!(address.tls.ca_file.as_deref(), Some("/etc/ssl/own.pem".as_ref()));
    assert_eq!(address.database, 7);
    let address = main_url("rediss://cache.example?ssl_check_hostname=False").cache().unwrap();
    assert!(address.tls.accept_any_host && !address.tls.accept_any_certificate);
}

#[test]
fn credentials_are_decoded_and_never_shown() {
    let settings = RedisSettings {
        stats_cache_redis_url: Some("rediss://u%40x:p%2Fw%25ü@[::1]:6380/5".to_owned()),
        ..RedisSettings::default()
    };
    let address = settings.cache().unwrap();
    assert_eq!(address.username.as_deref(), Some("u@x"));
    assert_eq!(address.password.as_deref(), Some("p/w%ü"));
    assert_eq!(address.to_string(), "rediss://u@x:***@[::1]:6380/5");
    assert_eq!(format!("{address:?}"), "RedisAddress(rediss://u@x:***@[::1]:6380/5)");
    assert!(!format!("{settings:?}").contains("p%2Fw"), "{settings:?}");

    for url in ["redis://:secret@host:notaport/0", "secret", "redis://:secret@h?db=x"] {
        let error = main_url(url).cache().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        assert!(!format!("{:?}", main_url(url)).contains("secret"));
    }
    let password = main_url("redis://:secret@host").cache().unwrap();
    assert_eq!(password.to_string(), "redis://:***@host:6379/7");
    assert_eq!((password.username, password.password.as_deref()), (None, Some("secret")));
}

#[test]
fn locks_are_in_the_database_of_the_main_cache() {
    let database = |url: &str, number| {
        let settings = RedisSettings { cache_redis_db: number, ..main_url(url) };
        settings.main().unwrap().database
    };
    assert_eq!(database("redis://h:1/3", None), 3);
    assert_eq!(database("redis://h:1/3", Some(5)), 3);
    assert_eq!(database("redis://h:1", Some(5)), 5);
    assert_eq!(database("redis://h:1/", None), 0);
    assert_eq!(database("unix:///run/redis.sock?db=2", None), 2);
    let settings = RedisSettings {
        stats_cache_redis_url: Some("redis://elsewhere/9".to_owned()),
        ..main_url("redis://h:1/3")
    };
    assert_eq!(settings.main().unwrap().to_string(), "redis://h:1/3");
}
