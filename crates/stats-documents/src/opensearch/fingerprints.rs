//! The state of many shelves in one question.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use stats_model::{DocumentKind, Fingerprint, Shelf};

use super::answer::{Bucket, Composite, Counted, Key, LARGEST_PAGE, Stats};
use super::client::{Call, Client};
use super::failure::Failure;
use super::json::Whole;
use super::numbers;
use super::pit::{PointInTime, Together, in_one_state};
use super::search::search;
use super::targets::{Group, Target};
use crate::ShelfFilter;

/// How many words a `terms` filter may have.
const TERMS: usize = 60_000;
/// How many buckets one question may have, on all pages.
const MOST_BUCKETS: u64 = 2_000_000;

/// The fingerprints of all shelves that `filter` lets through.
pub(super) fn fingerprints(
    client: &Client,
    call: &Call,
    target: &Target,
    kind: DocumentKind,
    filter: &ShelfFilter,
) -> Result<BTreeMap<Shelf, Fingerprint>, Failure> {
    in_one_state(|together| {
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
                let inner = json!({"of": numbers::sums()});
                let question = Buckets { client, call, group, conditions, sources, inner };
                question.each(together, |bucket: Bucket<Stats>| add(&mut found, kind, bucket))?;
            }
        }
        Ok(found)
    })
}

/// Adds what one group of indices has of a shelf.
fn add(
    found: &mut BTreeMap<Shelf, Fingerprint>,
    kind: DocumentKind,
    bucket: Bucket<Stats>,
) -> Result<(), Failure> {
    let Bucket { key, doc_count: Whole(documents), of } = bucket;
    let year = key.year.as_deref().and_then(|year| year.parse().ok());
    let Some(year) = year else {
        return Err(Failure::Malformed(format!("no year in {:?}", key.year)));
    };
    let part = numbers::fingerprint(of.as_ref(), Some(documents))?;
    if part.count != documents {
        return Err(Failure::Incomplete("documents without number".to_owned()));
    }
    let whole = found.entry(Shelf { kind, community: key.community, year }).or_default();
    whole.count += part.count;
    whole.max = whole.max.max(part.max);
    // Each is below 2^53, and there are fewer groups than that.
    whole.sum += part.sum;
    Ok(())
}

/// How many documents all shelves have together: those that have a community and a day.
pub(super) fn count(
    client: &Client,
    call: &Call,
    target: &Target,
    kind: DocumentKind,
) -> Result<u64, Failure> {
    #[derive(Deserialize)]
    struct All {
        all: Counted,
    }
    in_one_state(|together| {
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
            together.add_part();
            let summary = search::<All>(client, call, &group.name, None, body)?;
            documents += summary.aggregations()?.all.doc_count.0;
        }
        Ok(documents)
    })
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
    let conditions = vec![json!({"range": {"_seq_no": range}})];
    let sources = json!([{"community": {"terms": {"field": group.community}}}]);
    let (mut communities, mut documents) = (BTreeSet::new(), 0);
    let question = Buckets { client, call, group, conditions, sources, inner: json!({}) };
    // Where pages are of different states, the number of documents is not that of the writes.
    question.each(&mut Together::default(), |bucket: Bucket<IgnoredAny>| {
        communities.insert(bucket.key.community);
        documents += bucket.doc_count.0;
        Ok(())
    })?;
    Ok((communities, documents))
}

/// A composite aggregation of which all buckets are wanted.
pub(super) struct Buckets<'a> {
    pub(super) client: &'a Client,
    pub(super) call: &'a Call,
    pub(super) group: &'a Group,
    pub(super) conditions: Vec<Value>,
    pub(super) sources: Value,
    /// What is computed for each bucket, called `of`.
    pub(super) inner: Value,
}

impl Buckets<'_> {
    /// Hands out all buckets, in the order of their keys. More than one page is read at a point in
    /// time, where that is possible; else each page is a part of its own.
    pub(super) fn each<I: DeserializeOwned>(
        &self,
        together: &mut Together,
        mut visit: impl FnMut(Bucket<I>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut pit = None;
        let result = self.pages(&mut pit, together, &mut visit);
        if let Some(pit) = pit {
            pit.close(self.client, self.call);
        }
        result
    }

    fn pages<I: DeserializeOwned>(
        &self,
        pit: &mut Option<PointInTime>,
        together: &mut Together,
        visit: &mut impl FnMut(Bucket<I>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut last, mut pit_tried, mut seen): (Option<Key>, _, _) = (None, false, 0);
        together.add_part();
        loop {
            let (name, body) = (&self.group.name, self.page(last.as_ref()));
            let summary: Summary<I> = search(self.client, self.call, name, pit.as_ref(), body)?;
            let page = summary.aggregations()?.buckets;
            let is_full = page.buckets.0.len() >= LARGEST_PAGE;
            if is_full && !pit_tried {
                pit_tried = true;
                *pit = PointInTime::open(self.client, self.call, name)?;
                if pit.is_some() {
                    // There is more than one page, so the first one is asked for again.
                    continue;
                }
            }
            seen += page.buckets.0.len() as u64;
            if seen > MOST_BUCKETS {
                return Err(Failure::TooLarge(format!("more than {MOST_BUCKETS} buckets")));
            }
            for bucket in page.buckets.0 {
                if last.as_ref().is_some_and(|last| *last >= bucket.key) {
                    return Err(Failure::Malformed("buckets out of order".to_owned()));
                }
                last = Some(bucket.key.clone());
                visit(bucket)?;
            }
            if !is_full {
                return Ok(());
            }
            if page.after_key != last {
                return Err(Failure::Malformed("a page that ends elsewhere".to_owned()));
            }
            if pit.is_none() {
                together.add_part();
            }
        }
    }

    fn page(&self, after: Option<&Key>) -> Value {
        let mut composite = json!({"size": LARGEST_PAGE, "sources": self.sources});
        if let Some(after) = after {
            composite["after"] = json!(after);
        }
        json!({
            "size": 0,
            "track_total_hits": false,
            "query": {"bool": {"filter": self.conditions}},
            "aggs": {"buckets": {"composite": composite, "aggs": self.inner}},
        })
    }
}

type Summary<I> = super::answer::Summary<Composite<I>>;

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
