//! Communities from a real PostgreSQL.

mod access;
mod communities;
mod contract;
mod faults;
mod tls;

use std::time::Duration;

use stats_documents::postgres::{PostgresCommunities, PostgresSettings};
use stats_testkit::services::Postgres;

/// The table as InvenioRDM 12 and 13 make it.
const WITHOUT_TIME_ZONE: &str = "\
CREATE TABLE communities_metadata (
    created timestamp without time zone NOT NULL,
    updated timestamp without time zone NOT NULL,
    id uuid NOT NULL PRIMARY KEY,
    json jsonb,
    version_id integer NOT NULL,
    slug varchar(255) UNIQUE,
    bucket_id uuid,
    deletion_status varchar(1) NOT NULL
);";

/// The table as InvenioRDM 14 makes it.
fn with_time_zone() -> String {
    WITHOUT_TIME_ZONE.replace("without time zone", "with time zone")
}

/// A database of its own in a server.
struct Database<'a> {
    server: &'a Postgres,
    name: String,
}

impl<'a> Database<'a> {
    fn new(server: &'a Postgres, tables: &str) -> Self {
        let url = server.create_database().unwrap();
        let name = url.rsplit('/').next().unwrap().to_owned();
        let database = Self { server, name };
        database.sql(tables);
        database
    }

    fn sql(&self, statements: &str) -> String {
        self.server.sql(&self.name, statements).unwrap()
    }

    /// Inserts a community. `created` and `json` are literals of SQL.
    fn insert(&self, id: u32, slug: &str, created: &str, json: &str, status: &str) {
        let id = uuid(id);
        self.sql(&format!(
            "INSERT INTO communities_metadata VALUES
             ({created}, now(), '{id}', {json}, 1, {slug}, NULL, '{status}')"
        ));
    }

    fn settings(&self) -> PostgresSettings {
        self.settings_at(self.server.address())
    }

    fn settings_at(&self, address: &str) -> PostgresSettings {
        let (host, port) = address.rsplit_once(':').unwrap();
        PostgresSettings {
            host: host.to_owned(),
            port: port.parse().unwrap(),
            username: Some("postgres".to_owned()),
            database: Some(self.name.clone()),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            ..PostgresSettings::default()
        }
    }

    fn connect(&self) -> PostgresCommunities {
        PostgresCommunities::connect(self.settings()).unwrap()
    }
}

fn uuid(number: u32) -> String {
    format!("{number:08x}-8a52-4d6e-9c1b-2f7f6f1f0a11")
}

/// An error and its causes, as people read it.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
