//! A document that stands in two places.

use serde_json::json;

use super::answer::Indices;
use super::client::{Call, Client};
use super::failure::Failure;
use super::search::search;

/// What to do about an `_id` that came twice.
pub(super) fn doubled(client: &Client, call: &Call, name: &str, id: &str) -> Failure {
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        "query": {"ids": {"values": [id]}},
        "aggs": {"indices": {"terms": {"field": "_index", "size": 10}}},
    });
    let found = search::<Indices>(client, call, name, None, body);
    let terms = match found.and_then(|summary| summary.aggregations()?.indices.all()) {
        Ok(terms) => terms,
        Err(failure) => return failure,
    };
    if terms.iter().map(|term| term.doc_count.0).sum::<u64>() < 2 {
        return Failure::Changed(format!("document '{id}' was written while it was read"));
    }
    let indices: Vec<&str> = terms.iter().map(|term| term.key.as_str()).collect();
    Failure::Ambiguous(match indices.as_slice() {
        [one] => format!(
            "document '{id}' stands twice in index {one}, on different shards: delete the one \
             that was written with a routing of its own"
        ),
        several => format!(
            "document '{id}' stands in each of the indices {} behind {name}, so one is a copy \
             of the other: take the copy's alias away, or delete the copy",
            several.join(" and ")
        ),
    })
}
