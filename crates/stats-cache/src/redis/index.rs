//! What we remember of an entry beside it, and how far that can be believed.
//!
//! The records lie in one hash per prefix, outside `<prefix>:*`. The Python package writes and removes
//! entries without touching them (cache-and-jobs specification, section 15, row 20), so a record is
//! a hint: it counts only while the entry has the very expiry, to the millisecond, and the length
//! that we gave it.

use jiff::Timestamp;
use redis::Value;
use serde::{Deserialize, Serialize};
use stats_model::Category;

use crate::key::hex;
use crate::{DamagedEntry, EntryDescription, EntryState, Origin};

/// The version of a record. It rises when a record changes its meaning.
///
/// 2: origins count days. Records of version 1 are read.
const RECORD_FORMAT: u32 = 2;
const OLDEST_FORMAT: u32 = 1;

/// What stands in place of a record once the body was found damaged, until the entry is made again.
/// Programs that do not know it take it for a format that they do not know.
pub(super) const DAMAGED: &str = r#"{"v":0}"#;

/// The name of the hash with the records of `prefix`.
pub(super) fn index_name(prefix: &str) -> String {
    name_of("index", prefix)
}

/// The name of the hash with the notes of `prefix`.
pub(super) fn notes_name(prefix: &str) -> String {
    name_of("notes", prefix)
}

/// The name of the hash with the first years of communities.
pub(super) fn first_years_name(prefix: &str) -> String {
    name_of("first-years", prefix)
}

/// The name of the key with the token of the last run, where the lock is on another server.
pub(super) fn fence_name(prefix: &str) -> String {
    name_of("fence", prefix)
}

fn name_of(what: &str, prefix: &str) -> String {
    let name = format!("community-stats:{what}:{prefix}");
    // Whoever clears the prefix, with KEYS <prefix>:*, must not meet our records.
    if name.starts_with(&format!("{prefix}:")) {
        return format!("community-stats-{what}:{prefix}");
    }
    name
}

/// A description as it is stored, as JSON with short names.
#[derive(Serialize, Deserialize)]
struct Record {
    v: u32,
    community: String,
    year: i16,
    category: String,
    created: Option<i64>,
    expires: Option<i64>,
    through: Option<String>,
    origin: Option<Origin>,
    length: u64,
    sha256: String,
}

#[derive(Deserialize)]
struct RecordVersion {
    v: u32,
}

/// The record of an entry of this length and hash.
pub(super) fn record(
    description: &EntryDescription,
    length: u64,
    sha256: &[u8; 32],
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Record {
        v: RECORD_FORMAT,
        community: description.community.clone(),
        year: description.year,
        category: description.category.query_name().to_owned(),
        created: description.created.map(Timestamp::as_millisecond),
        expires: description.expires.map(Timestamp::as_millisecond),
        through: description.data_through.clone(),
        origin: description.origin.clone(),
        length,
        sha256: hex(sha256),
    })
}

/// What the record of `key` says; the error names what is wrong with it.
pub(super) fn description(key: &str, record: &[u8]) -> Result<EntryDescription, String> {
    let unreadable = |error: serde_json::Error| format!("unreadable record: {error}");
    let RecordVersion { v } = serde_json::from_slice(record).map_err(unreadable)?;
    if v == 0 {
        return Err("its body was found damaged".to_owned());
    }
    if !(OLDEST_FORMAT..=RECORD_FORMAT).contains(&v) {
        return Err(format!("format {v}, and this program knows none above {RECORD_FORMAT}"));
    }
    let record: Record = serde_json::from_slice(record).map_err(unreadable)?;
    let time = |milliseconds: Option<i64>| {
        milliseconds
            .map(Timestamp::from_millisecond)
            .transpose()
            .map_err(|error| format!("impossible time: {error}"))
    };
    Ok(EntryDescription {
        key: key.to_owned(),
        community: record.community,
        year: record.year,
        category: record.category.parse().map_err(|error| format!("{error}"))?,
        created: time(record.created)?,
        expires: time(record.expires)?,
        data_through: record.through,
        origin: record.origin,
        plain_length: record.length,
        stored_length: record.length,
        sha256: Some(unhex(&record.sha256).ok_or("no SHA-256")?),
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

/// When Redis will drop a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deadline {
    /// There is no such key.
    NoKey,
    /// Never.
    Never,
    /// Between these two, milliseconds since 1970; the same when it is known exactly.
    Between(i64, i64),
}

impl Deadline {
    /// From the answer to `PEXPIRETIME`.
    pub(super) const fn from_expiry(answer: i64) -> Self {
        match answer {
            -2 => Self::NoKey,
            -1 => Self::Never,
            at => Self::Between(at, at),
        }
    }

    /// From the answer to `PTTL`, asked between these two times of the server.
    pub(super) const fn from_remaining(before: i64, answer: i64, after: i64) -> Self {
        match answer {
            -2 => Self::NoKey,
            -1 => Self::Never,
            remaining => {
                Self::Between(before.saturating_add(remaining), after.saturating_add(remaining))
            }
        }
    }

    fn is_that_of(self, record: &EntryDescription) -> bool {
        match (self, record.expires) {
            (Self::Never, None) => true,
            (Self::Between(from, to), Some(expires)) => {
                (from..=to).contains(&expires.as_millisecond())
            }
            _ => false,
        }
    }

    fn time(self) -> Option<Timestamp> {
        match self {
            Self::Between(from, _) => Timestamp::from_millisecond(from).ok(),
            Self::NoKey | Self::Never => None,
        }
    }
}

/// The state of the entry under `key`, from its record, its deadline and the answer to `STRLEN`.
pub(super) fn state(
    key: &str,
    record: Option<&[u8]>,
    deadline: Deadline,
    length: &Value,
) -> EntryState {
    let damaged = |why: &str| EntryState::Damaged(DamagedEntry::new(key, why));
    if deadline == Deadline::NoKey {
        return EntryState::Absent;
    }
    let length = match length {
        Value::Int(length) => u64::try_from(*length).unwrap_or(0),
        _ => return damaged("another type than a string"),
    };
    if length == 0 {
        return damaged("empty");
    }
    let known = match record.map(|record| description(key, record)).transpose() {
        Ok(known) => known,
        Err(why) => return damaged(&why),
    };
    let Some(known) = known else {
        return EntryState::Foreign(foreign(key, None, deadline, length));
    };
    if deadline.is_that_of(&known) {
        if known.plain_length == length {
            return EntryState::Ours(known);
        }
        if deadline != Deadline::Never {
            // Nobody else hits our millisecond: these are our bytes, and some are missing.
            return damaged(&format!("{length} bytes instead of {}", known.plain_length));
        }
    }
    EntryState::Foreign(foreign(key, Some(&known), deadline, length))
}

/// What can be said of an entry that somebody else wrote. `former` is our record of the key, which
/// still tells which response it is.
pub(super) fn foreign(
    key: &str,
    former: Option<&EntryDescription>,
    deadline: Deadline,
    length: u64,
) -> EntryDescription {
    EntryDescription {
        key: key.to_owned(),
        community: former.map(|known| known.community.clone()).unwrap_or_default(),
        year: former.map_or(0, |known| known.year),
        category: former.map_or(Category::ALL[0], |known| known.category),
        created: None,
        expires: deadline.time(),
        data_through: None,
        origin: None,
        plain_length: length,
        stored_length: length,
        sha256: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(expires: Option<i64>) -> (EntryDescription, Vec<u8>) {
        let description = EntryDescription {
            key: "p:k".to_owned(),
            community: "global".to_owned(),
            year: 2024,
            category: Category::UsageDelta,
            created: None,
            expires: expires.map(|at| Timestamp::from_millisecond(at).unwrap()),
            data_through: None,
            origin: None,
            plain_length: 5,
            stored_length: 5,
            sha256: Some([7; 32]),
        };
        let record = record(&description, 5, &[7; 32]).unwrap();
        (description, record)
    }

    #[test]
    fn records_count_only_with_their_expiry_and_length() {
        let at = |expiry| Deadline::from_expiry(expiry);
        let (description, record) = known(Some(1000));
        let of = |deadline, length| state("p:k", Some(&record), deadline, &Value::Int(length));
        assert_eq!(of(at(1000), 5), EntryState::Ours(description));
        assert_eq!(of(at(-2), 0), EntryState::Absent);
        assert!(matches!(of(at(1001), 5), EntryState::Foreign(_)));
        assert!(matches!(of(at(-1), 5), EntryState::Foreign(_)));
        assert!(matches!(of(at(1000), 4), EntryState::Damaged(_)));
        assert!(matches!(of(at(1000), 0), EntryState::Damaged(_)));
        let list = state("p:k", Some(&record), at(1000), &Value::Nil);
        assert!(matches!(list, EntryState::Damaged(_)));

        let (description, record) = known(None);
        let of = |deadline, length| state("p:k", Some(&record), deadline, &Value::Int(length));
        assert_eq!(of(at(-1), 5), EntryState::Ours(description));
        assert!(matches!(of(at(-1), 6), EntryState::Foreign(_)));
        assert!(matches!(of(at(1000), 5), EntryState::Foreign(_)));
    }

    #[test]
    fn remaining_time_is_compared_within_the_time_of_asking() {
        let (_, record) = known(Some(1000));
        let of = |before, remaining, after| {
            let deadline = Deadline::from_remaining(before, remaining, after);
            state("p:k", Some(&record), deadline, &Value::Int(5))
        };
        assert!(matches!(of(400, 600, 400), EntryState::Ours(_)));
        assert!(matches!(of(399, 600, 401), EntryState::Ours(_)));
        assert!(matches!(of(401, 600, 402), EntryState::Foreign(_)));
    }

    #[test]
    fn the_index_is_never_inside_the_prefix() {
        for prefix in ["stats_dashboard", "community-stats", "community-stats-index", "", "a:b"] {
            let names = [index_name, notes_name, first_years_name, fence_name];
            for name in names.map(|name| name(prefix)) {
                assert!(!name.starts_with(&format!("{prefix}:")), "{prefix}: {name}");
            }
        }
    }
}
