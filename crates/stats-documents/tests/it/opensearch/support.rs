//! A cluster with an index prefix of its own, and a proxy to look at and to break.

use std::cell::Cell;
use std::ops::{ControlFlow, Deref};
use std::sync::Mutex;
use std::time::Duration;

use stats_documents::contract::{GivenDocument, given};
use stats_documents::{Documents, OpenSearch, OpenSearchSettings, SourceError};
use stats_model::{DocumentKind, Shelf};
use stats_testkit::proxy::HttpProxy;
use stats_testkit::services::{self, Release};

pub(super) const KIND: DocumentKind = DocumentKind::UsageDelta;

thread_local! {
    static RELEASE: Cell<Release> = const { Cell::new(Release::V2) };
}

/// Runs a test whose clusters are on a node of this release line; usually they are on 2.x.
pub(super) fn on(release: Release, test: fn()) {
    RELEASE.set(release);
    test();
    RELEASE.set(Release::V2);
}

/// Everything below one prefix of the shared node.
pub(super) struct Cluster {
    pub(super) node: &'static services::OpenSearch,
    pub(super) prefix: String,
    pub(super) proxy: HttpProxy,
}

impl Cluster {
    /// A cluster without any index; `None` where no node can be started.
    pub(super) fn bare() -> Option<Self> {
        Self::bare_on(RELEASE.get())
    }

    fn bare_on(release: Release) -> Option<Self> {
        let node = services::OpenSearch::shared_release(release)?;
        let proxy = HttpProxy::in_front_of(node.address()).start().unwrap();
        Some(Self { node, prefix: node.prefix().unwrap(), proxy })
    }

    /// A cluster with an empty index for every kind.
    pub(super) fn new() -> Option<Self> {
        Self::new_on(RELEASE.get())
    }

    fn new_on(release: Release) -> Option<Self> {
        let cluster = Self::bare_on(release)?;
        for index in Self::indices() {
            cluster.create(&index);
        }
        Some(cluster)
    }

    /// What [`new`](Self::new) makes, without the prefix.
    fn indices() -> Vec<String> {
        let mut indices = DocumentKind::ALL.map(|kind| format!("{}-2025", kind.alias())).to_vec();
        indices.push("communities-communities-v2.0.0-1".to_owned());
        indices
    }

    pub(super) fn create(&self, name: &str) {
        self.node.send("PUT", &format!("/{}{name}", self.prefix), b"").unwrap();
    }

    /// As after [`new`](Self::new): removes all documents, and indices made since.
    fn empty(&self) {
        self.proxy.clear();
        let kept = Self::indices();
        let listed = format!("/_cat/indices/{}*?format=json&h=index", self.prefix);
        for listed in self.node.get(&listed).unwrap().as_array().unwrap() {
            let index = listed["index"].as_str().unwrap();
            if !kept.iter().any(|kept| *kept == index[self.prefix.len()..]) {
                self.node.send("DELETE", &format!("/{index}"), b"").unwrap();
            }
        }
        self.node.refresh(&self.prefix).unwrap();
        let path = format!("/{}*/_delete_by_query?refresh=true", self.prefix);
        let gone = self.node.send("POST", &path, br#"{"query":{"match_all":{}}}"#).unwrap();
        assert_eq!(gone["failures"], serde_json::json!([]), "{gone}");
        for index in kept {
            // Those that a case took away.
            drop(self.node.send("PUT", &format!("/{}{index}", self.prefix), b""));
        }
    }

    /// Settings that make failures quick.
    pub(super) fn settings(&self) -> OpenSearchSettings {
        OpenSearchSettings {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(5),
            probe_interval: Duration::from_millis(300),
            ..OpenSearchSettings::new([self.proxy.url()], &self.prefix)
        }
    }

    pub(super) fn source(&self) -> OpenSearch {
        OpenSearch::new(self.settings()).unwrap()
    }

    /// A source that reads about this many bytes of documents in a page.
    pub(super) fn source_with_pages(&self, bytes: usize) -> OpenSearch {
        OpenSearch::new(OpenSearchSettings { page_bytes: bytes, ..self.settings() }).unwrap()
    }

    /// The index a document is written to.
    pub(super) fn index(&self, kind: DocumentKind) -> String {
        format!("{}{}-2025", self.prefix, kind.alias())
    }

    pub(super) fn put(&self, documents: &[GivenDocument]) {
        self.write(documents);
        self.node.refresh(&self.prefix).unwrap();
    }

    /// Writes without making it visible.
    pub(super) fn write(&self, documents: &[GivenDocument]) {
        let mut lines = Vec::new();
        for document in documents {
            let index = self.index(document.kind);
            let action = serde_json::json!({"index": {"_index": index, "_id": document.id}});
            lines.extend_from_slice(action.to_string().as_bytes());
            lines.push(b'\n');
            lines.extend_from_slice(document.source.as_bytes());
            lines.push(b'\n');
        }
        if !lines.is_empty() {
            self.node.bulk(&lines).unwrap();
        }
    }

    pub(super) fn remove(&self, kind: DocumentKind, ids: &[&str]) {
        self.delete(&format!("{}-2025", kind.alias()), ids);
    }

    /// Deletes documents of an index, which is named without the prefix.
    pub(super) fn delete(&self, index: &str, ids: &[&str]) {
        let mut lines = Vec::new();
        for id in ids {
            let index = format!("{}{index}", self.prefix);
            let action = serde_json::json!({"delete": {"_index": index, "_id": id}});
            lines.extend_from_slice(action.to_string().as_bytes());
            lines.push(b'\n');
        }
        self.node.bulk(&lines).unwrap();
        self.node.refresh(&self.prefix).unwrap();
    }

    /// A year of community `a`, day by day, written in another order.
    pub(super) fn put_year(&self, days: u32) -> Vec<GivenDocument> {
        let mut documents = year(days);
        self.put(&documents.iter().rev().cloned().collect::<Vec<_>>());
        documents.sort_by(|one, other| one.id.cmp(&other.id));
        documents
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The node is thrown away later; this only keeps it quick until then.
        drop(self.node.send("DELETE", &format!("/{}*", self.prefix), b""));
    }
}

/// Clusters that nobody uses, with empty indices.
static UNUSED: Mutex<Vec<(Release, Cluster)>> = Mutex::new(Vec::new());

/// A cluster as after [`Cluster::new`], which another test gets afterwards, emptied: much cheaper
/// than new indices.
pub(super) struct Lent(Release, Option<Cluster>);

impl Lent {
    /// On a node of this release line; `None` where none can be started.
    pub(super) fn on(release: Release) -> Option<Self> {
        let unused = {
            let mut unused = UNUSED.lock().unwrap();
            let one = unused.iter().position(|(of, _)| *of == release);
            one.map(|one| unused.swap_remove(one).1)
        };
        Some(Self(release, Some(unused.or_else(|| Cluster::new_on(release))?)))
    }
}

impl Deref for Lent {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.1.as_ref().unwrap()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // What a failed test leaves behind is for nobody.
        let cluster = self.1.take().filter(|_| !std::thread::panicking());
        if let Some(cluster) = cluster {
            cluster.empty();
            UNUSED.lock().unwrap().push((self.0, cluster));
        }
    }
}

/// Documents of community `a`, one for each of the first days of 2025.
pub(super) fn year(days: u32) -> Vec<GivenDocument> {
    let day = |n: u32| format!("2025-{:02}-{:02}", 1 + n / 28, 1 + n % 28);
    (0..days).map(|n| given(KIND, &format!("a-{}", day(n)), "a", &day(n), n)).collect()
}

pub(super) fn shelf(community: &str) -> Shelf {
    Shelf { kind: KIND, community: community.to_owned(), year: 2025 }
}

/// Ids and sources of a shelf.
pub(super) fn read(
    source: &dyn Documents,
    shelf: &Shelf,
    only: Option<&[String]>,
) -> Result<Vec<(String, String)>, SourceError> {
    let mut documents = Vec::new();
    source.documents(shelf, only, &mut |document| {
        let text = String::from_utf8(document.source.to_vec()).unwrap();
        documents.push((document.id.to_owned(), text));
        ControlFlow::Continue(())
    })?;
    Ok(documents)
}

pub(super) fn pairs(documents: &[GivenDocument]) -> Vec<(String, String)> {
    documents.iter().map(|it| (it.id.clone(), it.source.clone())).collect()
}

/// The whole chain of an error.
pub(super) fn chain(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
