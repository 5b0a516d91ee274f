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
use super::primaries::{PRIMARIES, anywhere, is_refused};
use super::targets::escape;

const PATH: &str = "/_search?allow_partial_search_results=false";

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
