//! What a shelf holds, in three numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a shelf holds, in three numbers over the sequence numbers of its documents. Equal
/// fingerprints of one source mean equal documents (change-feed design, section 2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// How many documents.
    pub count: u64,
    /// The highest sequence number; 0 for an empty shelf.
    pub max: u64,
    /// The sum of the sequence numbers.
    pub sum: u64,
}

impl Fingerprint {
    /// The fingerprint of the documents with these sequence numbers.
    pub fn of(sequences: impl IntoIterator<Item = u64>) -> Self {
        sequences.into_iter().fold(Self::default(), |mut fingerprint, sequence| {
            fingerprint.count += 1;
            fingerprint.max = fingerprint.max.max(sequence);
            fingerprint.sum += sequence;
            fingerprint
        })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} documents, max {}, sum {}", self.count, self.max, self.sum)
    }
}
