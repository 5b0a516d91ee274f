//! The sums of sequence numbers, which stand for the changes of documents.
//!
//! One number stands for each document, and the engine gives count, highest and sum of the numbers
//! of many. An engine that cannot is no source.

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use stats_model::Fingerprint;

use super::answer::Stats;
use super::client::{Call, Client};
use super::failure::Failure;
use super::json::Whole;
use super::search::search;

/// The aggregation that sums up sequence numbers.
pub(super) fn sums() -> Value {
    json!({"stats": {"field": "_seq_no"}})
}

/// The fingerprint in the answer to [`sums`] over `documents`, if their number is known.
pub(super) fn fingerprint(
    stats: Option<&Stats>,
    documents: Option<u64>,
) -> Result<Fingerprint, Failure> {
    let count = stats.and_then(|stats| stats.count);
    match (stats, count) {
        (_, Some(Whole(0))) if documents.unwrap_or(0) > 0 => Err(Failure::NoSums),
        (_, Some(Whole(0))) => Ok(Fingerprint::default()),
        (Some(stats), Some(Whole(count))) => match (whole(stats.max), whole(stats.sum)) {
            (Some(max), Some(sum)) => Ok(Fingerprint { count, max, sum }),
            _ => Err(Failure::Malformed(format!("numbers beyond 2^53: {stats:?}"))),
        },
        _ => Err(Failure::NoSums),
    }
}

/// A floating-point number as the whole one that it stands for, from 0 to 2^53.
fn whole(value: Option<f64>) -> Option<u64> {
    let exact =
        |value: &f64| (0.0..9_007_199_254_740_992.0).contains(value) && value.fract() == 0.0;
    value.filter(exact).map(|value| value as u64)
}

/// Why a question about the indices behind `name` failed that wants sums: where it was declined,
/// the engine may have none.
pub(super) fn explained(client: &Client, call: &Call, name: &str, failure: Failure) -> Failure {
    if !failure.is_no_question() {
        return failure;
    }
    let search_with = |aggregations: Value| {
        let body = json!({"size": 0, "track_total_hits": false, "aggs": aggregations});
        search::<IgnoredAny>(client, call, name, None, body)
    };
    let declined =
        search_with(json!({"sums": sums()})).is_err_and(|failure| failure.is_no_question());
    let all = json!({"all": {"filter": {"match_all": {}}}});
    // What declines every search has not shown what it lacks.
    if declined && search_with(all).is_ok() { Failure::NoSums } else { failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_that_say_nothing_are_no_empty_shelf() {
        let of = |stats: Value, documents| {
            let stats: Option<Stats> = serde_json::from_value(stats).unwrap();
            fingerprint(stats.as_ref(), documents)
        };
        let stats = json!({"count": 2, "max": 5.0, "sum": 7.0});
        assert_eq!(of(stats, Some(2)).unwrap(), Fingerprint { count: 2, max: 5, sum: 7 });
        assert_eq!(of(json!({"count": 0, "max": null}), Some(0)).unwrap().count, 0);
        for nothing in [json!({"count": 0, "max": null}), json!(null), json!({"max": null})] {
            assert!(matches!(of(nothing, Some(2)), Err(Failure::NoSums)));
        }
        for odd in [1e18, -1.0, 0.5, f64::MAX] {
            for odd in [
                json!({"count": 2, "max": odd, "sum": 1}),
                json!({"count": 2, "max": 1, "sum": odd}),
                json!({"count": 2, "max": 1}),
            ] {
                assert!(matches!(of(odd, None), Err(Failure::Malformed(_))));
            }
        }
    }
}
