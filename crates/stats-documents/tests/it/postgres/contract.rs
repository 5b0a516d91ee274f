//! The suite of communities, on a real database.

use std::sync::Arc;

use serde_json::json;
use stats_documents::archive::CommunityEvent;
use stats_documents::contract::DirectoryHarness;
use stats_documents::postgres::WithCommunities;
use stats_documents::{Archive, ArchiveOptions, Directory};
use stats_model::{Community, DeletionStatus, Visibility};
use stats_testkit::services::Postgres;

use super::{Database, WITHOUT_TIME_ZONE, with_time_zone};
use crate::support::Place;

mod without_time_zone {
    stats_documents::directory_contract! {
        start: || super::Filled::start(super::WITHOUT_TIME_ZONE)
    }
}

mod with_time_zone {
    stats_documents::directory_contract! {
        start: || super::Filled::start(&super::with_time_zone())
    }
}

/// Communities in a database, and first days in an archive.
struct Filled {
    database: Database<'static>,
    first_days: Place,
    directory: WithCommunities,
}

impl Filled {
    fn start(table: &str) -> Option<Self> {
        let database = Database::new(Postgres::shared()?, table);
        let place = Place::new();
        let archive = Archive::open(place.archive.path(), ArchiveOptions::default()).unwrap();
        let (first_days, communities) = (Arc::new(archive), database.connect());
        let directory = WithCommunities { first_days, communities };
        Some(Self { database, first_days: place, directory })
    }
}

impl DirectoryHarness for Filled {
    fn directory(&self) -> &dyn Directory {
        &self.directory
    }

    fn put_communities(&mut self, communities: &[Community]) {
        for community in communities {
            // Without a day the column, which is never empty, says that none is known.
            let created = community.created.map(|day| format!("{day} 09:08:07.123456"));
            let created = created.as_deref().unwrap_or("infinity");
            self.database.sql(&format!(
                "INSERT INTO communities_metadata VALUES
                 ({}, now(), {}, {}, 1, {}, NULL, '{}')
                 ON CONFLICT (id) DO UPDATE SET created = excluded.created, json = excluded.json,
                 slug = excluded.slug, deletion_status = excluded.deletion_status",
                literal(Some(created)),
                literal(Some(&community.id)),
                literal(Some(&document(community))),
                literal(community.slug.as_deref()),
                status(community.deletion),
            ));
        }
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        for id in ids {
            let id = literal(Some(id));
            self.database.sql(&format!("DELETE FROM communities_metadata WHERE id = {id}"));
        }
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        self.first_days.put_events(events);
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.first_days.remove_events(ids);
    }
}

/// What InvenioRDM keeps of a community in `json`.
fn document(community: &Community) -> String {
    let visibility = match community.visibility {
        Visibility::Public => "public",
        Visibility::Restricted => "restricted",
    };
    let mut custom = json!({});
    if let Some(enabled) = community.dashboard_enabled {
        custom["stats:dashboard_enabled"] = json!(enabled);
    }
    if let Some(layout) = &community.dashboard_layout {
        custom["stats:dashboard_layout"] = layout.clone();
    }
    json!({
        "access": {"visibility": visibility},
        "metadata": {"title": community.title},
        "custom_fields": custom,
    })
    .to_string()
}

fn status(deletion: DeletionStatus) -> &'static str {
    match deletion {
        DeletionStatus::Published => "P",
        DeletionStatus::Deleted => "D",
        DeletionStatus::Marked => "X",
    }
}

fn literal(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}
