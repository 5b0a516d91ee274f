//! Who a node says it is, and what time it is there.

use jiff::Timestamp;
use serde_json::Value;

use super::node::{Answer, NoAnswer, Node};

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Banner {
    /// Its version, and the cluster it belongs to.
    Version {
        /// `2.19.1`.
        number: String,
        /// `opensearch`; where none is told it is `elasticsearch`.
        distribution: String,
        /// The name of the cluster; may be empty.
        cluster: String,
    },
    /// It answers, and may not say who it is (`cluster:monitor/main`).
    Forbidden,
    /// It wants a login, or another one.
    LoginRefused,
    /// Whatever stands before it says, with this status, that it is away.
    Away(u16),
    /// It answers with a status that no cluster has here.
    Unexpected(u16),
    /// It answers, but not as a cluster does.
    NoCluster,
}

impl Node {
    /// Asks who it is.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn banner(&self) -> Result<Banner, NoAnswer> {
        self.get("/").map(|answer| banner(&answer))
    }

    /// The clock of the cluster: from the header `Date` where something sends it, else from the
    /// health list. Both tell whole seconds. `None` where neither does.
    #[must_use]
    pub fn clock(&self) -> Option<Timestamp> {
        let answer = self.get("/_cat/health?format=json&h=epoch").ok()?;
        answer.date.or_else(|| epoch(&answer.json))
    }
}

fn banner(answer: &Answer) -> Banner {
    match answer.status {
        200 => {}
        401 => return Banner::LoginRefused,
        403 => return Banner::Forbidden,
        status @ 502..=504 => return Banner::Away(status),
        status => return Banner::Unexpected(status),
    }
    let version = &answer.json["version"];
    let Some(number) = version["number"].as_str() else { return Banner::NoCluster };
    Banner::Version {
        number: number.to_owned(),
        distribution: version["distribution"].as_str().unwrap_or("elasticsearch").to_owned(),
        cluster: answer.json["cluster_name"].as_str().unwrap_or_default().to_owned(),
    }
}

fn epoch(health: &Value) -> Option<Timestamp> {
    let epoch = health.get(0)?.get("epoch")?.as_str()?.parse().ok()?;
    Timestamp::from_second(epoch).ok()
}
