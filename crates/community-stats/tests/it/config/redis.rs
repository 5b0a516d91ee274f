//! From the settings of instances to the Redis databases that are connected to.

use community_stats::config::RedisUrl;
use community_stats::connections::redis_address;
use serde_json::Value;
use stats_cache::{CacheStore, Endpoint, RedisAddress, RedisClient, RedisOptions, RedisStore};
use stats_testkit::services::{Redis, Sentinel, Service, process, require};

use super::Scene;

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

/// The databases of responses, registry and locks.
struct Places {
    cache: RedisAddress,
    registry: RedisAddress,
    main: RedisAddress,
}

fn places(scene: &Scene) -> Places {
    let targets = scene.load().cache.redis_targets();
    Places {
        cache: redis_address(&targets.responses),
        registry: redis_address(&targets.registry),
        main: redis_address(&targets.locks),
    }
}

fn scene(config: &Value) -> Scene {
    let members = config.as_object().unwrap().iter();
    members.fold(Scene::new(), |scene, (name, value)| {
        let literal = if value.is_null() { "None".to_owned() } else { value.to_string() };
        scene.variable(&format!("INVENIO_{name}"), &literal)
    })
}

fn place(address: &RedisAddress) -> String {
    match &address.endpoint {
        Endpoint::Tcp { host, port } | Endpoint::Tls { host, port } => format!("{host}:{port}"),
        Endpoint::Unix { path } => path.display().to_string(),
        Endpoint::Sentinel { .. } => address.to_string(),
    }
}

#[test]
fn all_recorded_settings_lead_to_the_same_place_or_are_repaired() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert_eq!(cases.len(), 18);
    let mut repaired = 0;
    for case in &cases {
        let note = case["note"].as_str().unwrap();
        let scene = scene(&case["config"]);
        if note == NOT_REPAIRED {
            let refusal = scene.refusal();
            assert!(refusal.starts_with("INVENIO_CACHE_REDIS_URL: "), "{refusal}");
            assert!(refusal.contains("an address that begins with redis://"), "{refusal}");
            continue;
        }
        let Places { cache, registry, .. } = places(&scene);
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

fn main_url(url: &str) -> Scene {
    Scene::new().variable("INVENIO_CACHE_REDIS_URL", url)
}

#[test]
fn options_of_the_url_survive() {
    let url =
        "rediss://cache.example:6380/3?ssl_cert_reqs=none&ssl_ca_certs=/etc/ssl/own.pem&timeout=3";
    let address = places(&main_url(url)).cache;
    assert!(address.tls.accept_any_certificate && !address.tls.accept_any_host);
    assert_eq!(address.tls.ca_file.as_deref(), Some("/etc/ssl/own.pem".as_ref()));
    assert_eq!(address.database, 7);
    let address = places(&main_url("rediss://cache.example?ssl_check_hostname=False")).cache;
    assert!(address.tls.accept_any_host && !address.tls.accept_any_certificate);
}

#[test]
fn credentials_are_decoded_and_never_shown() {
    let url = "rediss://u%40x:p%2Fw%25ü@[::1]:6380/5";
    let address = places(&Scene::new().variable("INVENIO_STATS_CACHE_REDIS_URL", url)).cache;
    assert_eq!(address.username.as_deref(), Some("u@x"));
    assert_eq!(address.password.as_deref(), Some("p/w%ü"));
    assert_eq!(address.to_string(), "rediss://u@x:***@[::1]:6380/5");
    assert_eq!(format!("{address:?}"), "RedisAddress(rediss://u@x:***@[::1]:6380/5)");

    for url in ["redis://:secret@host:notaport/0", "secret", "redis://:secret@h?db=x"] {
        let error = main_url(url).try_load().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    let password = places(&main_url("redis://:secret@host")).cache;
    assert_eq!(password.to_string(), "redis://:***@host:6379/7");
    assert_eq!((password.username, password.password.as_deref()), (None, Some("secret")));
}

#[test]
fn locks_are_in_the_database_of_the_main_cache() {
    let database = |url: &str, number: Option<u16>| {
        let mut scene = main_url(url);
        if let Some(number) = number {
            scene = scene.variable("INVENIO_CACHE_REDIS_DB", &number.to_string());
        }
        places(&scene).main.database
    };
    assert_eq!(database("redis://h:1/3", None), 3);
    assert_eq!(database("redis://h:1/3", Some(5)), 3);
    assert_eq!(database("redis://h:1", Some(5)), 5);
    assert_eq!(database("redis://h:1/", None), 0);
    assert_eq!(database("unix:///run/redis.sock?db=2", None), 2);
    let elsewhere =
        main_url("redis://h:1/3").variable("INVENIO_STATS_CACHE_REDIS_URL", "redis://elsewhere/9");
    assert_eq!(places(&elsewhere).main.to_string(), "redis://h:1/3");
}

/// A password for a socket stands where there is no host.
#[test]
fn a_socket_with_a_password_is_connected_to() {
    if require(Service::Redis).is_none() {
        return;
    }
    let server = Redis::start(&["--requirepass", "p@ss/w%"]).unwrap();
    let socket = server.folder().unwrap().join("socket").display().to_string();
    for url in [
        format!("unix://:p%40ss%2Fw%25@{socket}"),
        format!("unix://default:p%40ss%2Fw%25@{socket}?db=3"),
        format!("unix://{socket}?db=0&password=p%40ss%2Fw%25"),
    ] {
        let address = places(&main_url(&url)).cache;
        assert_eq!(address.database, 7, "{url}");
        let client = RedisClient::connect(address, RedisOptions::default()).unwrap();
        let store = RedisStore::open(client.into(), "p").unwrap();
        assert_eq!(store.summary().unwrap().entries, 0);
    }
    let shown = redis_address(&RedisUrl::parse(&format!("unix://:s3cret@{socket}")).unwrap());
    assert!(!format!("{shown} {shown:?}").contains("s3cret"), "{shown}");
}

/// Responses, registry and lock are at the primary, each in its database; a sentinel that is gone
/// is passed over, and another password counts at the sentinels than at the server.
#[test]
fn the_primary_behind_sentinels_is_connected_to() {
    if require(Service::Redis).is_none() {
        return;
    }
    let server = Redis::start(&["--requirepass", "p@ss"]).unwrap();
    let lines = "sentinel auth-pass main p@ss\nrequirepass other";
    let sentinel = Sentinel::start("main", server.address(), lines).unwrap();
    let nobody = process::free_port().unwrap();
    let url = format!(
        "redis+sentinel://:p%40ss@127.0.0.1:{nobody},{}/main/2?sentinel_password=other",
        sentinel.address()
    );
    let Places { cache, registry, main } = places(&main_url(&url));
    assert_eq!((cache.database, registry.database, main.database), (7, 8, 2));
    assert!(!format!("{cache} {cache:?}").contains("other"), "{cache}");
    let client = RedisClient::connect(cache, RedisOptions::default()).unwrap();
    assert_eq!(client.primary().unwrap().as_deref(), Some(server.address()));
    let store = RedisStore::open(client.into(), "p").unwrap();
    assert_eq!(store.summary().unwrap().entries, 0);

    let unknown = url.replace("/main/", "/mine/");
    let refused = RedisClient::connect(places(&main_url(&unknown)).cache, RedisOptions::default());
    let refused = format!("{:#}", anyhow::Error::from(refused.unwrap_err()));
    assert!(refused.contains("watch no service of this name"), "{refused}");
    assert!(!refused.contains("p@ss") && !refused.contains("other"), "{refused}");
}
