//! By which ways changes can be learned of (change-feed design, section 2).

use serde_json::{Value, json};

use super::node::Node;

/// What a cluster tells of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedReport {
    /// What statistics of indices tell.
    pub statistics: Statistics,
    /// What searches tell.
    pub sums: Sums,
}

/// What statistics of indices tell of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistics {
    /// The position of each primary shard.
    Told,
    /// There is no right to ask.
    Forbidden,
    /// They do not tell positions.
    Without,
    /// There is no answer.
    NoAnswer,
}

/// What an engine makes of the sequence numbers of all documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sums {
    /// Sums.
    Told,
    /// It declines, or there are documents and no sums.
    None,
    /// It does not say: there is no right to ask, or no answer.
    Unknown,
}

impl Node {
    /// Asks by which ways changes can be learned of. `targets` are whole names of aliases or indices,
    /// possibly several in one, separated by commas.
    #[must_use]
    pub fn change_feed(&self, targets: &[String]) -> FeedReport {
        let names = targets.join(",");
        FeedReport { statistics: self.statistics(&names), sums: self.sums(&names) }
    }

    fn statistics(&self, names: &str) -> Statistics {
        match self.get(&format!("/{names}/_stats/docs?level=shards")) {
            Ok(answer) if answer.is_ok() && tells_positions(&answer.json) => Statistics::Told,
            Ok(answer) if answer.is_forbidden() => Statistics::Forbidden,
            Ok(_) => Statistics::Without,
            Err(_) => Statistics::NoAnswer,
        }
    }

    fn sums(&self, names: &str) -> Sums {
        let all = json!({"filter": {"match_all": {}}});
        let numbers = json!({"stats": {"field": "_seq_no"}});
        let search = |aggregations: Value| {
            let question = json!({"size": 0, "aggs": aggregations});
            self.search(&format!("/{names}/_search"), &question).ok()
        };
        let Some(answer) = search(json!({"all": all, "numbers": numbers})) else {
            return Sums::Unknown;
        };
        let found = &answer.json["aggregations"];
        let (numbers, documents) =
            (found["numbers"]["count"].as_u64(), found["all"]["doc_count"].as_u64());
        match answer.status {
            200 if numbers > Some(0) || (numbers == Some(0) && documents == Some(0)) => Sums::Told,
            200 => Sums::None,
            // What declines every search has not shown what it lacks.
            400 if search(json!({"all": all})).is_some_and(|answer| answer.status == 200) => {
                Sums::None
            }
            _ => Sums::Unknown,
        }
    }
}

/// Whether the answer names a sequence number for each primary shard.
fn tells_positions(statistics: &Value) -> bool {
    let indices = statistics["indices"].as_object();
    let mut shards = indices
        .into_iter()
        .flatten()
        .filter_map(|(_, index)| index["shards"].as_object())
        .flatten()
        .flat_map(|(_, copies)| copies.as_array().into_iter().flatten())
        .filter(|copy| copy["routing"]["primary"] == Value::Bool(true))
        .peekable();
    shards.peek().is_some() && shards.all(|copy| copy["seq_no"]["max_seq_no"].is_i64())
}
