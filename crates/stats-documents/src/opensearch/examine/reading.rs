//! How many documents there are, or why that could not be read.

use serde_json::Value;

use super::node::{Answer, NoAnswer, Node};

/// Why something could not be read.
#[derive(Debug)]
pub enum Unread {
    /// It is not there.
    Missing,
    /// There is no right to; what the cluster says.
    Forbidden(String),
    /// The cluster declines; what it says.
    Refused(String),
    /// So many shards do not answer.
    Partial(u64),
    /// There is no answer.
    NoAnswer(NoAnswer),
}

impl From<NoAnswer> for Unread {
    fn from(why: NoAnswer) -> Self {
        Self::NoAnswer(why)
    }
}

impl Unread {
    /// What a good answer says.
    pub(super) fn accepted(answer: Answer) -> Result<Value, Self> {
        match &answer {
            answer if answer.is_forbidden() => Err(Self::Forbidden(answer.reason())),
            answer if !answer.is_ok() => Err(Self::Refused(answer.reason())),
            _ => Ok(answer.json),
        }
    }
}

impl Node {
    /// The documents of an alias, or of indices separated by commas, by their whole names.
    ///
    /// # Errors
    /// When they cannot be counted, with the reason.
    pub fn documents(&self, names: &str) -> Result<u64, Unread> {
        let answer = self.get(&format!("/{names}/_count"))?;
        if answer.status == 404 {
            return Err(Unread::Missing);
        }
        let counted = Unread::accepted(answer)?;
        match counted["_shards"]["failed"].as_u64().unwrap_or(0) {
            0 => Ok(counted["count"].as_u64().unwrap_or(0)),
            failed => Err(Unread::Partial(failed)),
        }
    }
}
