//! What is stored under a key, and what is known about it.

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats_model::Category;

/// How the bytes of a [`Body`] are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEncoding {
    /// As they are served.
    Plain,
    /// zstd, one frame.
    Zstd,
}

/// A response body on its way into a store: encoded as the store wants it, measured and hashed
/// while it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// How `bytes` are held.
    pub encoding: BodyEncoding,
    /// The encoded bytes.
    pub bytes: Vec<u8>,
    /// Length of the plain body, in bytes.
    pub plain_length: u64,
    /// SHA-256 of the plain body.
    pub sha256: [u8; 32],
}

/// The documents an entry was made from: the fingerprint of its shelf in the source's numbering.
/// A mirror of this crate's own, so that stores need not know where documents come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfMark {
    /// How many documents.
    pub count: u64,
    /// The highest sequence number.
    pub max: u64,
    /// The sum of the sequence numbers.
    pub sum: u64,
}

/// Everything an entry was made from. Two equal origins give equal bodies
/// (cache-and-jobs specification, section 15, row 12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The fingerprint of the shelf.
    pub shelf: ShelfMark,
    /// How many days its documents were of, or more if those of what it took the place of were of
    /// more: so nothing wears away little by little. `None` where that was not counted yet (formats
    /// of version 1). Several documents may be of one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
    /// The source's history and position when it was read, as one text.
    pub position: String,
    /// Hash of the layout's component names, as lower-case hex; empty when not optimised.
    pub layout: String,
    /// Hash of the subcount configuration and component registry, as lower-case hex.
    pub configuration: String,
    /// Whether the response holds only what the layout needs.
    pub optimized: bool,
    /// The version of the generator that made it. It rises when output bytes change.
    pub generator: u32,
}

/// What is known about an entry without reading its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryDescription {
    /// The full cache key.
    pub key: String,
    /// Community UUID or `global`.
    pub community: String,
    /// Year of the response.
    pub year: i16,
    /// Category, by its query name.
    #[serde(with = "category_name")]
    pub category: Category,
    /// When it was made; `None` for an entry that another writer left.
    pub created: Option<Timestamp>,
    /// When it ends, UTC; `None`: never.
    pub expires: Option<Timestamp>,
    /// The last day that the aggregation had completed when it was made, `YYYY-MM-DD`.
    pub data_through: Option<String>,
    /// What it was made from; `None` for an entry that another writer left, or that was stored by
    /// `update`.
    pub origin: Option<Origin>,
    /// Length of the plain body, in bytes.
    pub plain_length: u64,
    /// Bytes it takes in the store.
    pub stored_length: u64,
    /// SHA-256 of the plain body, when known.
    pub sha256: Option<[u8; 32]>,
}

/// Something under a key that cannot be an entry. As text: `key: why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedEntry {
    /// The key under which it stands.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}

impl DamagedEntry {
    /// What stands under `key`, and is damaged because of `why`.
    pub fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self { key: key.into(), why: why.into() }
    }
}

impl fmt::Display for DamagedEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.key, self.why)
    }
}

/// The state of one key in a store, as far as the store can tell without reading the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    /// Nothing is stored under the key.
    Absent,
    /// An entry that this program stored and nobody touched since.
    Ours(EntryDescription),
    /// Something is stored that this program did not write (for example by the Python package). A
    /// key does not tell what it is the key of: `community` is empty and year and category mean
    /// nothing, unless whoever asked filled them in
    /// (as [`CachedResponse::states`](crate::CachedResponse::states) does).
    Foreign(EntryDescription),
    /// An entry was stored, and its lifetime is over.
    Expired(EntryDescription),
    /// Something is stored that cannot be an entry; it counts as absent.
    Damaged(DamagedEntry),
}

impl EntryState {
    /// What is known about the entry; `None` when there is none, or a damaged one.
    #[must_use]
    pub const fn description(&self) -> Option<&EntryDescription> {
        match self {
            Self::Ours(description) | Self::Foreign(description) | Self::Expired(description) => {
                Some(description)
            }
            Self::Absent | Self::Damaged(_) => None,
        }
    }

    /// Whether a [`get`](crate::CacheStore::get) would find an entry.
    #[must_use]
    pub const fn stands(&self) -> bool {
        matches!(self, Self::Ours(_) | Self::Foreign(_))
    }

    /// What it takes to know the entry again.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        match self {
            Self::Absent | Self::Damaged(_) => Seen::Nothing,
            Self::Ours(EntryDescription { created, sha256, .. })
            | Self::Expired(EntryDescription { created, sha256, .. }) => {
                Seen::Ours { created: *created, sha256: *sha256 }
            }
            Self::Foreign(EntryDescription { plain_length, sha256, .. }) => {
                Seen::Foreign { length: *plain_length, sha256: *sha256 }
            }
        }
    }

    /// The order of lists: by community, year, category; what has no description comes last.
    #[must_use]
    pub(crate) fn compare_by_response(&self, other: &Self) -> Ordering {
        match (self.description(), other.description()) {
            (Some(one), Some(two)) => (&one.community, one.year, one.category)
                .cmp(&(&two.community, two.year, two.category))
                .then_with(|| one.key.cmp(&two.key)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

/// What stood under a key when somebody looked, as far as it takes to know it again. Its end does not
/// count: an entry that lives on is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing, or something that cannot be an entry.
    Nothing,
    /// An entry that this program stored.
    Ours {
        /// When it was made.
        created: Option<Timestamp>,
        /// SHA-256 of its body.
        sha256: Option<[u8; 32]>,
    },
    /// An entry of another writer.
    Foreign {
        /// Length of its body, in bytes.
        length: u64,
        /// SHA-256 of its body, when that was read.
        sha256: Option<[u8; 32]>,
    },
}

impl Seen {
    /// Whether `now` is what was seen. What nobody read of an entry cannot differ.
    #[must_use]
    pub fn is(self, now: Self) -> bool {
        match (self, now) {
            (Self::Foreign { length, sha256: None }, Self::Foreign { length: now, .. }) => {
                length == now
            }
            (seen, now) => seen == now,
        }
    }

    /// Whether an entry may be written over that is `now`, by whoever saw this and stores `body`:
    /// it is what was seen, or nothing, or the same was stored already and its answer got lost.
    pub(crate) fn gives_way(
        self,
        now: &EntryState,
        description: &EntryDescription,
        body: &Body,
    ) -> bool {
        let created = description.created.map(to_the_millisecond);
        let stored = Self::Ours { created, sha256: Some(body.sha256) };
        let now = now.seen();
        now == Self::Nothing || self.is(now) || stored == now
    }
}

/// A time as it is kept.
fn to_the_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// A complete entry, verified: the body has the length and hash of the description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is known about it.
    pub description: EntryDescription,
    /// The plain body.
    pub body: Vec<u8>,
}

pub(crate) mod category_name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use stats_model::Category;

    pub(crate) fn serialize<S: Serializer>(
        category: &Category,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(category.query_name())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Category, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
