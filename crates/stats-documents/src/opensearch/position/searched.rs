//! A position from searching alone, for who may not see the statistics of indices.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use stats_model::{MarkKind, Position, PositionMark};

use crate::opensearch::answer::{Indices, MOST_NAMES, Term};
use crate::opensearch::client::{Call, Client, Request};
use crate::opensearch::failure::Failure;
use crate::opensearch::json::{Named, Whole};
use crate::opensearch::numbers;
use crate::opensearch::search::search;
use crate::opensearch::targets::escape;

/// What tells an index from another one with the same name and numbers; nothing where the right to
/// look at indices is missing.
fn incarnations(
    client: &Client,
    call: &Call,
    name: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let request = Request::get(format!(
        "/{}?filter_path=*.settings.index.uuid,*.settings.index.history.uuid",
        escape(name)
    ));
    #[derive(Deserialize)]
    struct Answer {
        settings: Option<Settings>,
    }
    #[derive(Deserialize)]
    struct Settings {
        index: Option<Index>,
    }
    #[derive(Deserialize)]
    struct Index {
        uuid: Option<String>,
        history: Option<History>,
    }
    #[derive(Deserialize)]
    struct History {
        uuid: Option<String>,
    }
    let indices = match client.json::<Named<Answer, MOST_NAMES>>(call, &request) {
        Ok(Named(indices)) => indices,
        Err(failure) if failure.is_declined() && !failure.is_missing() => {
            return Ok(BTreeMap::new());
        }
        Err(failure) => return Err(failure),
    };
    let incarnation = |(index, answer): (String, Answer)| {
        let settings = answer.settings.and_then(|settings| settings.index);
        let (uuid, history) =
            settings.map(|settings| (settings.uuid, settings.history)).unwrap_or_default();
        // Restored from a snapshot in its own place, an index keeps the one and gets another.
        let history = history.and_then(|history| history.uuid).unwrap_or_default();
        (index, format!("{}.{history}", uuid.unwrap_or_default()))
    };
    Ok(indices.into_iter().map(incarnation).collect())
}

/// A position from what searches see: count, highest and sum of the sequence numbers of each index.
pub(super) fn searched_position(
    client: &Client,
    call: &Call,
    name: &str,
) -> Result<Position, Failure> {
    // Asked for first: an index that is made anew in between is noticed the next time.
    let incarnations = incarnations(client, call, name)?;
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        "aggs": {"indices": {
            "terms": {"field": "_index", "size": 1_000},
            "aggs": {"of": numbers::sums()},
        }},
    });
    let summary = search::<Indices>(client, call, name, None, body)?;
    let mut marks = Vec::new();
    for Term { key: index, doc_count: Whole(documents), of } in
        summary.aggregations()?.indices.all()?
    {
        let state = numbers::fingerprint(of.as_ref(), Some(documents))?;
        let incarnation = incarnations.get(&index).map_or("", String::as_str);
        for (what, sequence) in [("count", state.count), ("max", state.max), ("sum", state.sum)] {
            let history = format!("{index}/{incarnation}/{what}");
            marks.push(PositionMark { history, kind: MarkKind::Searched, sequence });
        }
    }
    marks.sort();
    Ok(Position(marks))
}
