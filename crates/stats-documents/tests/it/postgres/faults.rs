//! Connections that break, servers that stop or do not answer.

use std::time::{Duration, Instant};

use stats_documents::postgres::{PostgresCommunities, PostgresSettings};
use stats_model::FaultKind::{Refused, Unreachable};
use stats_testkit::proxy::TcpProxy;
use stats_testkit::services::{Postgres, Service, process, require};
use stats_testkit::wait;

use super::{Database, WITHOUT_TIME_ZONE, told};

#[test]
fn a_connection_that_was_ended_is_replaced() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    let communities = database.connect();
    for _ in 0..2 {
        assert!(communities.communities().unwrap().is_empty());
        database.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = '{}' AND application_name = 'community-stats'",
            database.name
        ));
    }
}

#[test]
fn a_connection_that_was_cut_is_replaced_once() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    let proxy = TcpProxy::start(server.address()).unwrap();
    let communities = PostgresCommunities::connect(database.settings_at(proxy.address())).unwrap();
    communities.communities().unwrap();
    proxy.disconnect();
    communities.communities().unwrap();
    assert_eq!(proxy.connections(), 2);

    proxy.refuse(true);
    proxy.disconnect();
    let error = communities.communities().unwrap_err();
    assert_eq!(error.kind(), Unreachable, "{}", told(&error));
    proxy.refuse(false);
    communities.communities().unwrap();
}

#[test]
fn answers_that_are_cut_are_errors() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    for number in 0..50 {
        database.insert(number, "NULL", "'2023-05-04'", "'{}'", "P");
    }
    let proxy = TcpProxy::start(server.address()).unwrap();
    let communities = PostgresCommunities::connect(database.settings_at(proxy.address())).unwrap();
    communities.communities().unwrap();
    proxy.cut_after(Some(2_000));
    proxy.disconnect();
    let error = communities.communities().unwrap_err();
    assert_eq!(error.kind(), Unreachable, "{}", told(&error));
    proxy.cut_after(None);
    assert_eq!(communities.communities().unwrap().len(), 50);
}

#[test]
fn servers_that_are_not_there() {
    let settings = PostgresSettings {
        host: "127.0.0.1".to_owned(),
        port: process::free_port().unwrap(),
        username: Some("u".to_owned()),
        password: Some("geheim".to_owned()),
        ..PostgresSettings::default()
    };
    let error = PostgresCommunities::connect(settings.clone()).unwrap_err();
    assert_eq!(error.kind(), Unreachable);
    let text = told(&error);
    assert!(text.contains("connecting to postgresql://u@127.0.0.1:"), "{text}");
    assert!(!text.contains("geheim") && !format!("{error:?}").contains("geheim"), "{text}");

    let nowhere = PostgresSettings { host: "nowhere.invalid".to_owned(), ..settings };
    assert_eq!(PostgresCommunities::connect(nowhere).unwrap_err().kind(), Unreachable);
}

#[test]
fn servers_that_stop_and_come_back_elsewhere() {
    if require(Service::Postgres).is_none() {
        return;
    }
    let mut server = Postgres::start().unwrap();
    let communities = {
        let database = Database::new(&server, WITHOUT_TIME_ZONE);
        database.connect()
    };
    communities.communities().unwrap();
    server.stop();
    assert_eq!(communities.communities().unwrap_err().kind(), Unreachable);
}

#[test]
fn questions_that_take_too_long_are_given_up() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    let settings =
        PostgresSettings { statement_timeout: Duration::from_millis(200), ..database.settings() };
    let communities = PostgresCommunities::connect(settings).unwrap();
    let lock = "BEGIN; LOCK TABLE communities_metadata IN ACCESS EXCLUSIVE MODE; \
                SELECT pg_sleep(60); COMMIT";
    let locks = "FROM pg_locks WHERE mode = 'AccessExclusiveLock'
                 AND relation = 'communities_metadata'::regclass AND granted";
    let unlock = format!("SELECT pg_terminate_backend(pid) {locks}");
    std::thread::scope(|scope| {
        // It ends when its session is ended.
        let locked = scope.spawn(|| server.sql(&database.name, lock).is_err());
        let count = format!("SELECT count(*) {locks}");
        wait::until("the table is locked", || database.sql(&count).trim() == "1");
        let error = communities.communities().unwrap_err();
        assert_eq!(error.kind(), Unreachable);
        assert!(told(&error).contains("time limit"), "{}", told(&error));
        database.sql(&unlock);
        assert!(locked.join().unwrap());
    });
    communities.communities().unwrap();
}

#[test]
fn networks_that_swallow_everything_are_given_up() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    let proxy = TcpProxy::start(server.address()).unwrap();
    let settings = PostgresSettings {
        connect_timeout: Duration::from_millis(300),
        statement_timeout: Duration::from_millis(100),
        ..database.settings_at(proxy.address())
    };
    let communities = PostgresCommunities::connect(settings).unwrap();
    proxy.delay(Duration::from_secs(60));
    let asked = Instant::now();
    let error = communities.communities().unwrap_err();
    assert_eq!(error.kind(), Unreachable);
    assert!(told(&error).contains("no answer in"), "{}", told(&error));
    let error = communities.communities().unwrap_err();
    assert!(told(&error).contains("connecting to"), "{}", told(&error));
    assert!(asked.elapsed() < Duration::from_secs(10));
}

#[test]
fn settings_that_cannot_be_used() {
    let with = |name: &str, value: &str| PostgresSettings {
        options: vec![
            ("sslmode".to_owned(), "require".to_owned()),
            (name.to_owned(), value.to_owned()),
        ],
        ..PostgresSettings::default()
    };
    for (name, value, said) in [
        ("sslmode", "maybe", "sslmode is 'maybe'"),
        ("sslrootcert", "/nowhere/ca.crt", "/nowhere/ca.crt"),
        ("sslcert", "/nowhere/own.crt", "/nowhere/own.crt"),
    ] {
        let error = PostgresCommunities::connect(with(name, value)).unwrap_err();
        assert_eq!(error.kind(), Refused, "{name}");
        assert!(told(&error).contains(said), "{}", told(&error));
    }
}

#[test]
fn threads_take_turns() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    database.insert(1, "'a'", "'2023-05-04'", "'{}'", "P");
    let communities = database.connect();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(communities.communities().unwrap().len(), 1);
                }
            });
        }
    });
}
