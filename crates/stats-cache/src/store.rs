//! The trait that every store of responses answers.

use std::sync::Arc;

use jiff::Timestamp;
use stats_model::Category;

use crate::{Body, BodyEncoding, CacheError, Entry, EntryDescription, EntryState, Lease, Seen};

/// Which entries a question is about. Empty lists mean all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Community ids, `global` included.
    pub communities: Vec<String>,
    /// Years.
    pub years: Vec<i16>,
    /// Categories.
    pub categories: Vec<Category>,
}

impl EntryFilter {
    /// Whether an entry is meant.
    #[must_use]
    pub fn matches(&self, entry: &EntryDescription) -> bool {
        (self.communities.is_empty() || self.communities.contains(&entry.community))
            && (self.years.is_empty() || self.years.contains(&entry.year))
            && (self.categories.is_empty() || self.categories.contains(&entry.category))
    }
}

/// Figures over a whole store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreSummary {
    /// Entries that stand.
    pub entries: u64,
    /// Entries whose lifetime is over and that were not removed yet.
    pub expired: u64,
    /// Bytes of all plain bodies, as far as known.
    pub plain_bytes: u64,
    /// Bytes that the bodies take in the store.
    pub stored_bytes: u64,
    /// Damaged, truncated or unintelligible entries that [`get`](CacheStore::get) met since the
    /// store was opened.
    pub damaged_reads: u64,
    /// What the store is, for people: `SQLite 3.50.4, cache.db`.
    pub store: String,
}

/// A place that holds finished responses by key.
///
/// The contract, which the suite in module `contract` checks for every implementation:
///
/// * *Atomicity.* [`put`](Self::put) replaces an entry as a whole. Until it returns, readers get
///   the old entry; afterwards the new one; never a mixture, in no process.
/// * *Absence.* A key under which nothing stands is [`EntryState::Absent`] or `None`, never an
///   error. An error always means that the question could not be answered.
/// * *Expiry.* An entry whose `expires` has come is not served. Time is UTC, and kept to the
///   millisecond.
/// * *Integrity.* [`get`](Self::get) returns only bodies whose length and SHA-256 are those that
///   were put, under the key for which it is asked. Anything else (cut, altered, of an unknown
///   format) is counted and treated as absent; from then on [`describe`](Self::describe) says that
///   the entry is [`EntryState::Damaged`] or absent, unless the store cannot be written.
/// * *Other writers.* Where other programs write into the same place, their entries are
///   [`EntryState::Foreign`] and are served when they are complete JSON, without origin or creation
///   time; anything else they leave is counted and treated as absent
///   (cache-and-jobs specification, section 15, row 12).
/// * *Failure.* A failed `put` leaves the old entry in place, or none; never the new one.
/// * *Fences.* Whatever is written through what [`fenced`](Self::fenced) returns is held against the
///   lease in the same transaction. Once another run got as far as to have a fence of its own, or the
///   lock is known to be lost, it is refused with [`LockLost`](crate::LockLost) and
///   changes nothing: also what was begun before, by a process that was stopped in the middle.
/// * *Threads and processes.* All methods may be called from several threads and processes at
///   once and may block.
pub trait CacheStore: Send + Sync {
    /// The same store for a run that holds the lock of bulk runs with this lease. Every earlier one is
    /// refused from now on; writes past all fences, as those by hand, are not.
    ///
    /// # Errors
    /// [`LockLost`](crate::LockLost) when the lease is lost by now; and when the store
    /// cannot be written.
    fn fenced(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn CacheStore>, CacheError>;

    /// The encoding in which [`put`](Self::put) wants bodies.
    fn encoding(&self) -> BodyEncoding;

    /// Stores `body` under `description.key`, in place of whatever was there.
    /// `description.stored_length` and `plain_length` and `sha256` are set from the body.
    ///
    /// # Errors
    /// When it could not be stored; the old entry then still stands.
    fn put(&self, description: &EntryDescription, body: &Body) -> Result<(), CacheError>;

    /// Stores like [`put`](Self::put), but only over what was seen: returns false and changes nothing
    /// when another entry stands under the key by now. What is gone or damaged meanwhile is nothing
    /// to spare.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    fn put_over(
        &self,
        seen: Seen,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<bool, CacheError>;

    /// Gives the entry under `key` another end (`None`: it never ends) without touching its body;
    /// whatever else is known of it stays. Where an entry is still known after its time, it stands
    /// again. Returns false, and changes nothing, when there is none.
    ///
    /// # Errors
    /// When it could not be done; the entry is then as it was.
    fn prolong(&self, key: &str, expires: Option<Timestamp>) -> Result<bool, CacheError>;

    /// Makes the entry under `description.key` the one that is described, without touching its
    /// body: only if that has the length and SHA-256 of the description. Otherwise, and when it is
    /// written to meanwhile, it returns false and changes nothing.
    ///
    /// # Errors
    /// When it could not be done; the entry is then as it was.
    fn adopt(&self, description: &EntryDescription) -> Result<bool, CacheError>;

    /// The verified entry under `key`, if one stands there.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn get(&self, key: &str) -> Result<Option<Entry>, CacheError>;

    /// The state of each of these keys, in their order, without reading a body.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn describe(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError>;

    /// Those of these keys under which nothing was ever stored, or nothing is any more.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn absent(&self, keys: &[String]) -> Result<Vec<String>, CacheError> {
        let states = keys.iter().zip(self.describe(keys)?);
        let absent = states.filter(|(_, state)| *state == EntryState::Absent);
        Ok(absent.map(|(key, _)| key.clone()).collect())
    }

    /// Those of these keys whose bodies cannot be read, as far as that can be told without reading
    /// them: by their lengths, say. What [`describe`](Self::describe) tells as well may be left out.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn unreadable(&self, keys: &[String]) -> Result<Vec<String>, CacheError> {
        let _ = keys;
        Ok(Vec::new())
    }

    /// Removes entries; returns how many of the keys existed.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn delete(&self, keys: &[String]) -> Result<u64, CacheError>;

    /// The entries that the store knows of itself (all that this program stored and that still
    /// stand, expired ones included), sorted by community, year, category. A store shared with
    /// other writers may hold more; their keys are found with [`describe`](Self::describe).
    ///
    /// # Errors
    /// When the store cannot answer.
    fn list(&self, filter: &EntryFilter) -> Result<Vec<EntryState>, CacheError>;

    /// Removes every entry of this store's prefix, also those of other writers; returns how many.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn clear(&self) -> Result<u64, CacheError>;

    /// Figures over the whole store.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn summary(&self) -> Result<StoreSummary, CacheError>;
}
