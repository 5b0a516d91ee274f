//! Communities, bookmarks, events and records: the small documents beside the daily ones.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use stats_model::{Bookmark, Community, Day, DocumentKind};

use super::answer::{Bucket, FoundHit, MOST_HITS, Single, Summary};
use super::client::{Call, Client};
use super::failure::Failure;
use super::fingerprints::{Buckets, in_parts};
use super::pit::{PointInTime, Together, in_one_state};
use super::search::search;
use super::shelf::day_of;
use super::targets::Target;
use crate::stored::{read_bookmark, read_community};

/// What a page is sorted by is short.
const LONGEST_SORT: usize = 256 << 10;

/// All communities, by id.
pub(super) fn communities(
    client: &Client,
    call: &Call,
    target: &Target,
) -> Result<Vec<Community>, Failure> {
    let field = &target.groups[0].community;
    let query = json!({"match_all": {}});
    let found = in_one_state(|together| {
        let mut found = BTreeMap::new();
        Hits { client, call, target, query: &query, field }.each(together, |hit| {
            // Old and new indices may stand behind the alias; the newer one has the newer name.
            let community = community(&hit)?;
            let known = found.get(&hit.id).is_some_and(|(index, _)| *index > hit.index);
            if !known {
                found.insert(hit.id, (hit.index, community));
            }
            Ok(())
        })?;
        Ok(found)
    })?;
    Ok(found.into_values().map(|(_, community)| community).collect())
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
    let found = in_one_state(|together| {
        let mut found: BTreeMap<String, (bool, Bookmark)> = BTreeMap::new();
        for communities in in_parts(communities) {
            let mut filter = vec![json!({"term": {of_kind.as_str(): kind.bookmark_type()}})];
            if !communities.is_empty() {
                filter.push(json!({"terms": {field: communities}}));
            }
            let query = json!({"bool": {"filter": filter}});
            Hits { client, call, target, query: &query, field }.each(together, |hit| {
                take_bookmark(&mut found, kind, &hit);
                Ok(())
            })?;
        }
        Ok(found)
    })?;
    Ok(found.into_iter().map(|(community, (_, bookmark))| (community, bookmark)).collect())
}

/// Takes a bookmark, if it is better than the one that is known.
fn take_bookmark(
    found: &mut BTreeMap<String, (bool, Bookmark)>,
    kind: DocumentKind,
    hit: &FoundHit,
) {
    // One that cannot be read does not say how far anything has come.
    let Ok((_, community, bookmark)) = read_bookmark(hit.source.get().as_bytes()) else { return };
    let regular = hit.id == format!("{}_{community}", kind.bookmark_type());
    let better = found
        .get(&community)
        .is_none_or(|(known, other)| (regular, bookmark.day) > (*known, other.day));
    if better {
        found.insert(community, (regular, bookmark));
    }
}

/// The day of the oldest event of each community.
pub(super) fn first_events(
    client: &Client,
    call: &Call,
    target: &Target,
    communities: &[String],
) -> Result<BTreeMap<String, Day>, Failure> {
    in_one_state(|together| {
        let mut found: BTreeMap<String, Day> = BTreeMap::new();
        for communities in in_parts(communities) {
            for group in &target.groups {
                let mut conditions = Vec::new();
                if !communities.is_empty() {
                    conditions.push(json!({"terms": {&group.community: communities}}));
                }
                let sources = json!([{"community": {"terms": {"field": group.community}}}]);
                let inner = json!({"of": {"min": {"field": "event_date"}}});
                let question = Buckets { client, call, group, conditions, sources, inner };
                question.each(together, |bucket: Bucket<Single>| {
                    let community = bucket.key.community;
                    if let Some(day) = first_day(bucket.of, &community)? {
                        let known = found.entry(community).or_insert(day);
                        *known = day.min(*known);
                    }
                    Ok(())
                })?;
            }
        }
        Ok(found)
    })
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
    #[derive(Deserialize)]
    struct First {
        of: Option<Single>,
    }
    match search::<First>(client, call, alias, None, body) {
        Ok(summary) => first_day(summary.aggregations()?.of, "the first record"),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The day of the lowest time that was found, if any was.
fn first_day(lowest: Option<Single>, of: &str) -> Result<Option<Day>, Failure> {
    let lowest = lowest.ok_or_else(|| Failure::Malformed(format!("no lowest time of {of}")))?;
    let Some(millis) = lowest.millis()? else { return Ok(None) };
    let day = day_of(millis);
    day.map(Some).ok_or_else(|| {
        Failure::Malformed(format!("the first time of {of} is in no year from 1 to 9999"))
    })
}

fn community(hit: &FoundHit) -> Result<Community, Failure> {
    read_community(&hit.id, hit.source.get().as_bytes())
        .map_err(|error| Failure::Malformed(format!("community {}: {error}", hit.id)))
}

/// A query of which all hits are wanted.
struct Hits<'a> {
    client: &'a Client,
    call: &'a Call,
    target: &'a Target,
    query: &'a Value,
    /// What they are ordered by.
    field: &'a str,
}

impl Hits<'_> {
    /// Hands out all hits. More than one page is read at a point in time, where that is possible;
    /// else each page is a part of its own.
    fn each(
        &self,
        together: &mut Together,
        mut visit: impl FnMut(FoundHit) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut pit = None;
        let result = self.pages(&mut pit, together, &mut visit);
        if let Some(pit) = pit {
            pit.close(self.client, self.call);
        }
        result
    }

    fn pages(
        &self,
        pit: &mut Option<PointInTime>,
        together: &mut Together,
        visit: &mut impl FnMut(FoundHit) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut pit_tried, mut after, mut size) = (false, Value::Null, MOST_HITS);
        together.add_part();
        loop {
            let (name, body) = (&self.target.name, self.page(size, &after));
            let answer: Result<Summary<IgnoredAny>, Failure> =
                search(self.client, self.call, name, pit.as_ref(), body);
            let hits = match answer {
                // Fewer of them may be small enough.
                Err(Failure::TooLarge(_)) if size > 1 => {
                    size = (size / 8).max(1);
                    continue;
                }
                answer => answer?.hits()?,
            };
            if hits.len() > size {
                return Err(Failure::Malformed("more hits than were asked for".to_owned()));
            }
            let is_last = hits.len() < size;
            if !is_last && !pit_tried {
                pit_tried = true;
                *pit = PointInTime::open(self.client, self.call, name)?;
                if pit.is_some() {
                    // There is more than one page, so the first one is asked for again.
                    continue;
                }
            }
            let next = if is_last { Value::Null } else { sort_of(hits.last())? };
            if !is_last && next == after {
                return Err(Failure::Malformed("the same page again".to_owned()));
            }
            after = next;
            hits.into_iter().try_for_each(&mut *visit)?;
            if is_last {
                return Ok(());
            }
            if pit.is_none() {
                together.add_part();
            }
        }
    }

    fn page(&self, size: usize, after: &Value) -> Value {
        let mut body = json!({
            "size": size,
            "track_total_hits": false,
            "query": self.query,
            // Numbers of different indices may be the same.
            "sort": [
                {self.field: {"order": "asc", "missing": "_last"}},
                {"_seq_no": "asc"},
                {"_index": "asc"},
            ],
        });
        if !after.is_null() {
            body["search_after"] = after.clone();
        }
        body
    }
}

/// Where the next page begins.
fn sort_of(last: Option<&FoundHit>) -> Result<Value, Failure> {
    let sort = last.and_then(|hit| hit.sort.as_ref()).map(|sort| sort.get());
    let sort = sort.filter(|sort| sort.len() <= LONGEST_SORT && sort.starts_with('['));
    let sort = sort.and_then(|sort| serde_json::from_str(sort).ok());
    sort.ok_or_else(|| Failure::Malformed("a hit without sort".to_owned()))
}
