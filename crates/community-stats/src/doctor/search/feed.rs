//! How changes are learned of: from statistics, by searches, or not at all
//! (change-feed design, section 2).

use serde_json::{Value, json};

use super::super::check::Check;
use super::http::Node;

const NAME: &str = "change feed";

/// `targets` are names of aliases or indices, possibly several in one, separated by commas.
pub(super) fn check(node: &Node, targets: &[String]) -> Check {
    let names = targets.join(",");
    let statistics = node.get(&format!("/{names}/_stats/docs?level=shards"));
    let why = match statistics {
        Ok(answer) if answer.is_ok() && tells_positions(&answer.json) => None,
        Ok(answer) if answer.is_forbidden() => Some("no right to _stats (indices:monitor/stats)"),
        Ok(_) => Some("_stats does not tell positions"),
        Err(_) => Some("_stats does not answer"),
    };
    let grant = "grant indices:monitor/stats on the statistics indices to this user";
    let numbers = sums_up(node, &names);
    match why {
        None if numbers != Sums::None => {
            Check::ok(NAME, "by statistics: positions from _stats, no change costs one request")
        }
        Some(why) if numbers == Sums::Told => {
            let way = "by searches: sequence numbers by search, one request for each kind";
            Check::warning(NAME, format!("{way}: {why}"), grant)
        }
        why if numbers == Sums::None => {
            let why = why.map(|why| format!("; {why}")).unwrap_or_default();
            let detail = format!(
                "this engine does not sum up sequence numbers, which tell what changed: nothing can \
                 be read from it{why}"
            );
            Check::failed(NAME, detail, "use OpenSearch 2.3 or newer, which sum up _seq_no")
        }
        why => {
            let why = why.unwrap_or("positions from _stats");
            let detail =
                format!("{why}, but sequence numbers cannot be summed up: changes are not seen");
            Check::failed(NAME, detail, format!("{grant}, and indices:data/read/search"))
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

/// What an engine makes of the sequence numbers of all documents.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sums {
    /// Sums.
    Told,
    /// It declines, or there are documents and no sums.
    None,
    /// It does not say: there is no right to ask, or no answer.
    Unknown,
}

fn sums_up(node: &Node, names: &str) -> Sums {
    let all = json!({"filter": {"match_all": {}}});
    let numbers = json!({"stats": {"field": "_seq_no"}});
    let search = |aggregations: Value| {
        let question = json!({"size": 0, "aggs": aggregations});
        node.search(&format!("/{names}/_search"), &question).ok()
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
        400 if search(json!({"all": all})).is_some_and(|answer| answer.status == 200) => Sums::None,
        _ => Sums::Unknown,
    }
}
