//! What an InvenioRDM deployment says, from its environment and its `invenio.cfg`.

use std::time::Duration;

use community_stats::config::{
    CommunitySource, Compression, JsonInput, Lifetime, Origin, Settings, SourceKind, StoreKind,
};
use stats_cache::Endpoint;

use super::Scene;

pub(super) fn from_cfg(text: &str) -> Settings {
    Scene::new().invenio_cfg(text).load()
}

pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    let without_folder = |warning: &String| match warning.rfind("/invenio.cfg:") {
        Some(at) => warning[at + 1..].to_owned(),
        None => warning.clone(),
    };
    settings.warnings().iter().map(without_folder).collect()
}

#[test]
fn a_deployment_is_understood_from_its_environment() {
    let settings = Scene::new()
        .variable(
            "INVENIO_SEARCH_HOSTS",
            "[{'host': 'os','http_auth': ('user','hidden-1'),'use_ssl': True,\
             'ca_certs': '/etc/os/ca.crt','port': '9243'}]",
        )
        .variable("INVENIO_SEARCH_INDEX_PREFIX", "kcworks-")
        .variable("INVENIO_CACHE_REDIS_URL", "redis://cache:6379/0")
        .variable("INVENIO_CACHE_KEY_PREFIX", "main::")
        .variable("INVENIO_STATS_CACHE_REDIS_DB", "9")
        .variable("INVENIO_STATS_AGG_REGISTRY_REDIS_DB", "'10'")
        .variable("INVENIO_STATS_CACHE_PREFIX", "stats")
        .variable("INVENIO_STATS_CACHE_DEFAULT_TTL", "365")
        .variable("INVENIO_STATS_DASHBOARD_COMMUNITY_OPT_IN", "False")
        .variable("INVENIO_STATS_DASHBOARD_OPTIMIZE_DATA_SERIES", "False")
        .variable("INVENIO_COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED", "False")
        .variable(
            "INVENIO_SQLALCHEMY_DATABASE_URI",
            "postgresql+psycopg2://invenio:hid/den@2?#%@db:5433/invenio",
        )
        .variable("INVENIO_BROKER_URL", "amqp://u:hidden-3@mq:5672/")
        .variable("INVENIO_CELERY_RESULT_BACKEND", "redis://cache:6379/2")
        .variable("INVENIO_SITE_NAME", "not [ours")
        .load();
    assert_eq!(settings.source.kind, SourceKind::Opensearch);
    assert_eq!(settings.origin("source.kind").to_string(), "INVENIO_SEARCH_HOSTS");
    let [host] = settings.source.hosts.as_slice() else { panic!() };
    assert_eq!(host.base_url(), "https://os:9243");
    assert_eq!(host.credentials.as_ref().unwrap().password.expose(), "hidden-1");
    assert_eq!(settings.source.ca_certs.as_ref().unwrap().to_str(), Some("/etc/os/ca.crt"));
    assert_eq!(settings.source.index_prefix, "kcworks-");
    assert_eq!(settings.cache.store, StoreKind::Redis);
    assert_eq!(settings.origin("cache.store").to_string(), "INVENIO_CACHE_REDIS_URL");
    let targets = settings.cache.redis_targets();
    assert_eq!(targets.responses.to_string(), "redis://cache:6379/9");
    assert_eq!(targets.registry.to_string(), "redis://cache:6379/10");
    assert_eq!(targets.locks.to_string(), "redis://cache:6379/0");
    assert_eq!(settings.lock.key(), "main::lock:community_stats_cache_generation");
    assert_eq!(settings.cache.prefix, "stats");
    assert_eq!(settings.cache.ttl_days, Lifetime::Days(365));
    assert!(!settings.communities.opt_in);
    assert!(!settings.generation.optimize);
    assert!(!settings.generation.enabled);
    // InvenioRDM always has a database: its address alone does not switch to it.
    assert_eq!(settings.communities.source, CommunitySource::Opensearch);
    let database = settings.communities.database_url.as_ref().unwrap();
    assert_eq!((database.host.as_str(), database.port), ("db", 5433));
    let login = database.credentials.as_ref().unwrap();
    assert_eq!((login.username.as_str(), login.password.expose()), ("invenio", "hid/den@2?#%"));
    assert_eq!(settings.broker.url.as_ref().unwrap().to_string(), "amqp://u:***@mq:5672/");
    assert_eq!(warnings(&settings), Vec::<String>::new());
    let shown = format!("{settings:?} {:?}", settings.explain());
    assert!(!shown.contains("hidden") && !shown.contains("hid/den"), "{shown}");
}

#[test]
fn ours_is_stronger_than_invenio_and_its_environment_than_its_file() {
    let mut scene = Scene::new().invenio_cfg("\nSTATS_CACHE_PREFIX = 'cfg'\n");
    let origin = |scene: &Scene| scene.load().origin("cache.prefix").to_string();
    assert_eq!(scene.load().cache.prefix, "cfg");
    assert!(origin(&scene).ends_with("invenio.cfg:2"));
    scene = scene.variable("INVENIO_STATS_CACHE_PREFIX", "env");
    assert_eq!(scene.load().cache.prefix, "env");
    assert_eq!(origin(&scene), "INVENIO_STATS_CACHE_PREFIX");
    scene = scene.settings_file("[cache]\nprefix = \"file\"\n");
    assert_eq!(scene.load().cache.prefix, "file");
    scene = scene.variable("COMMUNITY_STATS_CACHE_PREFIX", "ours");
    assert_eq!(scene.load().cache.prefix, "ours");
}

#[test]
fn values_are_read_from_files_that_variables_name() {
    let scene = Scene::new();
    let path = scene.write("uri", "postgresql://u:pw@db/x\n");
    let settings =
        scene.variable("INVENIO_SQLALCHEMY_DATABASE_URI_FILE", path.to_str().unwrap()).load();
    assert_eq!(settings.communities.database_url.as_ref().unwrap().database, "x");
    let origin = settings.origin("communities.database_url").to_string();
    assert_eq!(origin, "INVENIO_SQLALCHEMY_DATABASE_URI_FILE");
}

#[test]
fn hosts_come_in_all_forms() {
    let hosts = |literal: &str| -> Vec<String> {
        let settings = Scene::new().variable("INVENIO_SEARCH_HOSTS", literal).load();
        settings.source.hosts.iter().map(ToString::to_string).collect()
    };
    assert_eq!(hosts("[{'host': 'search', 'port': 9200}]"), ["http://search:9200"]);
    assert_eq!(hosts("['search:9200']"), ["http://search:9200"]);
    assert_eq!(hosts("search:9201,other"), ["http://search:9201", "http://other:9200"]);
    assert_eq!(hosts("'search'"), ["http://search:9200"]);
    assert_eq!(hosts("{'host': 'search', 'scheme': 'https'}"), ["https://search:9200"]);
    assert_eq!(hosts("['https://u:p@search/es']"), ["https://u:***@search:443/es"]);
    assert_eq!(hosts("[{'host': '::1', 'url_prefix': 'es'}]"), ["http://[::1]:9200/es"]);
    assert_eq!(
        hosts("[{'host': 'a', 'http_auth': 'u:p'}, {'host': 'b', 'http_auth': None}]"),
        ["http://u:***@a:9200", "http://b:9200"]
    );
}

#[test]
fn no_hosts_are_no_hosts() {
    for nothing in ["[]", "None", "''"] {
        let settings = Scene::new().variable("INVENIO_SEARCH_HOSTS", nothing).load();
        // Beside an InvenioRDM all the same, with its default.
        assert_eq!(settings.source.kind, SourceKind::Opensearch, "{nothing:?}");
        assert_eq!(*settings.origin("source.hosts"), Origin::Default, "{nothing:?}");
    }
    let settings = Scene::new().variable("INVENIO_SEARCH_HOSTS", "").load();
    assert_eq!(settings.source.kind, SourceKind::Archive);
}

#[test]
fn client_options_are_translated() {
    let settings = from_cfg(
        "SEARCH_ELASTIC_HOSTS = ['old']\nSEARCH_HOSTS = ['new']\n\
         SEARCH_CLIENT_CONFIG = {\n    'hosts': [{'host': 'client', 'sniff': True}, 'second'],\n\
         'http_auth': ['user', 'hidden'],\n    'use_ssl': True,\n    'verify_certs': False,\n\
         'timeout': 7.5,\n    'max_retries': 2,\n    'http_compress': True,\n}\n",
    );
    let hosts: Vec<String> = settings.source.hosts.iter().map(|host| host.base_url()).collect();
    assert_eq!(hosts, ["https://client:9200", "https://second:9200"]);
    assert_eq!(settings.source.username.as_deref(), Some("user"));
    assert_eq!(settings.source.password.as_ref().unwrap().expose(), "hidden");
    assert!(!settings.source.verify_certs);
    assert_eq!(settings.source.timeout, Duration::from_millis(7_500));
    assert_eq!(settings.source.max_retries, 2);
    assert_eq!(settings.source.gzip, Compression::On);
    assert_eq!(
        warnings(&settings),
        ["invenio.cfg:3: `sniff` of a host is not understood; it was skipped"]
    );
}

#[test]
fn a_login_of_ours_replaces_that_of_invenio_as_a_whole() {
    let settings = Scene::new()
        .variable("INVENIO_SEARCH_CLIENT_CONFIG", "{'http_auth': ('user', 'password')}")
        .variable("COMMUNITY_STATS_SOURCE_API_KEY", "key")
        .load();
    assert_eq!(settings.source.username, None);
    assert_eq!(settings.source.api_key.as_ref().unwrap().expose(), "key");
}

#[test]
fn an_empty_override_still_leaves_redis_to_the_main_cache() {
    let settings = Scene::new()
        .variable("INVENIO_STATS_CACHE_REDIS_URL", "")
        .variable("INVENIO_CACHE_REDIS_URL", "redis://cache/0")
        .load();
    assert_eq!(settings.cache.store, StoreKind::Redis);
    assert_eq!(settings.origin("cache.store").to_string(), "INVENIO_CACHE_REDIS_URL");
}

#[test]
fn what_should_be_a_dictionary_and_is_not_is_told() {
    let settings = Scene::new()
        .variable("INVENIO_SEARCH_CLIENT_CONFIG", "{'hosts': HOSTS}")
        .variable("INVENIO_STATS_DASHBOARD_LOCK_CONFIG", "[]")
        .load();
    assert_eq!(
        warnings(&settings),
        [
            "INVENIO_SEARCH_CLIENT_CONFIG: SEARCH_CLIENT_CONFIG is no dictionary; it was skipped",
            "INVENIO_STATS_DASHBOARD_LOCK_CONFIG: STATS_DASHBOARD_LOCK_CONFIG is no dictionary; \
             it was skipped",
        ]
    );
}

#[test]
fn a_lock_whose_place_nobody_names_is_where_invenio_looks_for_it() {
    let guess = |name: &str, value: &str| {
        let settings = Scene::new().variable(name, value).load();
        (settings.cache.redis_targets().locks.to_string(), settings.guessed_lock().is_some())
    };
    let default = "redis://localhost:6379/0".to_owned();
    assert_eq!(guess("INVENIO_STATS_CACHE_REDIS_URL", "redis://h/9"), (default.clone(), true));
    assert_eq!(guess("COMMUNITY_STATS_CACHE_REDIS_URL", "redis://h/9"), (default.clone(), true));
    let given = ("redis://h:6379/3".to_owned(), false);
    assert_eq!(guess("INVENIO_CACHE_REDIS_URL", "redis://h/3"), given);
    assert_eq!(guess("INVENIO_SITE_NAME", "x"), (default, false));
}

#[test]
fn text_is_true_for_python_whatever_it_says() {
    let settings =
        Scene::new().variable("INVENIO_STATS_DASHBOARD_COMMUNITY_OPT_IN", "false").load();
    assert!(settings.communities.opt_in);
    assert_eq!(
        warnings(&settings),
        ["INVENIO_STATS_DASHBOARD_COMMUNITY_OPT_IN: STATS_DASHBOARD_COMMUNITY_OPT_IN is the text \
          `false`, which is true for Python and therefore here; write False"]
    );
    let zero = Scene::new().variable("INVENIO_STATS_DASHBOARD_COMMUNITY_OPT_IN", "0").load();
    assert!(!zero.communities.opt_in);
}

#[test]
fn lifetimes_follow_section_15_row_5() {
    let days = |literal: &str| {
        Scene::new().variable("INVENIO_STATS_CACHE_DEFAULT_TTL", literal).load().cache.ttl_days
    };
    assert_eq!(Scene::new().load().cache.ttl_days, Lifetime::Days(30));
    assert_eq!(days("None"), Lifetime::Never);
    assert_eq!(days("0"), Lifetime::Never);
    assert_eq!(days("30"), Lifetime::Days(30));
    let refusal = Scene::new().variable("INVENIO_STATS_CACHE_DEFAULT_TTL", "30.0").refusal();
    assert!(refusal.contains("is the number 30.0, expected a whole number"), "{refusal}");
    assert_eq!(days(""), Lifetime::Days(30));
    let empty = Scene::new().variable("INVENIO_STATS_CACHE_REDIS_DB", " ").load();
    assert_eq!(empty.cache.redis_db, 7);
    let refusal = Scene::new().variable("INVENIO_STATS_CACHE_DEFAULT_TTL", "0.5").refusal();
    assert_eq!(
        refusal,
        "INVENIO_STATS_CACHE_DEFAULT_TTL: `cache.ttl_days` is the number 0.5, expected a whole \
         number of days up to 36525, or 0 for never"
    );
}

#[test]
fn the_lock_is_on_when_both_flags_are() {
    let lock = |literal: &str| {
        Scene::new().variable("INVENIO_STATS_DASHBOARD_LOCK_CONFIG", literal).load().lock
    };
    let changed = lock(
        "{'enabled': True, 'aggregation': {'lock_timeout': 5}, \
         'response_caching': {'lock_timeout': 60, 'lock_name': 'mine'}}",
    );
    assert!(changed.enabled);
    assert_eq!((changed.timeout, changed.name.as_str()), (Duration::from_secs(60), "mine"));
    assert!(!lock("{'enabled': False, 'response_caching': {'enabled': True}}").enabled);
    assert!(!lock("{'response_caching': {'enabled': False}}").enabled);
    let defaults = lock("{}");
    assert!(defaults.enabled);
    assert_eq!(defaults.name, "community_stats_cache_generation");
}

#[test]
fn a_literal_layout_is_taken_as_it_is() {
    let settings = from_cfg("STATS_DASHBOARD_LAYOUT = {'global_layout': {'tabs': ()}}\n");
    let layout = serde_json::json!({"global_layout": {"tabs": []}});
    assert_eq!(settings.generation.layouts, Some(JsonInput::Given(layout)));
}

#[test]
fn addresses_that_only_invenio_can_use_are_told_and_left_out() {
    let settings = Scene::new()
        .variable("INVENIO_SQLALCHEMY_DATABASE_URI", "mysql+pymysql://u:hidden@db/x")
        .variable("INVENIO_BROKER_URL", "nonsense")
        .load();
    assert_eq!(settings.communities.database_url, None);
    assert_eq!(
        warnings(&settings),
        [
            "INVENIO_SQLALCHEMY_DATABASE_URI: SQLALCHEMY_DATABASE_URI cannot be used here: only \
             PostgreSQL can be read; it was skipped",
            "INVENIO_BROKER_URL: BROKER_URL cannot be used here: it has no scheme; it was skipped",
        ]
    );
}

#[test]
fn how_the_broker_is_spoken_with_is_taken_over() {
    let scene = || Scene::new().variable("INVENIO_BROKER_URL", "amqp://u:hidden@mq//;redis://r/0");
    let url = |settings: &Settings| settings.broker.url.as_ref().unwrap().to_string();
    let plain = scene().load();
    assert_eq!(url(&plain), "amqp://u:***@mq//;redis://r/0");
    assert!(plain.broker.verify_certs && plain.broker.ca_certs.is_none());
    let with = |literal: &str| scene().variable("INVENIO_BROKER_USE_SSL", literal).load();
    let encrypted = with("True");
    assert_eq!(url(&encrypted), "amqps://u:***@mq//;rediss://r/0");
    assert!(encrypted.broker.verify_certs);
    assert_eq!(url(&with("False")), url(&plain));
    let told = with("{'ca_certs': '/etc/mq/ca.pem', 'cert_reqs': 0}");
    assert_eq!(url(&told), url(&encrypted));
    assert_eq!(told.broker.ca_certs.as_ref().unwrap().to_str(), Some("/etc/mq/ca.pem"));
    assert!(!told.broker.verify_certs);
    let shown = with("{'certfile': '/etc/mq/our.pem', 'keyfile': '/etc/mq/our.key'}");
    let [warning] = shown.warnings() else { panic!("{:?}", shown.warnings()) };
    assert!(warning.contains("a certificate of our own is shown to no broker"), "{warning}");
    let cfg = "import ssl\nBROKER_URL = 'amqp://mq//'\n\
               BROKER_USE_SSL = {'ssl_ca_certs': 'ca.pem', 'ssl_cert_reqs': ssl.CERT_REQUIRED}\n";
    let settings = Scene::new().invenio_cfg(cfg).load();
    assert_eq!(url(&settings), "amqps://mq//");
    assert!(settings.broker.verify_certs && settings.broker.ca_certs.is_some());
    let cfg = cfg.replace("CERT_REQUIRED", "CERT_NONE");
    assert!(!Scene::new().invenio_cfg(&cfg).load().broker.verify_certs);
}

#[test]
fn brokers_may_be_a_list() {
    let list = |literal: &str| Scene::new().variable("INVENIO_BROKER_URL", literal).load();
    let both = list("['amqp://u:hidden@a//', 'amqp://u:hidden@b//']");
    assert_eq!(both.broker.url.as_ref().unwrap().to_string(), "amqp://u:***@a//;amqp://u:***@b//");
    for literal in ["['amqp://u:hidden@a//', None]", "[5]", "5", "{'a': 'amqp://u:hidden@a//'}"] {
        let settings = list(literal);
        assert_eq!(settings.broker.url, None, "{literal}");
        let [warning] = settings.warnings() else { panic!("{literal}: {:?}", settings.warnings()) };
        assert!(warning.starts_with("INVENIO_BROKER_URL: BROKER_URL cannot be used"), "{warning}");
        assert!(!warning.contains("hidden"), "{warning}");
    }
    assert!(list("None").warnings().is_empty() && list("[]").warnings().is_empty());
}

#[test]
fn the_database_of_the_main_cache_may_stand_apart() {
    let locks = |url: &str| {
        let settings = Scene::new()
            .variable("INVENIO_CACHE_REDIS_URL", url)
            .variable("INVENIO_CACHE_REDIS_DB", "4")
            .load();
        settings.cache.redis_targets().locks.database_number()
    };
    assert_eq!(locks("redis://cache:6379"), 4);
    assert_eq!(locks("redis://cache:6379/1"), 1);
}

/// Every row of the specification that works upstream gives the same target here; the broken ones
/// are repaired: path or `db` of the address is set, nothing else.
#[test]
fn redis_addresses_resolve_as_specified() {
    let repaired = |note: &str| match note {
        "no path" => ("redis://cache.example:6379/7", "redis://cache.example:6379/8"),
        "db in query, no path" => ("redis://cache.example:6379/7", "redis://cache.example:6379/8"),
        "unix socket" => ("unix:///run/redis.sock?db=7", "unix:///run/redis.sock?db=8"),
        "override None" => ("redis://cache.example:6379/7", "redis://cache.example:6379/8"),
        "main None" => ("redis://localhost:6379/7", "redis://localhost:6379/8"),
        other => panic!("{other}"),
    };
    let rows: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../fixtures/redis-url-resolution.json"))
            .unwrap();
    for row in rows.as_array().unwrap() {
        let note = row["note"].as_str().unwrap();
        let mut scene = Scene::new();
        for (name, value) in row["config"].as_object().unwrap() {
            let literal = if value.is_null() { "None".to_owned() } else { value.to_string() };
            scene = scene.variable(&format!("INVENIO_{name}"), &literal);
        }
        if note == "no scheme" {
            let refusal = scene.refusal();
            assert!(refusal.contains("expected an address that begins with redis://"), "{refusal}");
            continue;
        }
        let targets = scene.load().cache.redis_targets();
        for (side, url) in [("cache", targets.responses), ("registry", targets.registry)] {
            let target = &row[side]["target"];
            let host = target["host"].as_str().unwrap_or_default();
            if !host.contains(char::is_alphabetic) {
                let (cache, registry) = repaired(note);
                assert_eq!(url.to_string(), if side == "cache" { cache } else { registry });
                continue;
            }
            let (Endpoint::Tcp { host: ours, port } | Endpoint::Tls { host: ours, port }) =
                &url.endpoint
            else {
                panic!()
            };
            assert_eq!(ours, host, "{note}");
            assert_eq!(u64::from(*port), target["port"].as_u64().unwrap_or(6379), "{note}");
            let database = target["db"].as_u64().unwrap_or(0);
            assert_eq!(u64::from(url.database_number()), database, "{note}");
            assert_eq!(url.username.as_deref(), target["username"].as_str(), "{note}");
        }
    }
}
