//! What stands for the changes of documents: their sequence numbers, or, where the engine cannot
//! sum those up, the times at which they were computed.
//!
//! Whichever it is, one number stands for each document, and the engine gives count, highest and
//! sum of the numbers of many; so both are compared in the same way. With times, a document that
//! is written again with another content and the same time is not noticed.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Deserialize;
use serde_json::{Value, json};
use stats_model::Fingerprint;

use super::answer::{Counted, Stats, Whole};
use super::client::{Call, Client};
use super::failure::Failure;
use super::hits::Hit;
use super::search::search;
use crate::facts::{Text, read_object_bytes};

const TIME: &str = "timestamp";
/// The number of a document without time is 0.
const NO_TIME: &str = "1970-01-01T00:00:00";

/// Which numbers stand for changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// `_seq_no`.
    Sequences,
    /// `timestamp`, in milliseconds since 1970.
    Times,
}

impl Numbers {
    /// The aggregation that sums them up.
    pub(super) fn stats(self) -> Value {
        match self {
            Self::Sequences => json!({"stats": {"field": "_seq_no"}}),
            Self::Times => json!({"stats": {"field": TIME, "missing": NO_TIME}}),
        }
    }

    /// What has to come with a hit besides its `_seq_no`, for its number alone.
    pub(super) fn source(self) -> Value {
        match self {
            Self::Sequences => json!(false),
            Self::Times => json!([TIME]),
        }
    }

    /// The number of a document.
    pub(super) fn of(self, hit: &Hit, id: &str, source: &[u8]) -> Result<u64, Failure> {
        match self {
            Self::Sequences => Ok(hit.sequence),
            Self::Times => time(source).ok_or_else(|| {
                Failure::Malformed(format!("document {id} has no {TIME} that can be read"))
            }),
        }
    }

    /// The fingerprint in the answer to [`stats`](Self::stats) over `documents`, if their number
    /// is known.
    pub(super) fn fingerprint(
        self,
        stats: Option<&Stats>,
        documents: Option<u64>,
    ) -> Result<Fingerprint, Failure> {
        let count = stats.and_then(|stats| stats.count);
        match (stats, count) {
            (_, Some(Whole(0))) if documents.unwrap_or(0) > 0 => Err(no_numbers()),
            (_, Some(Whole(0))) => Ok(Fingerprint::default()),
            (Some(stats), Some(Whole(count))) => match (whole(stats.max), whole(stats.sum)) {
                (Some(max), Some(sum)) => Ok(Fingerprint { count, max, sum }),
                _ => Err(Failure::Malformed(format!("numbers beyond 2^53: {stats:?}"))),
            },
            _ => Err(no_numbers()),
        }
    }
}

/// A floating-point number as the whole one that it stands for, from 0 to 2^53.
pub(super) fn whole(value: Option<f64>) -> Option<u64> {
    let exact =
        |value: &f64| (0.0..9_007_199_254_740_992.0).contains(value) && value.fract() == 0.0;
    value.filter(exact).map(|value| value as u64)
}

fn no_numbers() -> Failure {
    Failure::NoNumbers("no statistics of the numbers of changes".to_owned())
}

/// The time in a document; 0 if it has none.
fn time(source: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow, default)]
        timestamp: Text<'a>,
    }
    let fields: Fields<'_> = read_object_bytes(source).ok()?;
    let Some(text) = fields.timestamp.0 else { return Some(0) };
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
    };
    u64::try_from(time.as_millisecond()).ok()
}

/// Which numbers a client uses: sequence numbers, until the engine has shown that it cannot sum
/// them up.
#[derive(Debug, Default)]
pub(super) struct Chosen(AtomicBool);

impl Chosen {
    fn now(&self) -> Numbers {
        if self.0.load(Ordering::Relaxed) { Numbers::Times } else { Numbers::Sequences }
    }

    /// Asks something of the indices behind `name`, a second time where the engine shows at the
    /// first one that it cannot sum up sequence numbers and `again` allows it.
    pub(super) fn ask<T>(
        &self,
        client: &Client,
        call: &Call,
        name: &str,
        mut ask: impl FnMut(Numbers) -> Result<T, Failure>,
        again: impl FnOnce() -> bool,
    ) -> Result<T, Failure> {
        let numbers = self.now();
        match ask(numbers) {
            Err(failure) if numbers == Numbers::Sequences && failure.may_lack_numbers() => {
                if !lacks_sequences(client, call, name)? {
                    return Err(failure);
                }
                self.0.store(true, Ordering::Relaxed);
                if !again() {
                    return Err(failure);
                }
                let answer = ask(Numbers::Times);
                // Who declines this, too, has not shown anything.
                let declined = answer.as_ref().is_err_and(Failure::may_lack_numbers);
                self.0.store(!declined, Ordering::Relaxed);
                answer
            }
            answer => answer,
        }
    }
}

/// Whether the engine declines to sum up sequence numbers, or finds none, while there are
/// documents.
fn lacks_sequences(client: &Client, call: &Call, name: &str) -> Result<bool, Failure> {
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        "aggs": {
            "numbers": Numbers::Sequences.stats(),
            "all": {"filter": {"match_all": {}}},
        },
    });
    #[derive(Deserialize)]
    struct Found {
        numbers: Option<Stats>,
        all: Counted,
    }
    match search::<Found>(client, call, name, None, body) {
        Ok(summary) => {
            let Found { numbers, all } = summary.aggregations()?;
            let found = numbers.and_then(|numbers| numbers.count).is_some_and(|it| it.0 > 0);
            Ok(!found && all.doc_count.0 > 0)
        }
        Err(failure) => {
            if failure.may_lack_numbers() {
                Ok(true)
            } else {
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_documents() {
        let of =
            |text: &str| time(format!(r#"{{"a":[1],"timestamp":{text},"b":{{}}}}"#).as_bytes());
        assert_eq!(of(r#""2025-03-10T00:41:07""#), Some(1_741_567_267_000));
        assert_eq!(of(r#""2025-03-10T00:41:07.5Z""#), Some(1_741_567_267_500));
        assert_eq!(of(r#""2025-03-10T02:41:07+02:00""#), Some(1_741_567_267_000));
        assert_eq!(of("null"), Some(0));
        assert_eq!(time(b"{}"), Some(0));
        assert_eq!(of(r#""yesterday""#), None);
        assert_eq!(of(r#""1969-03-10T00:41:07""#), None);
        assert_eq!(time(b"[]"), None);
    }

    #[test]
    fn statistics_that_say_nothing_are_no_empty_shelf() {
        let of = |stats: Value, documents| {
            let stats: Option<Stats> = serde_json::from_value(stats).unwrap();
            Numbers::Sequences.fingerprint(stats.as_ref(), documents)
        };
        let stats = json!({"count": 2, "max": 5.0, "sum": 7.0});
        assert_eq!(of(stats, Some(2)).unwrap(), Fingerprint { count: 2, max: 5, sum: 7 });
        assert_eq!(of(json!({"count": 0, "max": null}), Some(0)).unwrap().count, 0);
        for nothing in [json!({"count": 0, "max": null}), json!(null), json!({"max": null})] {
            let failure = of(nothing, Some(2)).unwrap_err();
            assert!(failure.may_lack_numbers(), "{failure}");
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
