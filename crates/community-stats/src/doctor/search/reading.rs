//! How many documents there are, or why that could not be read.

use serde_json::Value;

use super::super::check::{Check, State};
use super::http::{Answer, Node, Trouble};

const READ_RIGHT: &str = "grant indices:data/read/* on it to this user";

/// The documents of an alias, or of indices separated by commas.
pub(super) fn count(node: &Node, names: &str) -> Result<u64, Reading> {
    let answer = node.get(&format!("/{names}/_count"))?;
    if answer.status == 404 {
        return Err(Reading::Missing);
    }
    let counted = Reading::accepted(answer)?;
    let failed = counted["_shards"]["failed"].as_u64().unwrap_or(0);
    if failed > 0 {
        return Err(Reading::Partial(failed));
    }
    Ok(counted["count"].as_u64().unwrap_or(0))
}

/// Why something could not be read.
pub(super) enum Reading {
    Missing,
    Forbidden(String),
    Refused(String),
    Partial(u64),
    Trouble(String),
}

impl From<Trouble> for Reading {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble.to_string())
    }
}

impl Reading {
    pub(super) fn accepted(answer: Answer) -> Result<Value, Self> {
        match &answer {
            answer if answer.is_forbidden() => Err(Self::Forbidden(answer.reason())),
            answer if !answer.is_ok() => Err(Self::Refused(answer.reason())),
            _ => Ok(answer.json),
        }
    }

    pub(super) fn check(self, what: &str, name: &str) -> Check {
        match self {
            Self::Missing => Check::failed(what, format!("{name} is not there"), READ_RIGHT),
            Self::Forbidden(reason) => {
                let remedy = format!(
                    "{READ_RIGHT}, with indices:admin/aliases/get and \
                                      indices:admin/mappings/get"
                );
                Check::failed(what, format!("no right to look at {name}: {reason}"), remedy)
            }
            Self::Refused(reason) => {
                let remedy = "look at the health and the log of the cluster";
                Check::failed(what, format!("{name}: {reason}"), remedy)
            }
            Self::Partial(failed) => {
                let detail = format!(
                    "{name}: {} not answer",
                    if failed == 1 {
                        "1 shard does".to_owned()
                    } else {
                        format!("{failed} shards do")
                    }
                );
                Check::failed(what, detail, "look at the health of the cluster (_cluster/health)")
            }
            Self::Trouble(trouble) => Check::of(
                State::Unreachable,
                what,
                format!("{name}: {trouble}"),
                "try again; the cluster answered a moment ago",
            ),
        }
    }
}
