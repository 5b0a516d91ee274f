//! Dictionaries: what the small documents of one kind have in common, so that they compress as
//! well as large ones, which have no use for one.
//!
//! The early documents of a kind are kept as samples until there are enough to train from; they
//! themselves are stored without a dictionary. A trained dictionary is written by the transaction
//! that stores the first document packed with it, and stays in the archive for good.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};
use stats_model::DocumentKind;

use super::schema::code_of;

/// Documents of so many bytes and more are packed with LZ4: 8 to 12 to 1 at several gigabytes a
/// second either way, where zstd reaches 11 to 19 to 1 at a third of the speed. Smaller ones need
/// a dictionary, and zstd makes more of one.
pub(super) const LARGE: usize = 16 * 1024;

/// How large a dictionary gets.
const DICTIONARY_BYTES: usize = 32 * 1024;
/// Training starts with this many samples, or with
const SAMPLES: usize = 256;
/// this many bytes of them.
const SAMPLES_BYTES: usize = 2 * 1024 * 1024;
/// One document in so many becomes a sample, so that they come from different communities.
const STRIDE: u64 = 3;

/// A dictionary for one kind.
#[derive(Debug)]
pub(crate) struct Dictionary {
    pub(crate) kind: DocumentKind,
    /// SHA-256 of the content: the same dictionary is stored once.
    pub(crate) digest: [u8; 32],
    pub(crate) content: Vec<u8>,
}

impl Dictionary {
    fn new(kind: DocumentKind, content: Vec<u8>) -> Self {
        Self { kind, digest: Sha256::digest(&content).into(), content }
    }

    /// Its number in the archive; stores it when it is not there yet.
    pub(crate) fn number_in(&self, connection: &Connection) -> rusqlite::Result<i64> {
        let known = connection
            .prepare_cached("SELECT dictionary FROM dictionaries WHERE digest = ?1")?
            .query_row([&self.digest[..]], |row| row.get(0))
            .optional()?;
        if let Some(number) = known {
            return Ok(number);
        }
        connection
            .prepare_cached("INSERT INTO dictionaries (kind, digest, content) VALUES (?1, ?2, ?3)")?
            .execute((code_of(self.kind), &self.digest[..], &self.content))?;
        Ok(connection.last_insert_rowid())
    }
}

/// The dictionaries in use, one for each kind, shared by all who pack documents for one archive.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries {
    kinds: [Mutex<Stage>; 4],
}

#[derive(Debug, Default)]
struct Stage {
    ready: Option<Arc<Dictionary>>,
    given_up: bool,
    seen: u64,
    samples: Vec<u8>,
    lengths: Vec<usize>,
}

impl Dictionaries {
    /// The newest dictionary of each kind that the archive holds.
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let dictionaries = Self::default();
        for kind in DocumentKind::ALL {
            let content: Option<Vec<u8>> = connection
                .query_row(
                    "SELECT content FROM dictionaries WHERE kind = ?1
                     ORDER BY dictionary DESC LIMIT 1",
                    [code_of(kind)],
                    |row| row.get(0),
                )
                .optional()?;
            dictionaries.stage(kind).ready =
                content.map(|content| Arc::new(Dictionary::new(kind, content)));
        }
        Ok(dictionaries)
    }

    /// The dictionary to pack `source` with, if there is one yet; else learns from it.
    pub(crate) fn for_document(
        &self,
        kind: DocumentKind,
        source: &[u8],
    ) -> Option<Arc<Dictionary>> {
        if source.len() >= LARGE {
            return None;
        }
        let mut stage = self.stage(kind);
        if stage.ready.is_none() && !stage.given_up {
            stage.learn(kind, source);
        }
        stage.ready.clone()
    }

    fn stage(&self, kind: DocumentKind) -> MutexGuard<'_, Stage> {
        let place = match kind {
            DocumentKind::RecordDelta => 0,
            DocumentKind::RecordSnapshot => 1,
            DocumentKind::UsageDelta => 2,
            DocumentKind::UsageSnapshot => 3,
        };
        self.kinds[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stage {
    fn learn(&mut self, kind: DocumentKind, source: &[u8]) {
        self.seen += 1;
        if !(self.seen - 1).is_multiple_of(STRIDE) {
            return;
        }
        self.samples.extend_from_slice(source);
        self.lengths.push(source.len());
        if self.lengths.len() < SAMPLES && self.samples.len() < SAMPLES_BYTES {
            return;
        }
        match zstd::dict::from_continuous(&self.samples, &self.lengths, DICTIONARY_BYTES) {
            Ok(content) => self.ready = Some(Arc::new(Dictionary::new(kind, content))),
            // Too little in common: these documents do without.
            Err(_) => self.given_up = true,
        }
        self.samples = Vec::new();
        self.lengths = Vec::new();
    }
}
