//! Why something could not be read, in words.

use stats_documents::opensearch::examine::Unread;

use super::super::check::{Check, State};

const READ_RIGHT: &str = "grant indices:data/read/* on it to this user";

/// The check `what` of `name`, which could not be read.
pub(super) fn unread(why: Unread, what: &str, name: &str) -> Check {
    match why {
        Unread::Missing => Check::failed(what, format!("{name} is not there"), READ_RIGHT),
        Unread::Forbidden(reason) => {
            let remedy = format!(
                "{READ_RIGHT}, with indices:admin/aliases/get and \
                                      indices:admin/mappings/get"
            );
            Check::failed(what, format!("no right to look at {name}: {reason}"), remedy)
        }
        Unread::Refused(reason) => {
            let remedy = "look at the health and the log of the cluster";
            Check::failed(what, format!("{name}: {reason}"), remedy)
        }
        Unread::Partial(failed) => {
            let detail = format!(
                "{name}: {} not answer",
                if failed == 1 { "1 shard does".to_owned() } else { format!("{failed} shards do") }
            );
            Check::failed(what, detail, "look at the health of the cluster (_cluster/health)")
        }
        Unread::NoAnswer(why) => Check::of(
            State::Unreachable,
            what,
            format!("{name}: {why}"),
            "try again; the cluster answered a moment ago",
        ),
    }
}
