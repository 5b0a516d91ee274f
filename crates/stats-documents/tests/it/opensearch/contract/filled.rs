//! A cluster with what cases put into it.

use std::sync::Arc;

use serde_json::{Value, json};
use stats_documents::archive::CommunityEvent;
use stats_documents::contract::{
    DirectoryHarness, FeedHarness, GivenBookmark, GivenDocument, Writer,
};
use stats_documents::{Directory, Feed, OpenSearch};
use stats_model::{Community, Day, DeletionStatus, DocumentKind, Visibility};

use crate::opensearch::support::Lent;

const COMMUNITIES: &str = "communities-communities-v2.0.0-1";
const BOOKMARKS: &str = "stats-bookmarks-community";
const EVENTS: &str = "stats-community-events-2025";
const RECORDS: &str = "rdmrecords-records-record-v7.0.0-1";

pub(super) struct Filled {
    pub(super) source: Arc<OpenSearch>,
    cluster: Lent,
}

impl Filled {
    pub(super) fn new(cluster: Lent, source: OpenSearch) -> Self {
        Self { source: Arc::new(source), cluster }
    }

    fn load(&self, index: &str, id: &str, source: &Value) {
        let line = json!({"_index": index, "_id": id, "_source": source}).to_string();
        self.cluster.node.load(&self.cluster.prefix, [line]).unwrap();
    }
}

impl FeedHarness for Filled {
    fn feed(&self) -> &dyn Feed {
        &*self.source
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        self.cluster.put(documents);
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        self.cluster.remove(kind, ids);
    }

    fn remove_kind(&mut self, kind: DocumentKind) {
        let index = self.cluster.index(kind);
        self.cluster.node.send("DELETE", &format!("/{index}"), b"").unwrap();
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        for it in bookmarks {
            let source = json!({
                "date": format!("{}T00:00:00.000", it.bookmark.day),
                "aggregation_type": it.kind.bookmark_type(),
                "community_id": it.community,
            });
            self.load(BOOKMARKS, &it.id, &source);
        }
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        self.cluster.delete(BOOKMARKS, ids);
    }

    fn writer(&self) -> Writer<'_> {
        Box::new(|documents| self.cluster.put(documents))
    }
}

impl DirectoryHarness for Filled {
    fn directory(&self) -> &dyn Directory {
        &*self.source
    }

    fn put_communities(&mut self, communities: &[Community]) {
        for community in communities {
            let mut custom = json!({});
            if let Some(enabled) = community.dashboard_enabled {
                custom["stats:dashboard_enabled"] = json!(enabled);
            }
            if let Some(layout) = &community.dashboard_layout {
                custom["stats:dashboard_layout"] = layout.clone();
            }
            let created = community.created.map(|day| format!("{day}T09:08:07.123456+00:00"));
            let visibility = match community.visibility {
                Visibility::Public => "public",
                Visibility::Restricted => "restricted",
            };
            let status = match community.deletion {
                DeletionStatus::Published => "P",
                DeletionStatus::Deleted => "D",
                DeletionStatus::Marked => "X",
            };
            let source = json!({
                "id": community.id,
                "uuid": community.id,
                "slug": community.slug,
                "created": created,
                "access": {"visibility": visibility},
                "metadata": {"title": community.title},
                "deletion_status": status,
                "is_deleted": community.deletion != DeletionStatus::Published,
                "custom_fields": custom,
            });
            self.load(COMMUNITIES, &community.id, &source);
        }
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        self.cluster.delete(COMMUNITIES, ids);
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        for (id, event) in events {
            let time = |day: Option<Day>| day.map(|day| format!("{day}T13:45:52.411"));
            let source = json!({
                "record_id": "k2x9q-7h3td",
                "community_id": event.community,
                "event_type": "added",
                "event_date": time(event.day),
                "record_created_date": time(event.record_created),
            });
            self.load(EVENTS, id, &source);
            let record = json!({"id": id, "created": time(event.record_created)});
            self.load(RECORDS, id, &record);
        }
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.cluster.delete(EVENTS, ids);
        self.cluster.delete(RECORDS, ids);
    }
}
