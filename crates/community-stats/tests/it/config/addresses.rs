//! Addresses with credentials in them, encoded or not.

use community_stats::config::{BrokerUrl, DatabaseUrl, RedisUrl};
use proptest::prelude::*;
use stats_cache::Endpoint;

#[test]
fn redis_addresses_keep_all_they_hold() {
    for text in [
        "rediss://u:p%2Fw@cache.example:6380/3?ssl_cert_reqs=none",
        "redis://:pw@[::1]:6379/0",
        "redis://reader@cache:6379",
        "unix://:pw@/run/redis.sock?virtual=1&db=2",
        "redis://localhost:6379",
    ] {
        assert_eq!(RedisUrl::parse(text).unwrap().to_secret().expose(), text);
    }
}

fn sentinel(text: &str) -> (Vec<(String, u16)>, String, u16) {
    let url = RedisUrl::parse(text).unwrap();
    let Endpoint::Sentinel { sentinels, service, .. } = &url.endpoint else { panic!() };
    assert_eq!(RedisUrl::parse(url.to_secret().expose()).unwrap(), url, "{text}");
    (sentinels.clone(), service.clone(), url.database_number())
}

#[test]
fn sentinels_are_named_in_all_forms_in_use() {
    let two = vec![("a".to_owned(), 26379), ("::1".to_owned(), 5)];
    for text in [
        "redis+sentinel://a,[::1]:5/main/3",
        "redis-sentinel://:p%2Fw@a:26379,[::1]:5/main/3",
        "rediss+sentinel://u:p@ss@a:26379,[::1]:5/3?service_name=main",
        "redis+sentinel://a,[::1]:5/main?db=3&sentinel_password=x@y",
        "redis-sentinel://a,[::1]:5/3#main",
        "redis+sentinel://a,[::1]:5?sentinelMasterId=main&db=3",
    ] {
        assert_eq!(sentinel(text), (two.clone(), "main".to_owned(), 3), "{text}");
    }
    assert_eq!(sentinel("redis+sentinel://a/1/2").1, "1", "a service may be called so");
    let shown = RedisUrl::parse("redis+sentinel://u:hidden@a/main?sentinel_password=hidden");
    assert_eq!(
        shown.unwrap().to_string(),
        "redis+sentinel://u:***@a:26379/main?sentinel_password=***"
    );
    for text in [
        "redis+sentinel://a",
        "redis+sentinel://a/",
        "redis+sentinel://a/0",
        "redis+sentinel://a/main/0/1",
        "redis+sentinel://a/x/0?service_name=main",
        "redis+sentinel://a/main/x",
        "redis+sentinel://a/main/70000",
        "redis+sentinel://a b/main/0",
        "redis+sentinel://a,b:x/main/0",
    ] {
        assert!(RedisUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn redis_options_count_as_in_python() {
    let url = RedisUrl::parse("redis://cache/1?db=2&password=hidden&username=u").unwrap();
    assert_eq!(url.database_number(), 2);
    assert_eq!(url.to_string(), "redis://u:***@cache:6379/2");
    let socket = RedisUrl::parse("unix:///run/redis.sock").unwrap();
    assert_eq!(socket.endpoint, Endpoint::Unix { path: "/run/redis.sock".into() });
}

#[test]
fn a_path_that_is_no_number_names_no_database_as_in_python() {
    for (text, database) in [
        ("redis://cache/abc", None),
        ("redis://cache:6379/", None),
        ("redis://cache/%35", Some(5)),
        ("redis://cache/1/2", Some(12)),
        ("redis://cache/abc?db=4", Some(4)),
    ] {
        assert_eq!(RedisUrl::parse(text).unwrap().database, database, "{text}");
    }
}

#[test]
fn redis_addresses_that_cannot_be_used_are_refused() {
    for text in [
        "cache:6379",
        "http://cache",
        "redis://cache?db=x",
        "redis://cache:x/0",
        "unix://x",
        "redis://cache/70000",
        "redis://cache/-1",
    ] {
        RedisUrl::parse(text).unwrap_err();
    }
}

#[test]
fn database_addresses_are_read_as_sqlalchemy_writes_them() {
    let url = DatabaseUrl::parse("postgresql+psycopg://u@db/my%20base?sslmode=require").unwrap();
    assert_eq!((url.host.as_str(), url.port, url.database.as_str()), ("db", 5432, "my base"));
    assert_eq!(url.options, [("sslmode".to_owned(), "require".to_owned())]);
    assert_eq!(url.to_secret().expose(), "postgresql://u@db:5432/my%20base?sslmode=require");
    let local = DatabaseUrl::parse("postgres:///invenio?host=/run/postgresql").unwrap();
    assert_eq!((local.host.as_str(), local.credentials), ("", None));
    assert_eq!(DatabaseUrl::parse("postgresql://[::1]:5433/x").unwrap().host, "::1");
}

#[test]
fn a_password_among_the_options_is_not_shown() {
    let url =
        DatabaseUrl::parse("postgresql://db/x?user=u&password=hidden&sslmode=require").unwrap();
    assert_eq!(url.to_string(), "postgresql://db:5432/x?user=u&password=***&sslmode=require");
    assert!(url.to_secret().expose().contains("hidden"));
}

/// Only values that are known to be harmless are shown.
#[test]
fn options_are_shown_only_when_they_are_no_secret() {
    let redis =
        RedisUrl::parse("rediss://h:1/0?ssl_keyfile=/k&ssl_password=hidden&x=hidden&hidden")
            .unwrap();
    assert_eq!(redis.to_string(), "rediss://h:1/0?ssl_keyfile=%2Fk&ssl_password=***&x=***&***");
    assert!(redis.to_secret().expose().contains("ssl_password=hidden"));
    let socket = RedisUrl::parse("unix:///s?db=1&passwd=hidden").unwrap();
    assert_eq!(socket.to_string(), "unix:///s?passwd=***&db=1");
    let database =
        DatabaseUrl::parse("postgresql://db/x?sslmode=require&sslpassword=hidden&options=hidden");
    let shown = "postgresql://db:5432/x?sslmode=require&sslpassword=***&options=***";
    assert_eq!(database.unwrap().to_string(), shown);
    let broker = BrokerUrl::parse("amqp://mq//?ssl_key_password=hidden&heartbeat=5").unwrap();
    assert_eq!(broker.to_string(), "amqp://mq//?ssl_key_password=***&heartbeat=***");
}

#[test]
fn what_follows_the_last_at_has_to_be_a_host() {
    for text in ["u:ab@c/hidden@$(HOST):5432/x", "u:hidden@a:5672//,u:hidden@$(HOST)//"] {
        DatabaseUrl::parse(&format!("postgresql+psycopg2://{text}")).unwrap_err();
        RedisUrl::parse(&format!("redis://{text}")).unwrap_err();
        BrokerUrl::parse(&format!("amqp://{text}")).unwrap_err();
    }
}

#[test]
fn an_at_among_the_options_does_not_count() {
    let url = DatabaseUrl::parse("postgresql://u:p@ss?w@db:5433/x?options=a@b").unwrap();
    assert_eq!(url.credentials.as_ref().unwrap().password.expose(), "p@ss?w");
    assert_eq!((url.host.as_str(), url.port, url.database.as_str()), ("db", 5433, "x"));
    assert_eq!(url.options, [("options".to_owned(), "a@b".to_owned())]);
    let url = RedisUrl::parse("redis://cache:1/0?client=a@b").unwrap();
    assert_eq!(
        (url.username.as_deref(), url.to_string()),
        (None, "redis://cache:1/0?client=***".to_owned())
    );
    let url = DatabaseUrl::parse("postgresql:///x?host=/run&password=hid@den").unwrap();
    assert_eq!(url.to_string(), "postgresql://:5432/x?host=%2Frun&password=***");
}

#[test]
fn brokers_that_stand_in_for_each_other_are_read_one_by_one() {
    let both = BrokerUrl::parse("amqp://u:hidden@a:5672//;amqp://u:hidden@b//").unwrap();
    assert_eq!(both.to_string(), "amqp://u:***@a:5672//;amqp://u:***@b//");
    let hosts: Vec<_> = both.nodes().iter().filter_map(|node| node.endpoint()).collect();
    assert_eq!(hosts, [("a".to_owned(), 5672), ("b".to_owned(), 5672)]);
    BrokerUrl::parse("amqp://u:hidden@a:5672//;amqp://u:hidden@$(HOST):5672//").unwrap_err();
    BrokerUrl::parse(";").unwrap_err();
}

#[test]
fn brokers_are_reached_at_their_usual_ports() {
    let endpoint = |text: &str| BrokerUrl::parse(text).unwrap().nodes()[0].endpoint();
    let at = |host: &str, port| Some((host.to_owned(), port));
    assert_eq!(endpoint("amqp://guest:guest@mq//"), at("mq", 5672));
    assert_eq!(endpoint("amqps://mq:1234/"), at("mq", 1234));
    assert_eq!(endpoint("redis:///2"), at("localhost", 6379));
    assert_eq!(endpoint("sqs://key:secret@"), None);
    assert_eq!(endpoint("sentinel://a:26379/0"), at("a", 26379));
}

proptest! {
    #[test]
    fn a_password_that_nobody_encoded_is_found(password in "[^%]{1,20}") {
        let url = DatabaseUrl::parse(&format!("postgresql://u:{password}@db:5433/x")).unwrap();
        let login = url.credentials.clone().unwrap();
        prop_assert_eq!(login.password.expose(), &password);
        prop_assert_eq!((url.host.as_str(), url.port, url.database.as_str()), ("db", 5433, "x"));
        prop_assert_eq!(&DatabaseUrl::parse(url.to_secret().expose()).unwrap(), &url);

        let url = RedisUrl::parse(&format!("redis://u:{password}@cache:6380/3")).unwrap();
        prop_assert_eq!(url.password.as_ref().unwrap().expose(), &password);
        prop_assert_eq!(&RedisUrl::parse(url.to_secret().expose()).unwrap(), &url);
    }

    #[test]
    fn no_address_makes_them_stumble(text in any::<String>()) {
        for scheme in ["redis://", "unix://", "postgresql://", "amqp://", ""] {
            let text = format!("{scheme}{text}");
            let _ = (RedisUrl::parse(&text), DatabaseUrl::parse(&text), BrokerUrl::parse(&text));
        }
    }

    #[test]
    fn what_is_shown_holds_no_password(password in "[a-z/@:?#]{0,8}hidden[a-z/@:?#]{0,8}") {
        let text = format!("u:{password}@host:1/2");
        let shown = [
            RedisUrl::parse(&format!("redis://{text}")).unwrap().to_string(),
            DatabaseUrl::parse(&format!("postgresql://{text}")).unwrap().to_string(),
            BrokerUrl::parse(&format!("amqp://{text}")).unwrap().to_string(),
        ];
        prop_assert!(shown.iter().all(|shown| !shown.contains("hidden")), "{shown:?}");
    }
}
