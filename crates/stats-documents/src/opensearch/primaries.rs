//! Asking primary shards, where the engine lets itself be asked for them.

use super::client::Request;
use super::failure::Failure;

/// What asks for primaries, at the end of a path.
pub(super) const PRIMARIES: &str = "&preference=_primary";

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
