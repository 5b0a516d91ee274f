//! The suite that every source passes, on a real node.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stats_documents::archive::CommunityEvent;
use stats_documents::contract::{CASES, GivenBookmark, GivenDocument, Harness, Writer};
use stats_documents::{Archive, ArchiveOptions, DocumentSource, Mirror, MirrorOptions, OpenSearch};
use stats_model::{Community, DeletionStatus, DocumentKind, Visibility};
use stats_testkit::proxy::{Action, Fault};

use super::support::Cluster;

struct Filled {
    cluster: Arc<Cluster>,
    source: OpenSearch,
}

impl Filled {
    fn load(&self, index: &str, id: &str, source: &Value) {
        let line = json!({"_index": index, "_id": id, "_source": source}).to_string();
        self.cluster.node.load(&self.cluster.prefix, [line]).unwrap();
    }
}

impl Harness for Filled {
    fn source(&self) -> &dyn DocumentSource {
        &self.source
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        self.cluster.put(documents);
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        self.cluster.remove(kind, ids);
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
            self.load("communities-communities-v2.0.0-1", &community.id, &source);
        }
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        for it in bookmarks {
            let source = json!({
                "date": format!("{}T00:00:00.000", it.bookmark.day),
                "aggregation_type": it.kind.bookmark_type(),
                "community_id": it.community,
            });
            self.load("stats-bookmarks-community", &it.id, &source);
        }
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        for (id, event) in events {
            let time = |day: Option<stats_model::Day>| day.map(|day| format!("{day}T13:45:52.411"));
            let source = json!({
                "record_id": "k2x9q-7h3td",
                "community_id": event.community,
                "event_type": "added",
                "event_date": time(event.day),
                "record_created_date": time(event.record_created),
            });
            self.load("stats-community-events-2025", id, &source);
            let record = json!({"id": id, "created": time(event.record_created)});
            self.load("rdmrecords-records-record-v7.0.0-1", id, &record);
        }
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        self.cluster.delete("stats-bookmarks-community", ids);
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        self.cluster.delete("communities-communities-v2.0.0-1", ids);
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.cluster.delete("stats-community-events-2025", ids);
        self.cluster.delete("rdmrecords-records-record-v7.0.0-1", ids);
    }

    fn remove_kind(&mut self, kind: DocumentKind) -> bool {
        let index = self.cluster.index(kind);
        self.cluster.node.send("DELETE", &format!("/{index}"), b"").unwrap();
        true
    }

    fn writer(&self) -> Writer<'_> {
        Box::new(|documents| self.cluster.put(documents))
    }

    fn equal_writes_are_unchanged(&self) -> bool {
        false
    }

    fn longest_id(&self) -> usize {
        512
    }
}

/// A cluster behind a mirror that asks it every time.
struct Mirrored {
    filled: Filled,
    mirror: Mirror,
    _folder: tempfile::TempDir,
}

impl Mirrored {
    fn new(cluster: Arc<Cluster>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path().join("mirror.db"), ArchiveOptions::default());
        let options = MirrorOptions { believe: Duration::ZERO, ..MirrorOptions::default() };
        let mirror = Mirror::new(Arc::new(cluster.source()), archive.unwrap(), options);
        let source = cluster.source();
        Self { filled: Filled { cluster, source }, mirror, _folder: folder }
    }
}

impl Harness for Mirrored {
    fn source(&self) -> &dyn DocumentSource {
        &self.mirror
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        self.filled.put(documents);
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        self.filled.remove(kind, ids);
    }

    fn put_communities(&mut self, communities: &[Community]) {
        self.filled.put_communities(communities);
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        self.filled.put_bookmarks(bookmarks);
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        self.filled.put_events(events);
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        self.filled.remove_bookmarks(ids);
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        self.filled.remove_communities(ids);
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.filled.remove_events(ids);
    }

    fn remove_kind(&mut self, kind: DocumentKind) -> bool {
        self.filled.remove_kind(kind)
    }

    fn writer(&self) -> Writer<'_> {
        self.filled.writer()
    }

    fn equal_writes_are_unchanged(&self) -> bool {
        false
    }

    fn longest_id(&self) -> usize {
        512
    }
}

/// Runs all cases in one cluster that is emptied after each: much cheaper than new indices.
fn check_all<H: Harness>(make: impl Fn(Arc<Cluster>) -> H) {
    check_all_but("", make);
}

/// The same without one of them.
#[allow(clippy::print_stdout, reason = "a case that fails is named where tests speak")]
fn check_all_but<H: Harness>(left_out: &str, make: impl Fn(Arc<Cluster>) -> H) {
    let Some(cluster) = Cluster::new().map(Arc::new) else { return };
    for (name, case) in CASES.iter().filter(|(name, _)| *name != left_out) {
        println!("{name}");
        cluster.proxy.clear();
        case(&mut make(Arc::clone(&cluster)));
        cluster.empty();
    }
}

fn filled(cluster: Arc<Cluster>) -> Filled {
    let source = cluster.source();
    Filled { cluster, source }
}

fn filled_with_tiny_pages(cluster: Arc<Cluster>) -> Filled {
    let source = cluster.source_with_pages(300);
    Filled { cluster, source }
}

#[test]
pub(super) fn mirror_of_opensearch() {
    check_all(Mirrored::new);
}

/// A login that may see no statistics of indices: how far they have come is only known from what
/// searches find, and may be again what it was before.
#[test]
pub(super) fn mirror_of_opensearch_without_statistics() {
    check_all(|cluster| {
        let declined = Action::Answer { status: 403, retry_after: None };
        cluster.proxy.add(Fault::on("/_stats", declined));
        Mirrored::new(cluster)
    });
}

/// No right to open a point in time.
#[test]
pub(super) fn opensearch_without_points_in_time() {
    check_all(|cluster| {
        let declined = Action::Answer { status: 403, retry_after: None };
        cluster.proxy.add(Fault::on("keep_alive", declined));
        filled_with_tiny_pages(cluster)
    });
}

/// A gateway that writes every answer anew, with white space, in the order of names.
#[test]
pub(super) fn opensearch_behind_a_gateway_that_writes_anew() {
    // Its documents are the same JSON, in other bytes.
    check_all_but("bytes_come_back_as_they_were", |cluster| {
        cluster.proxy.add(Fault::on("", Action::Rewrite(Arc::new(rewritten))));
        Mirrored::new(cluster)
    });
}

/// The same JSON as another program writes it: sorted, with spaces and escapes; but for documents.
fn rewritten(body: Vec<u8>) -> Vec<u8> {
    fn write(value: &Value, text: &mut String) {
        match value {
            Value::Object(members) => {
                let members_are_none = members.is_empty();
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                for (number, (name, value)) in members.into_iter().enumerate() {
                    text.push_str(if number == 0 { "{ " } else { ", " });
                    write(&Value::from(name.as_str()), text);
                    text.push_str(": ");
                    match name.as_str() {
                        // Cases compare documents byte for byte.
                        "_source" => text.push_str(&value.to_string()),
                        _ => write(value, text),
                    }
                }
                text.push_str(if members_are_none { "{ }" } else { " }" });
            }
            Value::Array(items) => {
                text.push('[');
                for (number, item) in items.iter().enumerate() {
                    text.push_str(if number == 0 { "\n" } else { ",\n" });
                    write(item, text);
                }
                text.push(']');
            }
            Value::String(content) => {
                text.push('"');
                for unit in content.encode_utf16() {
                    match char::from_u32(u32::from(unit)).filter(|it| it.is_ascii_alphanumeric()) {
                        Some(plain) if plain != 'd' => text.push(plain),
                        _ => text.push_str(&format!("\\u{unit:04x}")),
                    }
                }
                text.push('"');
            }
            other => text.push_str(&other.to_string()),
        }
    }
    let Ok(value) = serde_json::from_slice::<Value>(&body) else { return body };
    let mut text = String::new();
    write(&value, &mut text);
    text.into_bytes()
}

#[test]
pub(super) fn opensearch() {
    check_all(filled);
}

#[test]
pub(super) fn opensearch_with_tiny_pages() {
    check_all(filled_with_tiny_pages);
}
