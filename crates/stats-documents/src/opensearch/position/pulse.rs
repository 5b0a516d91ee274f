//! One question about all indices together.

use stats_model::{Position, PositionMark};

use super::now::statistics_of;
use super::statistics::Statistics;
use crate::opensearch::client::{Call, Client};
use crate::opensearch::failure::Failure;
use crate::opensearch::targets::escape;

/// How far the indices behind any of `names` have moved; names behind which there is nothing are left
/// out. `None` where the right to see their statistics is missing.
pub(in crate::opensearch) fn pulse(
    client: &Client,
    call: &Call,
    names: &[String],
) -> Result<Option<Vec<PositionMark>>, Failure> {
    let names = escape(&names.join(","));
    let request = statistics_of(&names, "&ignore_unavailable=true");
    let mut attempts = client.attempts(call);
    loop {
        let marks = match client.json::<Statistics>(call, &request) {
            Ok(statistics) => statistics.marks(),
            Err(failure) if failure.is_declined() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        match marks {
            Ok(marks) => return Ok(Some(marks)),
            Err(failure) => attempts.again(failure)?,
        }
    }
}

/// Marks of indices whose names `is_of` knows, and of all others.
pub(in crate::opensearch) fn parted(
    marks: Vec<PositionMark>,
    is_of: impl Fn(&str) -> bool,
) -> (Position, Position) {
    let (these, others) = marks.into_iter().partition(|mark| is_of(mark.root()));
    (Position(these), Position(others))
}
