//! What came of the responses of a shelf.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stats_cache::ShelfMark;
use stats_model::Category;

use crate::matrix::loss::Loss;
use crate::matrix::verdict::{Verdict, Wait};

/// What came of one task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShelfReport {
    /// The id of the community, or `global`.
    pub community: String,
    /// The year.
    pub year: i16,
    /// What came of each response, in the order of the task.
    pub outcomes: Vec<(Category, Outcome)>,
    /// How many documents were read.
    pub documents: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

/// What came of one response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is stored.
    Stored {
        /// Under which key.
        key: String,
        /// Its bytes before compression.
        plain_length: u64,
        /// What it took the place of.
        over: Over,
    },
    /// What stands stays, since the shelf has lost days.
    Held {
        /// How many.
        loss: Loss,
        /// The shelf as it was read.
        shelf: ShelfMark,
        /// The length of the body that stays, in bytes.
        length: u64,
    },
    /// What stands stays, since not all documents are there yet.
    Waiting(Wait),
    /// The plan has nothing to make here.
    Left(Verdict),
    /// It could not be made or stored.
    Failed(String),
    /// The run was stopped before.
    Abandoned,
}

impl Outcome {
    /// In one word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stored { over: Over::Equal, .. } => "equal",
            Self::Stored { over: Over::Found, .. } => "found",
            Self::Stored { .. } => "stored",
            Self::Held { .. } => "held",
            Self::Waiting(_) => "waiting",
            Self::Left(_) => "left",
            Self::Failed(_) => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// Why it is no other one; empty where nothing has to be said.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Stored { .. } | Self::Abandoned => String::new(),
            Self::Held { loss, .. } => loss.to_string(),
            Self::Waiting(wait) => wait.to_string(),
            Self::Left(verdict) => verdict.reason(),
            Self::Failed(error) => error.clone(),
        }
    }

    /// How many bytes of a response are stored now because of it, before compression.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        match self {
            Self::Stored { plain_length, .. } => *plain_length,
            _ => 0,
        }
    }
}

/// What a response took the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Nothing, or one of ours.
    Ours,
    /// Another one of somebody else.
    Theirs,
    /// The same one of somebody else: it became ours.
    Same,
    /// The same one of ours: only what is known of it was written.
    Equal,
    /// Nothing was written: it stood already when its turn came, made by somebody who works for the same
    /// run and did not live to tell.
    Found,
}
