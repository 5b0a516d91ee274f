//! What is remembered of responses beside their entries: why the last attempt to make one came to
//! nothing, and since which year there have been responses of a community.
//!
//! It is history, not truth: nothing that is stored depends on it, and losing it loses only what can
//! be told about the past.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats_model::Category;

use crate::{CacheError, Lease, ShelfMark};

/// The version of a note. It rises when a note changes its meaning; notes of other versions are
/// forgotten.
const NOTE_FORMAT: u32 = 1;

/// No text of a note is longer, in characters.
const LONGEST_TEXT: usize = 1000;

/// Why the last attempt to make a response came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Community UUID or `global`.
    pub community: String,
    /// Year of the response.
    pub year: i16,
    /// Category, by its query name.
    #[serde(with = "crate::entry::category_name")]
    pub category: Category,
    /// When it came to nothing for the first time since it last succeeded.
    pub since: Timestamp,
    /// When it came to nothing the last time.
    pub last: Timestamp,
    /// How often it was tried since it last succeeded, or since what it is made from changed.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub attempts: u32,
    /// When it may be tried again by whoever does not insist; `None`: at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// What it was to be made from, in a few characters that mean nothing to the notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_from: Option<String>,
    /// What the matter was.
    pub trouble: Trouble,
}

const fn once() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_once(attempts: &u32) -> bool {
    *attempts == 1
}

/// What kept a response from being made or stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trouble {
    /// It could not be made or stored.
    Failed {
        /// Why, causes included.
        error: String,
    },
    /// It could be made, but would show fewer days than the one that is stored.
    Held {
        /// The fingerprint of the shelf as it was read.
        shelf: ShelfMark,
        /// Days of the stored response.
        then: u64,
        /// Days on the shelf.
        now: u64,
        /// Length of the stored body in bytes: the note is about no other.
        length: u64,
    },
}

/// Everything that a notebook holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The notes by the key of their response.
    pub notes: BTreeMap<String, Note>,
    /// By community the first year of which a response has been stored.
    pub first_years: BTreeMap<String, i16>,
}

/// What is to be remembered, and what forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryChanges {
    /// Notes to take, each in place of any other under its key.
    pub notes: Vec<(String, Note)>,
    /// Keys of notes to forget.
    pub forget: Vec<String>,
    /// First years to remember.
    pub first_years: Vec<(String, i16)>,
}

impl MemoryChanges {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.forget.is_empty() && self.first_years.is_empty()
    }
}

/// Remembers notes, for all processes that work on the same store.
///
/// The suite in module `contract` checks every implementation:
///
/// * What was remembered comes back, in whole or not at all; unreadable notes count as forgotten.
/// * Where the first year follows from the entries themselves, the one that is given need not be
///   kept.
/// * Nothing here touches an entry.
pub trait Notebook: Send + Sync {
    /// The same notebook for a run that holds the lock of bulk runs with this lease, as
    /// [`CacheStore::fenced`](crate::CacheStore::fenced).
    ///
    /// # Errors
    /// As there.
    fn fenced_notes(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn Notebook>, CacheError>;

    /// Everything that is remembered, in one question.
    ///
    /// # Errors
    /// When the notebook cannot answer.
    fn recall(&self) -> Result<Memory, CacheError>;

    /// Makes changes, all of them or none.
    ///
    /// # Errors
    /// When the notebook cannot be written; what was remembered before then still is.
    fn remember(&self, changes: &MemoryChanges) -> Result<(), CacheError>;

    /// Forgets everything.
    ///
    /// # Errors
    /// When the notebook cannot be written.
    fn forget_all(&self) -> Result<(), CacheError>;
}

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    #[serde(flatten)]
    note: &'a Note,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl Note {
    /// The note as it is kept.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Written { v: NOTE_FORMAT, note: self })
    }

    /// A note that was kept; `None` when it is of another version or not readable.
    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        let Version { v } = serde_json::from_slice(json).ok()?;
        (v == NOTE_FORMAT).then(|| serde_json::from_slice(json).ok()).flatten()
    }
}

impl Trouble {
    /// A failure with this text, cut where it is very long.
    #[must_use]
    pub fn failed(error: &str) -> Self {
        let end = error.char_indices().nth(LONGEST_TEXT).map_or(error.len(), |(at, _)| at);
        Self::Failed { error: error[..end].to_owned() }
    }
}
