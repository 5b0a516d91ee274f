//! The position as it is now.

use std::collections::BTreeSet;

use stats_model::{Position, PositionMark};

use super::searched::searched_position;
use super::statistics::Statistics;
use crate::opensearch::client::{Call, Client, Request};
use crate::opensearch::failure::Failure;
use crate::opensearch::targets::escape;

/// The position of the indices behind `name`; from searching alone where the right to
/// see their statistics is missing.
pub(in crate::opensearch) fn position(
    client: &Client,
    call: &Call,
    name: &str,
) -> Result<Position, Failure> {
    let request = statistics_of(&escape(name), "");
    // A primary that just moves or starts is there a moment later.
    let mut attempts = client.attempts(call);
    loop {
        let position = match client.json::<Statistics>(call, &request) {
            Ok(statistics) => statistics.position(name),
            Err(failure) if failure.is_declined() && !failure.is_missing() => {
                return searched_position(client, call, name);
            }
            Err(failure) => return Err(failure),
        };
        match position {
            Ok(position) => return Ok(position),
            Err(failure) => attempts.again(failure)?,
        }
    }
}

/// The question for the statistics that a position is made of.
pub(super) fn statistics_of(names: &str, options: &str) -> Request {
    Request::get(format!(
        "/{names}/_stats/refresh,segments?level=shards{options}&filter_path=_shards,indices.*.uuid,\
         indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no,indices.*.shards.*.refresh,\
         indices.*.shards.*.commit.user_data.history_uuid,\
         indices.*.shards.*.segments.index_writer_memory_in_bytes"
    ))
}

/// The indices that a position is about.
pub(in crate::opensearch) fn indices(position: &Position) -> BTreeSet<&str> {
    position.0.iter().map(PositionMark::root).collect()
}
