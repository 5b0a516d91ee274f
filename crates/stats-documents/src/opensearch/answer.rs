//! What nodes answer, as typed values. Nothing is built that was not asked for: lists end at the
//! length that was asked for, other members are passed over, and a number counts only when it is
//! a whole one of a size that can be true.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::failure::Failure;
use super::json::{EXACT, First, Listed, Whole};

/// The buckets that one page of a composite aggregation may have.
pub(super) const LARGEST_PAGE: usize = 5_000;
/// The hits that an answer may have that is read as a whole.
pub(super) const MOST_HITS: usize = 1_000;
/// The indices that are told apart.
pub(super) const MOST_INDICES: usize = 1_000;
/// The indices that may be named.
pub(super) const MOST_NAMES: usize = 20_000;
/// The shards that an index may have, and the copies that a shard may have.
pub(super) const MOST_SHARDS: usize = 1_024;

/// What a search says beside the hits of a page. `A` is what was asked to be computed over all
/// matching documents.
#[derive(Debug, Deserialize)]
pub(super) struct Summary<A> {
    timed_out: Option<bool>,
    #[serde(rename = "_shards")]
    shards: Option<Shards>,
    aggregations: Option<A>,
    hits: Option<Found>,
}

impl<A> Summary<A> {
    /// An error unless every shard has answered in full.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let incomplete = |reason: String| Err(Failure::Incomplete(reason));
        let Some(shards) = &self.shards else { return Err(Failure::without_shards()) };
        let (Whole(total), Whole(successful), Whole(failed)) =
            (shards.total, shards.successful, shards.failed);
        match self.timed_out {
            Some(true) => incomplete("the search timed out in the cluster".to_owned()),
            _ if failed > 0 || successful < total => {
                let missing = failed.max(total.saturating_sub(successful));
                let why = shards.failures.as_ref().and_then(|failures| failures.0.as_ref());
                let why = why.map(ToString::to_string).unwrap_or_else(|| "no reason".to_owned());
                incomplete(format!("{missing} of {total} shards failed: {why}"))
            }
            Some(false) if successful == total => Ok(()),
            _ => Err(Failure::Malformed("the answer does not say whether it is whole".to_owned())),
        }
    }

    /// What was computed.
    pub(super) fn aggregations(self) -> Result<A, Failure> {
        self.aggregations.ok_or_else(|| Failure::Malformed("no aggregations".to_owned()))
    }

    /// The hits of a search for few and small documents.
    pub(super) fn hits(self) -> Result<Vec<FoundHit>, Failure> {
        let found = self.hits.ok_or_else(|| Failure::Malformed("no hits".to_owned()))?;
        Ok(found.hits.0)
    }

    /// Whether it has a member `hits`, which a summary beside a page of hits has not.
    pub(super) const fn has_hits(&self) -> bool {
        self.hits.is_some()
    }
}

#[derive(Debug, Deserialize)]
struct Shards {
    total: Whole,
    successful: Whole,
    failed: Whole,
    failures: Option<First<ShardFailure>>,
}

/// Why a shard has not answered.
#[derive(Debug, Deserialize)]
pub(super) struct ShardFailure {
    pub(super) index: Option<String>,
    pub(super) shard: Option<Whole>,
    reason: Option<Reason>,
}

#[derive(Debug, Deserialize)]
struct Reason {
    #[serde(rename = "type")]
    class: Option<String>,
    reason: Option<String>,
}

impl ShardFailure {
    /// The reason alone.
    pub(super) fn reason(&self) -> &str {
        let reason = self.reason.as_ref();
        let text = reason.and_then(|it| it.reason.as_deref().or(it.class.as_deref()));
        text.unwrap_or("without a reason")
    }
}

impl fmt::Display for ShardFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.index {
            Some(index) => write!(out, "index {index}: {}", self.reason()),
            None => write!(out, "{}", self.reason()),
        }
    }
}

/// The hits of an answer that was read as a whole.
#[derive(Debug, Deserialize)]
struct Found {
    hits: Listed<FoundHit, MOST_HITS>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub(super) struct FoundHit {
    #[serde(rename = "_index")]
    pub(super) index: String,
    #[serde(rename = "_id")]
    pub(super) id: String,
    #[serde(rename = "_source")]
    pub(super) source: Box<RawValue>,
    pub(super) sort: Option<Box<RawValue>>,
}

/// Count, highest and sum of some numbers; the last two are floating-point, null where there are
/// none.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Stats {
    pub(super) count: Option<Whole>,
    pub(super) max: Option<f64>,
    pub(super) sum: Option<f64>,
}

/// One number, null where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct Single {
    pub(super) value: Option<f64>,
}

impl Single {
    /// It as a time in milliseconds since 1970.
    ///
    /// # Errors
    /// When it cannot be one.
    pub(super) fn millis(self) -> Result<Option<i64>, Failure> {
        match self.value {
            Some(value) if value.abs() < EXACT as f64 => Ok(Some(value.floor() as i64)),
            Some(value) => Err(Failure::Malformed(format!("{value} is no time"))),
            None => Ok(None),
        }
    }
}

/// How many documents there are.
#[derive(Debug, Deserialize)]
pub(super) struct Counted {
    pub(super) doc_count: Whole,
}

/// The buckets of an aggregation.
#[derive(Debug, Deserialize)]
pub(super) struct Buckets<B> {
    pub(super) buckets: B,
}

/// One page of a composite aggregation that is called `buckets`.
#[derive(Debug, Deserialize)]
pub(super) struct Composite<I> {
    pub(super) buckets: CompositePage<I>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
pub(super) struct CompositePage<I> {
    pub(super) buckets: Listed<Bucket<I>, LARGEST_PAGE>,
    pub(super) after_key: Option<Key>,
}

/// One of its buckets.
#[derive(Debug, Deserialize)]
pub(super) struct Bucket<I> {
    pub(super) key: Key,
    pub(super) doc_count: Whole,
    pub(super) of: Option<I>,
}

/// What the documents of a bucket share. In the order of the sources that are asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) community: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) year: Option<String>,
}

/// What is known of each index, most often of all.
#[derive(Debug, Deserialize)]
pub(super) struct Indices {
    pub(super) indices: Terms,
}

#[derive(Debug, Deserialize)]
pub(super) struct Terms {
    buckets: Listed<Term, MOST_INDICES>,
    sum_other_doc_count: Option<Whole>,
}

/// One index.
#[derive(Debug, Deserialize)]
pub(super) struct Term {
    pub(super) key: String,
    pub(super) doc_count: Whole,
    pub(super) of: Option<Stats>,
}

impl Terms {
    /// All of them.
    ///
    /// # Errors
    /// When there are more than were asked for.
    pub(super) fn all(self) -> Result<Vec<Term>, Failure> {
        match self.sum_other_doc_count {
            Some(Whole(others)) if others > 0 => {
                Err(Failure::Incomplete(format!("{others} documents are in further indices")))
            }
            _ => Ok(self.buckets.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    #[test]
    fn answers_that_are_not_whole_say_why() {
        let check = |text: &str| {
            let summary: Summary<IgnoredAny> = serde_json::from_str(text).unwrap();
            summary.check().map_err(|failure| failure.to_string())
        };
        let shards = |text: &str| check(&format!(r#"{{"timed_out":false,"_shards":{{{text}}}}}"#));
        assert_eq!(shards(r#""total":2,"successful":2,"failed":0"#), Ok(()));
        let failed = r#""total":2,"successful":1,"failed":1,"failures":
            [{"index":"x-2025","reason":{"type":"t","reason":"why"}},7]"#;
        assert_eq!(shards(failed).unwrap_err(), "1 of 2 shards failed: index x-2025: why");
        assert!(shards(r#""total":1,"successful":7,"failed":1"#).is_err());
        assert!(shards(r#""total":1,"successful":7,"failed":0"#).is_err());
        assert!(check(r#"{"timed_out":false}"#).unwrap_err().contains("leaves out `_shards`"));
    }
}
