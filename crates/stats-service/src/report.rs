//! What a run did (cache-and-jobs specification, section 8.9).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use stats_cache::ShelfMark;
use stats_documents::OpenImport;
use stats_model::Cell;

use crate::matrix::loss::Loss;
use crate::matrix::verdict::{Keep, Wait};
use crate::matrix::words::held_because;

/// The result of a run. As JSON it is the object of the Python package, and `incomplete`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Responses that were made and stored.
    pub success: u64,
    /// Responses that could not be made or stored.
    pub failed: u64,
    /// Responses that were left as they are.
    pub skipped: u64,
    /// One for each failed response.
    pub errors: Vec<Failure>,
    /// The stored ones.
    pub responses: Vec<Stored>,
    /// Responses whose period is not aggregated yet; nothing was stored for them.
    pub incomplete: u64,
    /// Responses that stay as they are because their shelves have lost days.
    pub held: u64,
    /// The held ones.
    pub held_responses: Vec<Held>,
    /// Of the stored ones those that another writer had left, to the same byte: they became ours.
    pub adopted: u64,
    /// Of the stored ones those that took the place of another one of another writer.
    pub replaced: u64,
    /// How many were left as they are, for which reason.
    #[serde(skip)]
    pub kept: BTreeMap<Keep, u64>,
    /// The incomplete ones.
    #[serde(skip)]
    pub waiting: Vec<Waiting>,
    /// Documents that were read.
    #[serde(skip)]
    pub documents: u64,
    /// Bytes of the documents that were read.
    #[serde(skip)]
    pub document_bytes: u64,
    /// Bytes of the responses that were stored, before compression.
    #[serde(skip)]
    pub response_bytes: u64,
    /// How long it took.
    #[serde(skip)]
    pub elapsed: Duration,
    /// Whether it was stopped before its end, or does not speak of every cell of its plan.
    #[serde(skip)]
    pub interrupted: bool,
    /// Whether it was stopped because the lock of bulk runs was lost.
    #[serde(skip)]
    pub lock_lost: bool,
    /// Whether the source held any bookmark for what was asked.
    #[serde(skip)]
    pub bookmarked: bool,
    /// The imports that were open when the run began.
    #[serde(skip)]
    pub open_imports: Vec<OpenImport>,
    /// Whether an import changed documents while they were read.
    #[serde(skip)]
    pub imported_meanwhile: bool,
    /// Whether something else was stored, in the place of a response that was to be made, while the
    /// run went on.
    #[serde(skip)]
    pub changed_meanwhile: bool,
    /// The years asked for that are in no lifespan of a community asked for.
    #[serde(skip)]
    pub outside: Vec<i16>,
    /// What went wrong beside the responses.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// A response that could not be made or stored.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// Its cell.
    #[serde(flatten)]
    pub cell: Cell,
    /// Why.
    pub error: String,
}

/// A response that waits for the aggregation, or for what it wrote.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its cell.
    pub cell: Cell,
    /// What it waits for.
    pub wait: Wait,
}

/// A response that stays as it is because its shelf has lost days.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its cell.
    pub cell: Cell,
    /// How many days it shows, and how many there are now, at most.
    pub loss: Loss,
    /// What the source says, where it has nothing for the whole kind.
    pub missing: Option<String>,
    /// The shelf as it was read and the length of the body that stays; `None` when nothing had to be
    /// read to know.
    pub(crate) found: Option<(ShelfMark, u64)>,
}

/// A response that was stored.
#[derive(Debug, Clone, Serialize)]
pub struct Stored {
    /// Its cell.
    #[serde(flatten)]
    pub cell: Cell,
    /// Under which key.
    pub cache_key: String,
}

impl Held {
    /// Why it stays, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        held_because(self.loss, self.missing.as_deref())
    }
}

/// Cell, days, and the reason in words.
impl Serialize for Held {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            #[serde(flatten)]
            cell: &'a Cell,
            days_then: u64,
            days_now: u64,
            reason: String,
        }
        let (Loss { then, now }, reason) = (self.loss, self.reason());
        Shown { cell: &self.cell, days_then: then, days_now: now, reason }.serialize(serializer)
    }
}

impl Summary {
    /// All cells of the run.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.success + self.failed + self.skipped + self.incomplete + self.held
    }

    pub(crate) fn keep(&mut self, reason: Keep) {
        self.skipped += 1;
        *self.kept.entry(reason).or_default() += 1;
    }

    pub(crate) fn fail(&mut self, cell: Cell, error: String) {
        self.failed += 1;
        self.errors.push(Failure { cell, error });
    }

    pub(crate) fn hold(&mut self, response: Held) {
        self.held += 1;
        self.held_responses.push(response);
    }

    pub(crate) fn wait(&mut self, cell: Cell, wait: Wait) {
        self.incomplete += 1;
        self.waiting.push(Waiting { cell, wait });
    }
}
