//! What came of single jobs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What came of one job that a run touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOutcome {
    /// The job, such as `global/2025/usage-delta-category`.
    pub job: String,
    /// The name of what came of it, such as `stored`.
    pub outcome: String,
    /// More about it; empty when there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// When it was done.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    #[serde(rename = "ms")]
    pub duration_ms: u64,
    /// How much was stored, in bytes.
    pub bytes: u64,
}

/// Some outcomes of a run, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutcomePage {
    /// Those of the page that can be read.
    pub outcomes: Vec<JobOutcome>,
    /// Where the page ends: what is written from there on is asked for with it. When that is where it
    /// began, there is no more yet.
    pub after: u64,
}
