//! Where communities and settings come from, and working without the cluster.

use serde_json::{Value, json};
use stats_testkit::services::{Postgres, Redis};

use super::changes::assert_changes_are_followed;
use super::corpus::{DOCUMENTS, Line, SURROUNDINGS};
use super::shared::Store;
use super::support::Live;

/// The table as InvenioRDM 12 and 13 make it; 14 has times with a zone.
const TABLE: &str = "\
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

/// The URL of a database with the communities of `tiny-7`.
fn database(server: &Postgres, table: &str) -> String {
    let url = server.create_database().unwrap();
    let name = url.rsplit_once('/').unwrap().1;
    let mut statements = table.to_owned();
    for line in SURROUNDINGS.iter().filter(|line| line.index.starts_with("communities")) {
        let source: Value = serde_json::from_str(&line.source).unwrap();
        let member = |name: &str| source[name].clone();
        let json = json!({
            "access": member("access"),
            "metadata": member("metadata"),
            "custom_fields": member("custom_fields"),
        });
        let word = |name: &str| source[name].as_str().unwrap().replace('\'', "''");
        let (id, created, slug) = (&line.id, word("created"), word("slug"));
        let (json, status) = (json.to_string().replace('\'', "''"), word("deletion_status"));
        statements += &format!(
            "INSERT INTO communities_metadata VALUES \
             ('{created}', now(), '{id}', '{json}', 1, '{slug}', NULL, '{status}');"
        );
    }
    server.sql(name, &statements).unwrap();
    url
}

#[test]
fn communities_may_come_from_postgresql() {
    let Some(server) = Postgres::shared() else { return };
    for table in [TABLE.to_owned(), TABLE.replace("without time zone", "with time zone")] {
        // The cluster knows no community at all.
        let lines = SURROUNDINGS.iter().filter(|line| !line.index.starts_with("communities"));
        let Some(live) = Live::of(lines.chain(DOCUMENTS.iter())) else { return };
        live.run(&["cache", "generate"]).expect(1);
        let live = live
            .set("COMMUNITIES_SOURCE", "postgres")
            .set("COMMUNITIES_DATABASE_URL", database(server, &table));
        live.run(&["cache", "generate", "--all-years"]).expect(0);
        live.store.assert_golden("optimized");
        assert_eq!(live.store.keys(), live.store.all_keys());
        live.run(&["cache", "exists", "--community-slug", "medieval-history-lab"]).expect(2);
        let slug = ["--community-slug", "medieval-history-lab", "--year", "2025"];
        live.run(&[&["cache", "exists"], &slug[..], &["--category", "usage_delta"]].concat())
            .expect(0);
        assert_changes_are_followed(&live);
        live.run(&["sync"]).expect(0);
    }
}

/// What `sync` copies is enough to work without cluster and database.
#[test]
fn sync_knows_the_communities_of_postgresql() {
    let Some(server) = Postgres::shared() else { return };
    // The cluster knows communities, too, but those of long ago.
    let lines: Vec<Line> = SURROUNDINGS.iter().map(of_long_ago).collect();
    let Some(live) = Live::of(lines.iter().chain(DOCUMENTS.iter())) else { return };
    let slug = ["sync", "--json", "--community-slug", "medieval-history-lab"];
    live.run(&slug).expect(1);
    let live = live
        .set("COMMUNITIES_SOURCE", "postgres")
        .set("COMMUNITIES_DATABASE_URL", database(server, TABLE));
    assert_eq!(live.run(&slug).expect(0).json()["shelves"], 4);
    let renamed = live.run(&["sync", "--community-slug", "medieval-history-lab-then"]).expect(1);
    assert!(renamed.stderr.contains("did you mean 'medieval-history-lab'?"), "{renamed}");
    live.run(&["sync"]).expect(0);

    let live = live
        .set("MIRROR_OFFLINE", "true")
        .set("SOURCE_HOSTS", "http://127.0.0.1:1")
        .set("COMMUNITIES_SOURCE", "opensearch")
        .unset("COMMUNITIES_DATABASE_URL");
    live.run(&["cache", "generate", "--all-years"]).expect(0);
    live.store.assert_golden("optimized");
    let named = live.run(&["cache", "list", "--json", "--community-slug", "medieval-history-lab"]);
    assert_eq!(named.expect(0).json().as_array().unwrap().len(), 8);
}

/// The line; of a community, with the slug that it had then.
fn of_long_ago(line: &Line) -> Line {
    let mut line = line.clone();
    if line.index.starts_with("communities") {
        let then = |text: &str| text.replacen("\",\"version_id\"", "-then\",\"version_id\"", 1);
        (line.text, line.source) = (then(&line.text), then(&line.source));
    }
    line
}

/// Nothing but what an InvenioRDM deployment has in its environment anyway.
#[test]
fn the_environment_of_invenio_is_enough() {
    let Some(live) = Live::new() else { return };
    let (host, port) = live
        .cluster
        .proxy
        .url()
        .trim_start_matches("http://")
        .split_once(':')
        .map(|(host, port)| (host.to_owned(), port.to_owned()))
        .unwrap();
    let hosts = format!("[{{'host': '{host}', 'port': {port}}}]");
    let (prefix, store) = (live.cluster.prefix.clone(), database_of_its_own(&live.store.prefix));
    let live = live
        .with_store(store.clone())
        .without_variables()
        .variable("INVENIO_SEARCH_HOSTS", &hosts)
        .variable("INVENIO_SEARCH_INDEX_PREFIX", &prefix)
        .variable("INVENIO_CACHE_REDIS_URL", &store.main)
        .variable("INVENIO_STATS_CACHE_REDIS_DB", number(&store.responses))
        .variable("INVENIO_STATS_AGG_REGISTRY_REDIS_DB", number(&store.responses))
        .variable("INVENIO_STATS_CACHE_PREFIX", &store.prefix)
        .variable("INVENIO_STATS_CACHE_DEFAULT_TTL", "10000")
        .variable("INVENIO_SQLALCHEMY_DATABASE_URI", "postgresql+psycopg2://u:p@localhost:1/none");
    let shown = live.run(&["config", "show", "--origin"]).expect(0);
    assert!(shown.stdout.contains("INVENIO_SEARCH_HOSTS"), "{shown}");
    live.run(&["cache", "generate", "--all-years"]).expect(0);
    live.store.assert_golden("optimized");

    // The same from an invenio.cfg, and what it says of metrics.
    let path = live.scene.write(
        "invenio.cfg",
        format!(
            "import os\n\
             SEARCH_HOSTS = {hosts}\n\
             SEARCH_INDEX_PREFIX = '{prefix}'\n\
             CACHE_REDIS_URL = '{}'\n\
             STATS_CACHE_REDIS_DB = {}\n\
             STATS_AGG_REGISTRY_REDIS_DB = {}\n\
             STATS_CACHE_PREFIX = '{}'\n\
             STATS_CACHE_DEFAULT_TTL = 10_000\n\
             STATS_DASHBOARD_OPTIMIZE_DATA_SERIES = False\n\
             THEME_SITENAME = os.environ.get('NAME')\n",
            store.main,
            number(&store.responses),
            number(&store.responses),
            store.prefix,
        ),
    );
    let live = live.without_variables();
    let report = live.run(&["cache", "generate", "--invenio-cfg", &path, "--json"]).expect(0);
    assert_eq!(report.json()["success"], 32, "{report}");
    live.store.assert_golden("full");
}

fn database_of_its_own(prefix: &str) -> Store {
    let server = Redis::shared().unwrap();
    Store { responses: server.database(), main: server.database(), prefix: prefix.to_owned() }
}

fn number(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}

#[test]
fn a_mirror_is_enough_to_work_without_the_cluster() {
    let Some(live) = Live::new() else { return };
    live.run(&["sync"]).expect(0);
    let live = live.set("MIRROR_OFFLINE", "true").set("SOURCE_HOSTS", "http://127.0.0.1:1");
    live.run(&["cache", "generate", "--all-years"]).expect(0);
    live.store.assert_golden("optimized");
    live.run(&["cache", "verify"]).expect(0);
    let again = live.generate(&["--all-years"], 0);
    assert_eq!(again["skipped_because"], json!({"unchanged": 32}));
    // Entries made without the cluster are those of the cluster.
    let url = live.cluster.proxy.url().to_owned();
    let live = live.set("MIRROR_OFFLINE", "false").set("SOURCE_HOSTS", url);
    let again = live.generate(&["--all-years"], 0);
    assert_eq!(again["skipped_because"], json!({"unchanged": 32}));

    // What it does not hold is an error of that response, not an empty one.
    let live = live.anew();
    live.run(&["sync", "--community-id", "global"]).expect(0);
    let live = live.set("MIRROR_OFFLINE", "true").set("SOURCE_HOSTS", "http://127.0.0.1:1");
    let report = live.generate(&["--all-years"], 3);
    assert_eq!((&report["success"], &report["failed"]), (&json!(8), &json!(24)), "{report}");
    let error = report["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("from the mirror alone, which does not hold it"), "{error}");
    assert_eq!(live.store.bodies().len(), 8);
}
