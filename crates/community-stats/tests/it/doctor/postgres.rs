//! The database of InvenioRDM.

use community_stats::doctor::State::{Failed, Ok, Unreachable, Warning};
use jiff::SignedDuration;
use stats_model::ManualClock;
use stats_testkit::services::{Postgres, process, unique_name};

use super::{Findings, Patient};

const TABLE: &str = "\
CREATE TABLE communities_metadata (
    created timestamp NOT NULL, updated timestamp NOT NULL, id uuid PRIMARY KEY, json jsonb,
    version_id integer NOT NULL, slug varchar(255) UNIQUE, bucket_id uuid,
    deletion_status varchar(1) NOT NULL);
INSERT INTO communities_metadata VALUES
    ('2023-05-04', now(), '6f0c1f3e-8a52-4d6e-9c1b-2f7f6f1f0a11',
     '{\"custom_fields\": {\"stats:dashboard_enabled\": true}}', 1, 'a', NULL, 'P'),
    ('2023-05-04', now(), '7f0c1f3e-8a52-4d6e-9c1b-2f7f6f1f0a11', '{}', 1, 'b', NULL, 'D');";

fn patient(url: &str) -> Patient {
    // SQLAlchemy's name of the driver is understood everywhere.
    Patient::new()
        .with("communities.database_url", url.replace("postgresql://", "postgresql+psycopg2://"))
}

fn database(server: &Postgres, statements: &str) -> String {
    let url = server.create_database().unwrap();
    server.sql(url.rsplit('/').next().unwrap(), statements).unwrap();
    url
}

#[test]
fn a_healthy_database() {
    let Some(server) = Postgres::shared() else { return };
    let found = patient(&database(server, TABLE)).examine();
    let postgres = found.expect("postgresql", Ok, "postgresql://postgres@127.0.0.1:");
    assert!(postgres.version.as_ref().unwrap().contains('.') && postgres.millis.is_some());
    found.expect("clock of postgresql", Ok, "agrees with ours");
    let counted = "2 communities, 1 of them deleted, 1 with a dashboard";
    assert!(found.expect("communities table", Ok, counted).millis.is_some());
}

#[test]
fn tables_and_columns_that_are_missing() {
    let Some(server) = Postgres::shared() else { return };
    let found = patient(&database(server, "SELECT 1")).examine();
    found.expect("postgresql", Ok, "postgresql://");
    found.expect("communities table", Failed, "has no table communities_metadata");
    let odd = "CREATE TABLE communities_metadata (id uuid, slug text)";
    let found = patient(&database(server, odd)).examine();
    found.expect("communities table", Failed, "has no column created, json, deletion_status");
}

#[test]
fn rights_that_are_missing() {
    let Some(server) = Postgres::shared() else { return };
    let role = unique_name();
    let url = database(server, &format!("{TABLE} CREATE ROLE {role} LOGIN PASSWORD 's3cret'"));
    let url = url.replace("postgres@", &format!("{role}:s3cret@"));
    let found = patient(&url).examine();
    let table = found.expect("communities table", Failed, "no right to read created, id, json");
    assert!(table.remedy.as_ref().unwrap().starts_with("GRANT SELECT (id, slug"));
    found.hide("s3cret");
}

#[test]
fn databases_and_servers_that_are_not_there() {
    let port = process::free_port().unwrap();
    let found = patient(&format!("postgresql://u:s3cret@127.0.0.1:{port}/x")).examine();
    let postgres = found.expect("postgresql", Unreachable, "u@127.0.0.1");
    assert!(postgres.remedy.as_ref().unwrap().contains("communities.database_url"));
    assert!(!found.has("communities table"));
    found.hide("s3cret");

    let Some(server) = Postgres::shared() else { return };
    let url = format!("postgresql://postgres@{}/{}", server.address(), unique_name());
    patient(&url).examine().expect("postgresql", Failed, "check the name of the database");
}

#[test]
fn clocks_that_differ() {
    let Some(server) = Postgres::shared() else { return };
    let patient = patient(&database(server, TABLE));
    let clock = ManualClock::new(jiff::Timestamp::now() + SignedDuration::from_hours(3));
    let found = Findings(community_stats::doctor::examine(&patient.settings(), &clock));
    found.expect("clock of postgresql", Warning, "behind ours");
}
