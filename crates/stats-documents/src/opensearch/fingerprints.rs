//! The state of many shelves in one question.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stats_series::DocumentKind;

use super::client::{Call, Client};
use super::failure::Failure;
use super::numbers::Numbers;
use super::pit::PointInTime;
use super::search::search;
use super::targets::{Group, Target};
use crate::{Fingerprint, Shelf, ShelfFilter};

/// How many shelves one page describes; the cluster's limit for an answer is 65,535.
const PAGE: usize = 5_000;
/// How many words a `terms` filter may have.
const TERMS: usize = 60_000;

/// The fingerprints of all shelves that `filter` lets through.
pub(super) fn fingerprints(
    client: &Client,
    call: &Call,
    target: &Target,
    kind: DocumentKind,
    filter: &ShelfFilter,
    numbers: Numbers,
) -> Result<BTreeMap<Shelf, Fingerprint>, Failure> {
    let mut found: BTreeMap<Shelf, Fingerprint> = BTreeMap::new();
    for communities in in_parts(&filter.communities) {
        for group in &target.groups {
            let mut conditions = Vec::new();
            if !communities.is_empty() {
                conditions.push(json!({"terms": {&group.community: communities}}));
            }
            if !filter.years.is_empty() {
                conditions.push(years(kind, &filter.years));
            }
            let sources = json!([
                {"community": {"terms": {"field": group.community}}},
                {"year": {"date_histogram": {
                    "field": kind.day_field(), "calendar_interval": "1y", "format": "yyyy",
                }}},
            ]);
            let inner = json!({"of": numbers.stats()});
            for bucket in composite(client, call, group, &conditions, &sources, &inner)? {
                let key = &bucket["key"];
                let year = key["year"].as_str().and_then(|year| year.parse().ok());
                let (Some(community), Some(year)) = (key["community"].as_str(), year) else {
                    return Err(Failure::Malformed(format!("no community and year in {key}")));
                };
                let shelf = Shelf { kind, community: community.to_owned(), year };
                let documents = bucket["doc_count"].as_u64();
                let part = numbers.fingerprint(&bucket["of"], documents)?;
                if Some(part.count) != documents {
                    return Err(Failure::Incomplete("documents without number".to_owned()));
                }
                let whole = found.entry(shelf).or_default();
                whole.count += part.count;
                whole.max = whole.max.max(part.max);
                whole.sum += part.sum;
            }
        }
    }
    Ok(found)
}

/// How many documents all shelves have together: those that have a community and a day.
pub(super) fn count(
    client: &Client,
    call: &Call,
    target: &Target,
    kind: DocumentKind,
) -> Result<u64, Failure> {
    let mut documents = 0;
    for group in &target.groups {
        let body = json!({
            "size": 0,
            "track_total_hits": false,
            "query": {"bool": {"filter": [
                {"exists": {"field": group.community}},
                {"exists": {"field": kind.day_field()}},
            ]}},
            "aggs": {"all": {"filter": {"match_all": {}}}},
        });
        let summary = search(client, call, &group.name, None, body)?;
        let count = summary.aggregations["all"]["doc_count"].as_u64();
        documents += count.ok_or_else(|| Failure::Malformed("no count".to_owned()))?;
    }
    Ok(documents)
}

/// The communities in one group of indices that have documents with numbers above `from` (`None`:
/// from the first) and up to `to`, and how many documents that are.
pub(super) fn communities_between(
    client: &Client,
    call: &Call,
    group: &Group,
    from: Option<u64>,
    to: u64,
) -> Result<(BTreeSet<String>, u64), Failure> {
    let mut range = json!({"lte": to});
    if let Some(from) = from {
        range["gt"] = json!(from);
    }
    let conditions = [json!({"range": {"_seq_no": range}})];
    let sources = json!([{"community": {"terms": {"field": group.community}}}]);
    let (mut communities, mut documents) = (BTreeSet::new(), 0);
    for bucket in composite(client, call, group, &conditions, &sources, &json!({}))? {
        let Some(community) = bucket["key"]["community"].as_str() else {
            return Err(Failure::Malformed("a bucket without community".to_owned()));
        };
        communities.insert(community.to_owned());
        documents += bucket["doc_count"].as_u64().unwrap_or(0);
    }
    Ok((communities, documents))
}

/// All buckets of a composite aggregation. More than one page is read at a point in time.
pub(super) fn composite(
    client: &Client,
    call: &Call,
    group: &Group,
    conditions: &[Value],
    sources: &Value,
    inner: &Value,
) -> Result<Vec<Value>, Failure> {
    let mut pit: Option<PointInTime> = None;
    let mut pit_tried = false;
    let mut after = Value::Null;
    let mut buckets = Vec::new();
    let result = loop {
        let body = page(conditions, sources, inner, &after);
        let mut summary = match search(client, call, &group.name, pit.as_ref(), body) {
            Ok(summary) => summary,
            Err(failure) => break Err(failure),
        };
        let found = &mut summary.aggregations["buckets"];
        let Some(page) = found["buckets"].as_array_mut() else {
            break Err(Failure::Malformed("no buckets".to_owned()));
        };
        let (page, next) = (std::mem::take(page), found["after_key"].take());
        if page.len() < PAGE {
            buckets.extend(page);
            break Ok(buckets);
        }
        if pit_tried {
            buckets.extend(page);
            after = next;
            continue;
        }
        // There is more than one page, so the first one is asked for again.
        pit_tried = true;
        pit = match PointInTime::open(client, call, &group.name) {
            Ok(pit) => pit,
            Err(failure) => break Err(failure),
        };
    };
    if let Some(pit) = pit {
        pit.close(client, call);
    }
    result
}

fn page(conditions: &[Value], sources: &Value, inner: &Value, after: &Value) -> Value {
    let mut composite = json!({"size": PAGE, "sources": sources});
    if !after.is_null() {
        composite["after"] = after.clone();
    }
    json!({
        "size": 0,
        "track_total_hits": false,
        "query": {"bool": {"filter": conditions}},
        "aggs": {"buckets": {"composite": composite, "aggs": inner}},
    })
}

fn years(kind: DocumentKind, years: &[i16]) -> Value {
    let ranges: Vec<Value> = years
        .iter()
        .map(|year| {
            let bounds = json!({
                "gte": format!("{year:04}-01-01T00:00:00"),
                "lte": format!("{year:04}-12-31T23:59:59"),
            });
            json!({"range": {kind.day_field(): bounds}})
        })
        .collect();
    json!({"bool": {"should": ranges}})
}

/// An empty list as one empty part, others in parts that a filter can hold.
pub(super) fn in_parts(communities: &[String]) -> Vec<&[String]> {
    if communities.is_empty() { vec![&[]] } else { communities.chunks(TERMS).collect() }
}
