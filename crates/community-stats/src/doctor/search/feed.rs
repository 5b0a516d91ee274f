//! How changes are learned of: from `_stats`, by search, or not at all (change-feed design,
//! section 2).

use serde_json::{Value, json};

use super::super::check::Check;
use super::http::Node;

const NAME: &str = "change feed";

/// `targets` are names of aliases or indices, possibly several in one, separated by commas.
pub(super) fn check(node: &Node, targets: &[String]) -> Check {
    let names = targets.join(",");
    let statistics = node.get(&format!("/{names}/_stats/docs?level=shards"));
    let why = match statistics {
        Ok(answer) if answer.is_ok() && tells_positions(&answer.json) => {
            let detail = "positions from _stats: no change costs one request";
            return Check::ok(NAME, detail);
        }
        Ok(answer) if answer.is_forbidden() => "no right to _stats (indices:monitor/stats)",
        Ok(_) => "_stats does not tell positions",
        Err(_) => "_stats does not answer",
    };
    let remedy = "grant indices:monitor/stats on the statistics indices to this user";
    if sequence_numbers(node, &names) {
        let detail = format!("sequence numbers by search, one request for each kind: {why}");
        return Check::warning(NAME, detail, remedy);
    }
    let detail = format!("{why}, and sequence numbers cannot be summed up: changes are not seen");
    Check::failed(NAME, detail, format!("{remedy}, and indices:data/read/search"))
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

fn sequence_numbers(node: &Node, names: &str) -> bool {
    let question = json!({"size": 0, "aggs": {"numbers": {"stats": {"field": "_seq_no"}}}});
    node.search(&format!("/{names}/_search"), &question).is_ok_and(|answer| {
        answer.is_ok() && answer.json["aggregations"]["numbers"]["count"].is_u64()
    })
}
