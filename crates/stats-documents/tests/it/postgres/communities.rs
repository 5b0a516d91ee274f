//! What is read of each row.

use std::sync::Arc;

use stats_documents::postgres::WithCommunities;
use stats_documents::{Archive, ArchiveOptions, Directory, Documents, Feed, ShelfFilter, Source};
use stats_model::{Community, DeletionStatus, DocumentKind, Visibility};
use stats_testkit::services::Postgres;

use super::{Database, WITHOUT_TIME_ZONE, uuid, with_time_zone};
use crate::support::{Place, document};

const RIVER_LAB: &str = r#"'{"$schema": "local://communities/communities-v1.0.0.json",
 "access": {"visibility": "public", "members_visibility": "public", "member_policy": "closed"},
 "metadata": {"title": "River Lab — größer", "description": "…", "type": {"id": "project"}},
 "custom_fields": {"stats:dashboard_enabled": true,
   "stats:dashboard_layout": {"community_layout": {"tabs": []}}},
 "files": {"enabled": true}, "children": {"allow": false}}'"#;

#[test]
fn every_field_of_a_community_in_both_forms_of_the_table() {
    let Some(server) = Postgres::shared() else { return };
    let forms = [(WITHOUT_TIME_ZONE.to_owned(), ""), (with_time_zone(), "+00:00")];
    for (table, zone) in forms {
        let database = Database::new(server, &table);
        // Whatever zone the server shows times in: days are UTC.
        database.sql(&format!("ALTER DATABASE {} SET TimeZone = 'Asia/Tokyo'", database.name));
        let created = format!("'2023-05-04 23:59:59.999999{zone}'");
        database.insert(1, "'river-lab'", &created, RIVER_LAB, "P");
        let expected = Community {
            id: uuid(1),
            slug: Some("river-lab".to_owned()),
            title: Some("River Lab — größer".to_owned()),
            created: Some("2023-05-04".parse().unwrap()),
            visibility: Visibility::Public,
            deletion: DeletionStatus::Published,
            dashboard_enabled: Some(true),
            dashboard_layout: Some(serde_json::json!({"community_layout": {"tabs": []}})),
        };
        let communities = database.connect();
        assert_eq!(communities.communities().unwrap(), [expected]);
    }
}

#[test]
fn times_with_a_zone_are_turned_to_utc() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, &with_time_zone());
    database.insert(1, "'a'", "'2023-05-05 01:00:00+02:00'", "'{}'", "P");
    database.insert(2, "'b'", "'infinity'", "'{}'", "P");
    let communities = database.connect().communities().unwrap();
    assert_eq!(communities[0].created.unwrap().to_string(), "2023-05-04");
    assert_eq!(communities[1].created, None);
}

#[test]
fn odd_rows_fail_closed() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    let created = "'2023-05-04'";
    let rows = [
        ("NULL", "P"),
        ("'null'", "P"),
        ("'{}'", "P"),
        (r#"'{"access": {"visibility": "members"}, "custom_fields": []}'"#, "D"),
        (r#"'{"access": "public", "metadata": {"title": 7}}'"#, "X"),
        (r#"'{"access": {"visibility": "public"}}'"#, "Z"),
    ];
    for (number, (json, status)) in (1..).zip(rows) {
        database.insert(number, "NULL", created, json, status);
    }
    let communities = database.connect().communities().unwrap();
    let seen: Vec<_> =
        communities.iter().map(|community| (community.visibility, community.deletion)).collect();
    use DeletionStatus::{Deleted, Marked, Published};
    use Visibility::{Public, Restricted};
    assert_eq!(
        seen,
        [
            (Restricted, Deleted),
            (Restricted, Deleted),
            (Restricted, Published),
            (Restricted, Deleted),
            (Restricted, Marked),
            (Public, Deleted),
        ]
    );
    for community in communities {
        assert_eq!((community.slug, community.title), (None, None));
        assert_eq!((community.dashboard_enabled, community.dashboard_layout), (None, None));
    }
}

#[test]
fn the_flag_may_be_text() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    let flags = ["true", r#""true""#, "false", r#""false""#, "null", "1"];
    for (number, flag) in (1..).zip(flags) {
        let json = format!(
            r#"'{{"custom_fields": {{"stats:dashboard_enabled": {flag},
                 "stats:dashboard_layout": null}}}}'"#
        );
        database.insert(number, "NULL", "'2023-05-04'", &json, "P");
    }
    let communities = database.connect().communities().unwrap();
    let seen: Vec<_> = communities.iter().map(|community| community.dashboard_enabled).collect();
    assert_eq!(seen, [Some(true), Some(true), Some(false), Some(false), None, None]);
    assert!(communities.iter().all(|community| community.dashboard_layout.is_none()));
}

#[test]
fn slugs_are_exact() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    for (number, slug) in (1..).zip(["'m'", "'it''s'", "'größe'", "'M'"]) {
        database.insert(number, slug, "'2023-05-04'", "'{}'", "P");
    }
    let communities = database.connect().communities().unwrap();
    let slugs: Vec<_> = communities.iter().filter_map(|it| it.slug.as_deref()).collect();
    assert_eq!(slugs, ["m", "it's", "größe", "M"]);
}

#[test]
fn ids_come_sorted() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    for number in [0xffff_ffff, 3, 0xa000_0000, 1] {
        database.insert(number, "NULL", "'2023-05-04'", "'{}'", "P");
    }
    let communities = database.connect().communities().unwrap();
    let ids: Vec<_> = communities.into_iter().map(|community| community.id).collect();
    assert_eq!(ids, [uuid(1), uuid(3), uuid(0xa000_0000), uuid(0xffff_ffff)]);
}

#[test]
fn ten_thousand_communities() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    database.sql(
        "INSERT INTO communities_metadata
         SELECT '2023-05-04', now(), gen_random_uuid(), '{\"metadata\": {\"title\": \"t\"}}', 1,
                'slug-' || number, NULL, 'P'
         FROM generate_series(1, 10000) AS number",
    );
    let communities = database.connect().communities().unwrap();
    assert_eq!(communities.len(), 10_000);
    assert!(communities.iter().any(|it| it.slug.as_deref() == Some("slug-9999")));
}

#[test]
fn documents_of_one_source_and_communities_of_the_database() {
    let Some(server) = Postgres::shared() else { return };
    let database = Database::new(server, WITHOUT_TIME_ZONE);
    database.insert(1, "'a'", "'2023-05-04'", "'{}'", "P");
    let place = Place::new();
    let kind = DocumentKind::UsageDelta;
    let lines = place.file("export.ndjson", document(kind, &uuid(1), "2024-05-01", 3));
    place.import(&[&lines]);
    let archive = Arc::new(Archive::open(place.archive.path(), ArchiveOptions::default()).unwrap());
    let both = WithCommunities { first_days: archive.clone(), communities: database.connect() };
    let Source { documents, .. } = Source::from(archive.clone());

    assert_eq!(both.communities().unwrap().len(), 1);
    assert!(archive.communities().unwrap().is_empty());
    let shelves = documents.fingerprints(kind, &ShelfFilter::default()).unwrap();
    assert_eq!(shelves, archive.fingerprints(kind, &ShelfFilter::default()).unwrap());
    let shelf = shelves.keys().next().unwrap();
    let mut seen = 0;
    documents
        .documents(shelf, None, &mut |_| {
            seen += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((seen, documents.manifest(shelf).unwrap().len()), (1, 1));
    let position = documents.position(kind).unwrap();
    assert_eq!(position, archive.position(kind).unwrap());
    assert_eq!(
        documents.changed_since(kind, &position).unwrap(),
        archive.changed_since(kind, &position).unwrap()
    );
    assert_eq!(documents.bookmarks(kind, &[]).unwrap(), archive.bookmarks(kind, &[]).unwrap());
    assert_eq!(both.first_events(&[]).unwrap(), archive.first_events(&[]).unwrap());
    assert_eq!(both.first_record().unwrap(), archive.first_record().unwrap());
}
