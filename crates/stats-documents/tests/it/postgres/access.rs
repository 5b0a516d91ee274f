//! Who may read what, and what is told when somebody may not.

use stats_documents::Amiss::NotFound;
use stats_documents::postgres::{PostgresCommunities, PostgresSettings};
use stats_model::FaultKind::{Own, Refused};
use stats_testkit::services::{Postgres, Service, require, unique_name};

use super::{Database, WITHOUT_TIME_ZONE, told, with_time_zone};

/// A server that asks `reader` for a password.
fn server_with_passwords() -> Option<Postgres> {
    require(Service::Postgres)?;
    let server = Postgres::start().unwrap();
    let rules = "host all reader all scram-sha-256\nhost all postgres all trust\n";
    super::tls::write_file(&server, "pg_hba.conf", rules);
    server
        .sql(
            "postgres",
            "CREATE ROLE reader LOGIN PASSWORD 'p@ss/w:rd %41'; SELECT pg_reload_conf()",
        )
        .unwrap();
    Some(server)
}

fn reader(database: &Database<'_>, password: Option<&str>) -> PostgresSettings {
    PostgresSettings {
        username: Some("reader".to_owned()),
        password: password.map(str::to_owned),
        ..database.settings()
    }
}

#[test]
fn passwords() {
    let Some(server) = server_with_passwords() else { return };
    let database = Database::new(&server, WITHOUT_TIME_ZONE);
    database.sql("GRANT SELECT ON communities_metadata TO reader");
    let right = PostgresCommunities::connect(reader(&database, Some("p@ss/w:rd %41"))).unwrap();
    assert_eq!(right.communities().unwrap().len(), 0);

    let wrong = PostgresCommunities::connect(reader(&database, Some("geheim"))).unwrap_err();
    assert_eq!(wrong.kind(), Refused);
    let text = told(&wrong);
    assert!(text.contains("check user and password"), "{text}");
    assert!(text.contains("reader@127.0.0.1:"), "{text}");
    assert!(!text.contains("geheim") && !format!("{wrong:?}").contains("geheim"), "{text}");

    let none = PostgresCommunities::connect(reader(&database, None)).unwrap_err();
    assert_eq!(none.kind(), Refused);
    assert!(told(&none).contains("password missing"), "{}", told(&none));
}

#[test]
fn databases_that_do_not_exist() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, "");
    let settings = PostgresSettings { database: Some(unique_name()), ..database.settings() };
    let error = PostgresCommunities::connect(settings).unwrap_err();
    assert_eq!(error.kind(), Refused);
    assert!(told(&error).contains("check the name of the database"), "{}", told(&error));
}

#[test]
fn tables_that_do_not_exist() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, "");
    let communities = database.connect();
    let error = communities.communities().unwrap_err();
    assert_eq!(error.kind(), Own(NotFound));
    assert!(told(&error).contains("is this the database of InvenioRDM?"), "{}", told(&error));
    let report = communities.examine().unwrap();
    assert!(!report.table && report.columns.is_empty());
}

#[test]
fn rights_that_are_missing() {
    let Some(server) = server_with_passwords() else { return };
    let database = Database::new(&server, WITHOUT_TIME_ZONE);
    let settings = reader(&database, Some("p@ss/w:rd %41"));
    let communities = PostgresCommunities::connect(settings).unwrap();
    let error = communities.communities().unwrap_err();
    assert_eq!(error.kind(), Refused);
    assert!(told(&error).contains("grant SELECT on communities_metadata"), "{}", told(&error));
    let report = communities.examine().unwrap();
    assert!(report.table);
    let needed = ["created", "id", "json", "slug", "deletion_status"];
    assert_eq!(report.unreadable_columns(), needed);

    // The connection goes on, and rights on the columns alone will do.
    database.sql(
        "GRANT SELECT (id, slug, created, json, deletion_status) ON communities_metadata TO reader",
    );
    assert_eq!(communities.communities().unwrap(), []);
    assert!(communities.examine().unwrap().unreadable_columns().is_empty());
}

#[test]
fn reports_name_versions_and_forms() {
    let Some(server) = Postgres::shared() else { return };
    for (table, data_type) in [
        (WITHOUT_TIME_ZONE.to_owned(), "timestamp without time zone"),
        (with_time_zone(), "timestamp with time zone"),
    ] {
        let database = Database::new(server, &table);
        let report = database.connect().examine().unwrap();
        let created = report.columns.iter().find(|column| column.name == "created").unwrap();
        assert_eq!(created.data_type, data_type);
        assert!(report.missing_columns().is_empty());
        assert!(report.version.starts_with(|first: char| first.is_ascii_digit()));
        assert_eq!((report.database.as_str(), report.standby), (database.name.as_str(), false));
        let apart = jiff::Timestamp::now().duration_since(report.clock);
        assert!(apart.unsigned_abs().as_secs() < 5, "{apart:?}");
    }
    let database = Database::new(server, "CREATE TABLE communities_metadata (id uuid, json jsonb)");
    let communities = database.connect();
    let report = communities.examine().unwrap();
    assert_eq!(report.missing_columns(), ["slug", "created", "deletion_status"]);
    assert_eq!(communities.communities().unwrap_err().kind(), Own(NotFound));
}
