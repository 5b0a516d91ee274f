//! Communities, bookmarks, events and records: the small documents beside the daily ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stats_series::DocumentKind;

use super::client::{Call, Client};
use super::failure::Failure;
use super::fingerprints::{composite, in_parts};
use super::hits::FoundHit;
use super::pit::PointInTime;
use super::search::search;
use super::shelf::day_of;
use super::targets::Target;
use crate::{Bookmark, Community, Day};

const PAGE: usize = 1_000;

/// All communities, by id.
pub(super) fn communities(
    client: &Client,
    call: &Call,
    target: &Target,
) -> Result<Vec<Community>, Failure> {
    let id = &target.groups[0].community;
    let query = json!({"match_all": {}});
    let mut found = BTreeMap::new();
    every_hit(client, call, target, &query, id, |hit| {
        // Old and new indices may stand behind the alias; the newer one has the newer name.
        let community = read_community(&hit)?;
        let known = found.get(&hit.id).is_some_and(|(index, _)| *index > hit.index);
        if !known {
            found.insert(hit.id, (hit.index, community));
        }
        Ok(())
    })?;
    Ok(found.into_values().map(|(_, community)| community).collect())
}

/// The community with exactly this slug.
pub(super) fn community_by_slug(
    client: &Client,
    call: &Call,
    target: &Target,
    slug: &str,
) -> Result<Option<Community>, Failure> {
    let mut found = None;
    let field = &target.groups[0].community;
    let query = json!({"term": {field: slug}});
    every_hit(client, call, target, &query, field, |hit| {
        let community = read_community(&hit)?;
        if community.slug.as_deref() == Some(slug) {
            found = Some(community);
        }
        Ok(())
    })?;
    Ok(found)
}

/// The bookmarks of `kind`: for each community the regular one, else the newest.
pub(super) fn bookmarks(
    client: &Client,
    call: &Call,
    target: &Target,
    kind: DocumentKind,
    communities: &[String],
) -> Result<BTreeMap<String, Bookmark>, Failure> {
    let field = &target.groups[0].community;
    // Both fields are made by the same hand, with or without a template.
    let of_kind = field.replace("community_id", "aggregation_type");
    let mut found: BTreeMap<String, (bool, Bookmark)> = BTreeMap::new();
    for communities in in_parts(communities) {
        let mut filter = vec![json!({"term": {of_kind.as_str(): kind.bookmark_type()}})];
        if !communities.is_empty() {
            filter.push(json!({"terms": {field: communities}}));
        }
        let query = json!({"bool": {"filter": filter}});
        every_hit(client, call, target, &query, field, |hit| {
            // One that cannot be read does not say how far anything has come.
            let Ok((_, community, bookmark)) = Bookmark::read(hit.source.get().as_bytes()) else {
                return Ok(());
            };
            let regular = hit.id == format!("{}_{community}", kind.bookmark_type());
            let better = found
                .get(&community)
                .is_none_or(|(known, other)| (regular, bookmark.day) > (*known, other.day));
            if better {
                found.insert(community, (regular, bookmark));
            }
            Ok(())
        })?;
    }
    Ok(found.into_iter().map(|(community, (_, bookmark))| (community, bookmark)).collect())
}

/// The day of the oldest event of each community.
pub(super) fn first_events(
    client: &Client,
    call: &Call,
    target: &Target,
    communities: &[String],
) -> Result<BTreeMap<String, Day>, Failure> {
    let mut found: BTreeMap<String, Day> = BTreeMap::new();
    for communities in in_parts(communities) {
        for group in &target.groups {
            let mut conditions = Vec::new();
            if !communities.is_empty() {
                conditions.push(json!({"terms": {&group.community: communities}}));
            }
            let sources = json!([{"community": {"terms": {"field": group.community}}}]);
            let first = json!({"of": {"min": {"field": "event_date"}}});
            for bucket in composite(client, call, group, &conditions, &sources, &first)? {
                let Some(community) = bucket["key"]["community"].as_str() else {
                    return Err(Failure::Malformed("a bucket without community".to_owned()));
                };
                if let Some(day) = first_day(&bucket["of"]) {
                    let known = found.entry(community.to_owned()).or_insert(day);
                    *known = day.min(*known);
                }
            }
        }
    }
    Ok(found)
}

/// The day the oldest record was created.
pub(super) fn first_record(
    client: &Client,
    call: &Call,
    alias: &str,
) -> Result<Option<Day>, Failure> {
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        "aggs": {"of": {"min": {"field": "created"}}},
    });
    match search(client, call, alias, None, body) {
        Ok(summary) => Ok(first_day(&summary.aggregations["of"])),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn first_day(min: &Value) -> Option<Day> {
    // Milliseconds since 1970 are whole numbers far below 2^53.
    min["value"].as_f64().and_then(|millis| day_of(millis as i64))
}

fn read_community(hit: &FoundHit) -> Result<Community, Failure> {
    Community::read(&hit.id, hit.source.get().as_bytes())
        .map_err(|error| Failure::Malformed(format!("community {}: {error}", hit.id)))
}

/// All hits of a query, in pages ordered by `field`; more than one page at a point in time.
fn every_hit(
    client: &Client,
    call: &Call,
    target: &Target,
    query: &Value,
    field: &str,
    mut visit: impl FnMut(FoundHit) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut pit: Option<PointInTime> = None;
    let (mut pit_tried, mut after) = (false, Vec::new());
    let result = loop {
        let mut body = json!({
            "size": PAGE,
            "track_total_hits": false,
            "query": query,
            // Numbers of different indices may be the same.
            "sort": [
                {field: {"order": "asc", "missing": "_last"}}, {"_seq_no": "asc"}, {"_index": "asc"},
            ],
        });
        if !after.is_empty() {
            body["search_after"] = Value::Array(std::mem::take(&mut after));
        }
        let summary = match search(client, call, &target.name, pit.as_ref(), body) {
            Ok(summary) => summary,
            Err(failure) => break Err(failure),
        };
        let hits = summary.hits.hits;
        let last = hits.len() < PAGE;
        if !last && !pit_tried {
            // There is more than one page, so the first one is asked for again.
            pit_tried = true;
            match PointInTime::open(client, call, &target.name) {
                Ok(opened) => pit = opened,
                Err(failure) => break Err(failure),
            }
            continue;
        }
        after = hits.last().map(|hit| hit.sort.clone()).unwrap_or_default();
        let result = hits.into_iter().try_for_each(&mut visit);
        if last || result.is_err() {
            break result;
        }
    };
    if let Some(pit) = pit {
        pit.close(client, call);
    }
    result
}
