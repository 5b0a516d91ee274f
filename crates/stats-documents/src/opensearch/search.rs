//! How searches are addressed: to primary shards, and for nothing but whole answers.
//!
//! The copies of a shard show writes at different times. A position is that of the primary, so
//! another copy could show an older state than the one the position stands for.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Summary;
use super::client::{Call, Client, Request};
use super::failure::Failure;
use super::pit::PointInTime;
use super::targets::escape;

const PATH: &str = "/_search?allow_partial_search_results=false";
const PRIMARIES: &str = "&preference=_primary";

/// The same request without asking for primaries, if it did. OpenSearch before 2.8 refuses to be
/// asked for them; with one copy of each shard it makes no difference.
pub(super) fn anywhere(request: &Request) -> Option<Request> {
    let path = request.path.replace(PRIMARIES, "");
    (path != request.path).then(|| Request { path, ..request.clone() })
}

/// Whether the request was not understood, so that it may be one for [`anywhere`].
pub(super) const fn is_refused(failure: &Failure) -> bool {
    matches!(failure, Failure::Status { status: 400, .. })
}

/// A search in the indices behind `names`, or at a point in time: then the copies are chosen
/// already.
pub(super) fn request(names: &str, pit: Option<&PointInTime>, mut body: Value) -> Request {
    match pit {
        Some(pit) => {
            body["pit"] = pit.as_json();
            Request::post(PATH.to_owned(), &body)
        }
        None => Request::post(format!("/{}{PATH}{PRIMARIES}", escape(names)), &body),
    }
}

/// The path that opens a point in time, which must cover all shards.
pub(super) fn point_in_time(names: &str, keep_alive: &str) -> String {
    let names = escape(names);
    format!(
        "/{names}/_search/point_in_time?keep_alive={keep_alive}\
         &allow_partial_pit_creation=false{PRIMARIES}"
    )
}

/// The answer to a search, once it is whole.
pub(super) fn search<A: DeserializeOwned>(
    client: &Client,
    call: &Call,
    names: &str,
    pit: Option<&PointInTime>,
    body: Value,
) -> Result<Summary<A>, Failure> {
    let request = request(names, pit, body);
    match (client.search(call, &request), anywhere(&request)) {
        (Err(failure), Some(request)) if is_refused(&failure) => client.search(call, &request),
        (answer, _) => answer,
    }
}
