//! An OpenSearch node, made from the server's Java libraries.

mod install;
mod jdk;
mod release;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use serde_json::{Value, json};

pub(super) use install::missing;
pub use release::Release;

use super::process::{Process, folder, free_port, with_retries};
use super::{shared, unique_name};
use crate::http;

/// The most bytes that [`OpenSearch::load`] sends in one `_bulk` request, unless a single
/// document is larger.
pub const BULK_BYTES: usize = 4_000_000;

macro_rules! template {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../../fixtures/opensearch/", $name, ".json")))
    };
}

/// The index templates of the source system (source-documents specification, sections 1 and 3),
/// with `{prefix}` where the instance's prefix goes.
const TEMPLATES: [(&str, &str); 8] = [
    template!("stats-community-records-delta-added"),
    template!("stats-community-records-snapshot-added"),
    template!("stats-community-usage-delta"),
    template!("stats-community-usage-snapshot"),
    template!("stats-community-events"),
    template!("stats-bookmarks-community"),
    template!("communities"),
    template!("rdmrecords-records"),
];

/// An OpenSearch node: plain HTTP, no login.
#[derive(Debug)]
pub struct OpenSearch {
    url: String,
    process: Option<Process>,
}

impl OpenSearch {
    /// A node of one's own, of the line 2.x. The first start on a machine fetches the libraries.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_release(Release::V2)
    }

    /// The same, of any line.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_release(release: Release) -> anyhow::Result<Self> {
        Self::start_with(release, |java| Command::new(java))
    }

    /// A node of the line 2.x, kept on one processor core (with `taskset`).
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_on(core: usize) -> anyhow::Result<Self> {
        Self::start_with(Release::V2, |java| {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string()]).arg(java);
            command
        })
    }

    fn start_with(release: Release, run: impl Fn(&Path) -> Command) -> anyhow::Result<Self> {
        let home = install::install(release)?;
        let java = release.program("java").map_err(|name| anyhow!("{name} not found"))?;
        let name = release.service().name();
        with_retries(|| {
            let folder = folder(name)?;
            fs::create_dir_all(folder.join("data"))?;
            fs::create_dir_all(folder.join("logs"))?;
            let (port, transport) = (free_port()?, free_port()?);
            let class_path = format!("{0}/classes:{0}/lib/*", home.display());
            let mut command = run(&java);
            command.args(["-Xms512m", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
            command.args(release.options());
            command.args(["-Dlog4j2.disable.jmx=true", "-cp", &class_path, "Node"]);
            command.arg(&folder).args([port.to_string(), transport.to_string()]);
            let mut process = Process::start(name, &folder, "TERM", &command)?;
            let mut node = Self { url: format!("http://127.0.0.1:{port}"), process: None };
            process.wait_until(Duration::from_secs(90), || {
                node.get("/_cluster/health?wait_for_status=yellow&timeout=1s").is_ok()
            })?;
            node.process = Some(process);
            Ok(node)
        })
    }

    /// Fetches the libraries and compiles the launcher, unless that was done before.
    ///
    /// # Errors
    /// When Maven or the compiler fails.
    pub fn install(release: Release) -> anyhow::Result<()> {
        install::install(release).map(drop)
    }

    /// The node of this test process, of the line 2.x, if Java and Maven are installed.
    ///
    /// # Panics
    /// When it does not start, or is missing with `CI=true`.
    pub fn shared() -> Option<&'static Self> {
        Self::shared_release(Release::V2)
    }

    /// The same, of any line.
    ///
    /// # Panics
    /// When it does not start, or is missing with `CI=true`.
    pub fn shared_release(release: Release) -> Option<&'static Self> {
        static V2: OnceLock<Option<OpenSearch>> = OnceLock::new();
        static V3: OnceLock<Option<OpenSearch>> = OnceLock::new();
        let server = match release {
            Release::V2 => &V2,
            Release::V3 => &V3,
        };
        let attach = |url: &str| Self { url: url.to_owned(), process: None };
        shared(release.service(), server, attach, || Self::start_release(release))
    }

    /// `http://host:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The number of its process.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn pid(&self) -> anyhow::Result<u64> {
        let answer = self.get("/_nodes/_local/process")?;
        let mut nodes = answer["nodes"].as_object().context("no nodes")?.values();
        let process = nodes.next().and_then(|node| node["process"]["id"].as_u64());
        process.context("no process")
    }

    /// An index prefix that no other test uses, with the index templates for it in place.
    ///
    /// # Errors
    /// When a template is refused.
    pub fn prefix(&self) -> anyhow::Result<String> {
        let prefix = format!("{}-", unique_name());
        for (name, template) in TEMPLATES {
            let path = format!("/_index_template/{prefix}{name}-v1.0.0");
            self.send("PUT", &path, template.replace("{prefix}", &prefix).as_bytes())?;
        }
        Ok(prefix)
    }

    /// Indexes export lines `{"_index","_id","_source"}` below `prefix` and makes them visible.
    /// Gives the number of lines.
    ///
    /// # Errors
    /// When a line is not an export line, or the first document that is refused.
    pub fn load<L: AsRef<str>>(
        &self,
        prefix: &str,
        lines: impl IntoIterator<Item = L>,
    ) -> anyhow::Result<usize> {
        let (mut count, mut bulk) = (0, Vec::new());
        for line in lines {
            let line: ExportLine<'_> = serde_json::from_str(line.as_ref())?;
            let index = format!("{prefix}{}", line.index);
            let action = json!({"index": {"_index": index, "_id": line.id}}).to_string();
            let source = line.source.get();
            if !bulk.is_empty() && bulk.len() + action.len() + source.len() + 2 > BULK_BYTES {
                self.bulk(&bulk)?;
                bulk.clear();
            }
            for part in [action.as_str(), source] {
                bulk.extend_from_slice(part.as_bytes());
                bulk.push(b'\n');
            }
            count += 1;
        }
        if !bulk.is_empty() {
            self.bulk(&bulk)?;
        }
        self.refresh(prefix)?;
        Ok(count)
    }

    /// Makes every write below `prefix` visible to searches.
    ///
    /// # Errors
    /// When the request fails.
    pub fn refresh(&self, prefix: &str) -> anyhow::Result<()> {
        self.send("POST", &format!("/{prefix}*/_refresh"), b"").map(drop)
    }

    /// Sends one `_bulk` request as it is.
    ///
    /// # Errors
    /// With the first item that failed.
    pub fn bulk(&self, lines: &[u8]) -> anyhow::Result<()> {
        let answer = self.send("POST", "/_bulk", lines)?;
        let items = answer["items"].as_array().context("no items")?;
        let failed = items.iter().find(|item| {
            item.as_object().is_some_and(|item| item.values().any(|v| !v["error"].is_null()))
        });
        ensure!(
            failed.is_none(),
            "refused: {:.1000}",
            failed.map(Value::to_string).unwrap_or_default()
        );
        Ok(())
    }

    /// `GET` on a path, as JSON.
    ///
    /// # Errors
    /// When the request fails or the status is not 2xx.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send("GET", path, b"")
    }

    /// Any request on a path, as JSON.
    ///
    /// # Errors
    /// When the request fails or the status is not 2xx.
    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<Value> {
        let answer = http::send(method, &format!("{}{path}", self.url), body)?;
        answer.json().with_context(|| format!("{method} {path}"))
    }

    /// Stops the node now; a no-op for a node we did not start.
    pub fn stop(&mut self) {
        self.process = None;
    }
}

#[derive(serde::Deserialize)]
struct ExportLine<'a> {
    #[serde(rename = "_index")]
    index: std::borrow::Cow<'a, str>,
    #[serde(rename = "_id")]
    id: std::borrow::Cow<'a, str>,
    #[serde(rename = "_source", borrow)]
    source: &'a serde_json::value::RawValue,
}
