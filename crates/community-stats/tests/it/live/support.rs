//! An installation of the test's own: indices below a prefix of the shared node, databases of the
//! shared Redis, a data folder, and a proxy to look at and to break.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use stats_testkit::http;
use stats_testkit::proxy::{Action, Fault, HttpProxy, Request};
use stats_testkit::services::{OpenSearch, Redis, unique_name};

use super::corpus::{DOCUMENTS, Line, SURROUNDINGS, index};
use super::shared::Store;
use crate::cli::support::{Outcome, Scene};

/// So long that no entry made on [`NOW`](crate::cli::support::NOW) has ended by the server's clock.
pub(super) const TTL_DAYS: i64 = 10_000;

/// The indices below one prefix.
pub(super) struct Cluster {
    pub(super) url: String,
    pub(super) prefix: String,
    pub(super) proxy: HttpProxy,
}

impl Cluster {
    /// These lines, indexed in `node`.
    pub(super) fn of<'a>(node: &OpenSearch, lines: impl IntoIterator<Item = &'a Line>) -> Self {
        Self::below(node, node.prefix().unwrap(), lines)
    }

    /// The same below a prefix that has its templates already.
    pub(super) fn below<'a>(
        node: &OpenSearch,
        prefix: String,
        lines: impl IntoIterator<Item = &'a Line>,
    ) -> Self {
        node.load(&prefix, lines.into_iter().map(|line| &line.text)).unwrap();
        let proxy = HttpProxy::in_front_of(node.address()).start().unwrap();
        Self { url: node.url().to_owned(), prefix, proxy }
    }

    /// Asks the node itself, not through the proxy.
    pub(super) fn send(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = http::send(method, &format!("{}{path}", self.url), body.as_bytes());
        answer.unwrap().json().unwrap()
    }

    /// Writes and removes documents (those without a source), and makes everything visible.
    pub(super) fn write(&self, changes: &[Change]) {
        if !changes.is_empty() {
            self.write_unseen(changes);
        }
        self.send("POST", &format!("/{}*/_refresh", self.prefix), "");
    }

    /// The same without making it visible: searches see it some seconds later, unless
    /// [`show_nothing_by_itself`](Self::show_nothing_by_itself) was said.
    pub(super) fn write_unseen(&self, changes: &[Change]) {
        let mut bulk = String::new();
        for change in changes {
            let place =
                json!({"_index": format!("{}{}", self.prefix, change.index), "_id": change.id});
            match &change.source {
                Some(source) => bulk += &format!("{}\n{source}\n", json!({ "index": place })),
                None => bulk += &format!("{}\n", json!({ "delete": place })),
            }
        }
        let answer = self.send("POST", "/_bulk", &bulk);
        assert_eq!(answer["errors"], false, "{answer}");
    }

    /// From now on only [`write`](Self::write) makes anything visible.
    pub(super) fn show_nothing_by_itself(&self) {
        let settings = json!({"index": {"refresh_interval": "-1"}}).to_string();
        self.send("PUT", &format!("/{}*/_settings", self.prefix), &settings);
    }

    /// Makes what was written to one index visible.
    pub(super) fn refresh(&self, index: &str) {
        self.send("POST", &format!("/{}{index}/_refresh", self.prefix), "");
    }

    /// Deletes the index of a category.
    pub(super) fn delete_index(&self, category: &str) {
        self.send("DELETE", &format!("/{}{}", self.prefix, index(category)), "");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The node is thrown away later; this only keeps it quick until then.
        drop(http::send("DELETE", &format!("{}/{}*", self.url, self.prefix), b""));
    }
}

/// A document to write, or without a source to remove.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) index: String,
    pub(super) id: String,
    pub(super) source: Option<String>,
}

impl Change {
    /// The line as it is.
    pub(super) fn put(line: &Line) -> Self {
        let Line { index, id, source, .. } = line.clone();
        Self { index, id, source: Some(source) }
    }

    /// The line with other numbers in it.
    pub(super) fn altered(line: &Line) -> Self {
        let mut source = line.source.clone();
        for name in
            ["total_events", "unique_visitors", "unique_records", "unique_parents", "with_files"]
        {
            source = source.replace(&format!("\"{name}\":"), &format!("\"{name}\":1"));
        }
        assert_ne!(source, line.source);
        Self { source: Some(source), ..Self::put(line) }
    }

    /// The line taken away.
    pub(super) fn removed(line: &Line) -> Self {
        Self { source: None, ..Self::put(line) }
    }
}

/// An installation: a cluster, a store, a data folder, and the settings that lead to them.
pub(super) struct Live {
    pub(super) scene: Scene,
    pub(super) cluster: Arc<Cluster>,
    pub(super) store: Store,
    variables: BTreeMap<String, String>,
}

impl Live {
    /// The whole of `tiny-7`; `None` where the servers cannot be started.
    pub(super) fn new() -> Option<Self> {
        Self::of(SURROUNDINGS.iter().chain(DOCUMENTS.iter()))
    }

    /// Communities, bookmarks and events of `tiny-7`, and the documents of one category.
    pub(super) fn small(category: &str) -> Option<Self> {
        let index = index(category);
        Self::of(SURROUNDINGS.iter().chain(DOCUMENTS.iter().filter(|line| line.index == index)))
    }

    /// These lines of an export.
    pub(super) fn of<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Option<Self> {
        let (node, redis) = (OpenSearch::shared()?, Redis::shared()?);
        let cluster = Arc::new(Cluster::of(node, lines));
        Some(Self::over(cluster, redis))
    }

    /// A new folder and new databases for a cluster.
    pub(super) fn over(cluster: Arc<Cluster>, redis: &Redis) -> Self {
        let store = Store {
            responses: redis.database(),
            main: redis.database(),
            prefix: format!("stats_{}", unique_name()),
        };
        let (scene, variables) = (Scene::new(), BTreeMap::new());
        let (url, below) = (cluster.proxy.url().to_owned(), cluster.prefix.clone());
        Self { scene, cluster, store, variables }
            .set("SOURCE_HOSTS", url)
            .set("SOURCE_INDEX_PREFIX", below)
            .set("CACHE_TTL_DAYS", TTL_DAYS.to_string())
            .into_the_store()
    }

    /// Another installation on the same cluster that has nothing yet.
    pub(super) fn anew(&self) -> Self {
        let fresh = Self::over(Arc::clone(&self.cluster), Redis::shared().unwrap());
        let mut variables = self.variables.clone();
        variables.extend(fresh.variables);
        Self { variables, ..fresh }
    }

    /// With another store.
    pub(super) fn with_store(mut self, store: Store) -> Self {
        self.store = store;
        self.into_the_store()
    }

    fn into_the_store(self) -> Self {
        let Store { responses, main, prefix } = self.store.clone();
        self.set("CACHE_REDIS_URL", &responses)
            .set("CACHE_MAIN_REDIS_URL", &main)
            .set("CACHE_PREFIX", &prefix)
    }

    /// Sets `COMMUNITY_STATS_<name>`.
    pub(super) fn set(self, name: &str, value: impl AsRef<str>) -> Self {
        self.variable(&format!("COMMUNITY_STATS_{name}"), value)
    }

    /// Sets any variable of the environment.
    pub(super) fn variable(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.variables.insert(name.to_owned(), value.as_ref().to_owned());
        self
    }

    /// Leaves `COMMUNITY_STATS_<name>` at its default.
    pub(super) fn unset(mut self, name: &str) -> Self {
        self.variables.remove(&format!("COMMUNITY_STATS_{name}"));
        self
    }

    /// Forgets all variables.
    pub(super) fn without_variables(mut self) -> Self {
        self.variables.clear();
        self
    }

    /// Takes another instant as now.
    pub(super) fn at(mut self, now: &str) -> Self {
        self.scene = self.scene.at(now);
        self
    }

    /// A command, not run yet.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scene.command(arguments);
        command.envs(&self.variables);
        command
    }

    /// Runs a command.
    pub(super) fn run(&self, arguments: &[&str]) -> Outcome {
        self.scene.finished(&self.command(arguments).output().unwrap())
    }

    /// Runs `cache generate` with one worker, so that requests come in a known order; its report.
    pub(super) fn generate(&self, arguments: &[&str], code: i32) -> Value {
        let basic = ["cache", "generate", "--workers", "1", "--json"];
        self.run(&[&basic, arguments].concat()).expect(code).json()
    }

    /// Deletes the mirror.
    pub(super) fn forget_documents(&self) {
        for ending in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(self.scene.data(&format!("mirror.db{ending}"))));
        }
    }

    /// Forgets faults and requests, and writes down what comes through the proxy from now on.
    pub(super) fn watch(&self) -> Journal<'_> {
        self.cluster.proxy.clear();
        self.watch_beside_faults()
    }

    /// The same, and the faults so far stay.
    pub(super) fn watch_beside_faults(&self) -> Journal<'_> {
        let journal = Journal { proxy: &self.cluster.proxy, ids: Arc::default() };
        let ids = Arc::clone(&journal.ids);
        let look = move |body: Vec<u8>| {
            let answer: Value = serde_json::from_slice(&body).unwrap();
            let hits = answer["hits"]["hits"].as_array().unwrap();
            let id = |hit: &Value| hit["_id"].as_str().unwrap().to_owned();
            ids.lock().unwrap().extend(hits.iter().map(id));
            body
        };
        self.cluster.proxy.add(Fault::when(is_page, Action::Rewrite(Arc::new(look))));
        journal
    }

    /// Does something when the page of documents with this number (from 0) is asked for.
    pub(super) fn before_page(&self, number: usize, act: impl Fn() + Send + Sync + 'static) {
        let act = Action::Before(Arc::new(act));
        self.cluster.proxy.add(Fault::when(is_page, act).after(number).times(1));
    }
}

/// Whether a request asks for documents of a shelf.
pub(super) fn is_page(request: &Request) -> bool {
    reads_a_shelf(request) && !contains(&request.body, "\"_source\":")
}

/// Whether a request asks for documents of a shelf, and for others were asked before.
pub(super) fn is_later_page(request: &Request) -> bool {
    is_page(request) && contains(&request.body, "\"search_after\"")
}

/// Whether a request asks which documents a shelf holds.
pub(super) fn is_manifest(request: &Request) -> bool {
    reads_a_shelf(request) && contains(&request.body, "\"_source\":")
}

/// Whether a request wants sequence numbers summed up, which not every engine does.
pub(super) fn sums_up_numbers(request: &Request) -> bool {
    contains(&request.body, "\"field\":\"_seq_no\"")
}

fn reads_a_shelf(request: &Request) -> bool {
    request.target.contains("/_search?") && contains(&request.body, "seq_no_primary_term")
}

fn contains(body: &[u8], part: &str) -> bool {
    String::from_utf8_lossy(body).contains(part)
}

/// What came through the proxy.
pub(super) struct Journal<'a> {
    proxy: &'a HttpProxy,
    ids: Arc<Mutex<Vec<String>>>,
}

impl Journal<'_> {
    /// The ids of the documents that travelled, sorted.
    pub(super) fn documents(&self) -> Vec<String> {
        let mut ids = self.ids.lock().unwrap().clone();
        ids.sort();
        ids
    }

    /// How many pages of documents were asked for.
    pub(super) fn pages(&self) -> usize {
        self.proxy.requests().iter().filter(|request| is_page(request)).count()
    }

    /// How many lists of documents were asked for.
    pub(super) fn manifests(&self) -> usize {
        self.proxy.requests().iter().filter(|request| is_manifest(request)).count()
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> usize {
        self.proxy.requests().len()
    }
}

/// Category and error of every response that could not be made, in the order of the report.
pub(super) fn errors(report: &Value) -> Vec<(String, String)> {
    let word = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let cell = |error: &Value| {
        let category = word(error, "category");
        format!("{}/{}/{category}", word(error, "community_id"), error["year"])
    };
    let errors = report["errors"].as_array().unwrap();
    errors.iter().map(|error| (cell(error), word(error, "error"))).collect()
}
