//! A description as a row, and back.

use jiff::Timestamp;
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{
    CachedStatement, OptionalExtension, Row, Statement, Transaction, ffi, named_params, params,
};
use stats_sqlite::RowCheck;

use crate::{Body, DamagedEntry, EntryDescription, EntryState};

/// What the rows of a file carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Version 1.
    Unchecked,
    /// The present version.
    Checked,
}

/// The version of a row and of its body. It rises when either changes its meaning.
///
/// 1: the columns of [`COLUMNS`], times in milliseconds since 1970, origin as JSON; the body is one
/// zstd frame.
/// 2: origins count days. Rows of version 1 are read.
pub(super) const ENTRY_FORMAT: i64 = 2;
const OLDEST_FORMAT: i64 = 1;

/// What stands in place of [`ENTRY_FORMAT`] once the body was found damaged, until the entry is made
/// again.
pub(super) const DAMAGED_BODY: i64 = 0;

/// What a row says, in the order in which its check says it, and in which the [`columns`] of a query
/// begin: they are found by their places, since names are looked up one by one.
const SAID: [&str; 12] = [
    "key",
    "format",
    "community",
    "year",
    "category",
    "created",
    "expires",
    "data_through",
    "origin",
    "plain_length",
    "stored_length",
    "sha256",
];

/// The columns that [`describe`] reads, of a file of this format: what a query selects first.
pub(super) const fn columns(format: Format) -> &'static str {
    match format {
        Format::Unchecked => {
            "key, format, community, year, category, created, expires, data_through, origin, \
             plain_length, stored_length, sha256"
        }
        Format::Checked => {
            "key, format, community, year, category, created, expires, data_through, origin, \
             plain_length, stored_length, sha256, \"check\""
        }
    }
}

pub(super) const UPSERT: &str = "
    INSERT INTO entries (key, format, community, year, category, created, expires, data_through,
                         origin, plain_length, stored_length, sha256, \"check\")
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT (key) DO UPDATE SET
        format = excluded.format, community = excluded.community, year = excluded.year,
        category = excluded.category, created = excluded.created, expires = excluded.expires,
        data_through = excluded.data_through, origin = excluded.origin,
        plain_length = excluded.plain_length, stored_length = excluded.stored_length,
        sha256 = excluded.sha256, \"check\" = excluded.\"check\"
    RETURNING id, key";

/// Runs [`UPSERT`]; returns the row's id. An index that leads to the row of another key is damaged.
pub(super) fn upsert(
    statement: &mut Statement<'_>,
    description: &EntryDescription,
    body: &Body,
    stored_length: usize,
) -> rusqlite::Result<i64> {
    let origin = origin_of(description)?;
    let created = description.created.map(Timestamp::as_millisecond);
    let expires = description.expires.map(Timestamp::as_millisecond);
    let check = RowCheck::new()
        .text(&description.key)
        .number(ENTRY_FORMAT)
        .text(&description.community)
        .number(description.year.into())
        .text(description.category.query_name())
        .maybe_number(created)
        .maybe_number(expires)
        .maybe_text(description.data_through.as_deref())
        .maybe_text(origin.as_deref())
        .number(i64::try_from(body.plain_length).unwrap_or(i64::MAX))
        .number(i64::try_from(stored_length).unwrap_or(i64::MAX))
        .bytes(&body.sha256);
    let (id, is_its_own) = statement.query_row(
        // In the order of the statement: to find them by their names takes as long as to write them.
        params![
            description.key,
            ENTRY_FORMAT,
            description.community,
            description.year,
            description.category.query_name(),
            created,
            expires,
            description.data_through,
            origin,
            body.plain_length,
            stored_length,
            body.sha256,
            check.finish(),
        ],
        |row| Ok((row.get(0)?, row.get_ref(1)?.as_str() == Ok(description.key.as_str()))),
    )?;
    if is_its_own { Ok(id) } else { Err(damaged_index()) }
}

/// Changes what is known of a body of this length and hash.
pub(super) const ADOPT: &str = "
    UPDATE entries SET format = :format, community = :community, year = :year,
        category = :category, created = :created, expires = :expires,
        data_through = :data_through, origin = :origin
    WHERE key = :key AND plain_length = :plain_length AND sha256 = :sha256";

/// Runs [`ADOPT`]; returns how many such bodies there were.
pub(super) fn adopt(
    transaction: &Transaction<'_>,
    description: &EntryDescription,
) -> rusqlite::Result<usize> {
    transaction.prepare_cached(ADOPT)?.execute(named_params! {
        ":key": description.key,
        ":format": ENTRY_FORMAT,
        ":community": description.community,
        ":year": description.year,
        ":category": description.category.query_name(),
        ":created": description.created.map(Timestamp::as_millisecond),
        ":expires": description.expires.map(Timestamp::as_millisecond),
        ":data_through": description.data_through,
        ":origin": origin_of(description)?,
        ":plain_length": description.plain_length,
        ":sha256": description.sha256,
    })
}

/// Changes what the row of a key says, and its check; returns whether there was one to change. A row
/// that is not as it was written is left alone, so that nothing false gets a right check.
pub(super) fn change(
    transaction: &Transaction<'_>,
    key: &str,
    update: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<usize>,
) -> rusqlite::Result<bool> {
    let mut select = transaction.prepare_cached(&format!(
        "SELECT {}, id FROM entries WHERE key = ?1",
        columns(Format::Checked)
    ))?;
    let is_sound = |row: &Row<'_>| {
        Ok(row.get_ref("key")?.as_str().is_ok_and(|found| found == key) && is_as_written(row))
    };
    if select.query_row([key], is_sound).optional()? != Some(true) || update(transaction)? == 0 {
        return Ok(false);
    }
    let (id, check): (i64, i64) =
        select.query_row([key], |row| Ok((row.get("id")?, check_of(row)?)))?;
    let mut sign = transaction.prepare_cached("UPDATE entries SET \"check\" = ?2 WHERE id = ?1")?;
    Ok(sign.execute((id, check))? > 0)
}

fn origin_of(description: &EntryDescription) -> rusqlite::Result<Option<String>> {
    let origin = description.origin.as_ref().map(serde_json::to_string).transpose();
    origin.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The check that a row should carry.
pub(super) fn check_of(row: &Row<'_>) -> rusqlite::Result<i64> {
    let mut check = RowCheck::new();
    for place in 0..SAID.len() {
        check = match row.get_ref(place)? {
            ValueRef::Null => check.nothing(),
            ValueRef::Integer(number) => check.number(number),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => check.bytes(bytes),
            // No column of ours: whatever it says, no check is that of such a row.
            ValueRef::Real(_) => check.bytes(b"real").nothing(),
        };
    }
    Ok(check.finish())
}

/// Whether a row is as it was written.
fn is_as_written(row: &Row<'_>) -> bool {
    let stored = row.get::<_, i64>(SAID.len());
    stored.is_ok_and(|stored| check_of(row).is_ok_and(|right| right == stored))
}

/// The question for [`state_for`], of a file of this format.
pub(super) fn select_by_key<'a>(
    transaction: &'a Transaction<'_>,
    format: Format,
) -> rusqlite::Result<CachedStatement<'a>> {
    transaction.prepare_cached(&format!("SELECT {} FROM entries WHERE key = ?1", columns(format)))
}

/// The state of a key at `now`.
pub(super) fn state_for(
    select: &mut CachedStatement<'_>,
    format: Format,
    key: &str,
    now: Timestamp,
) -> rusqlite::Result<EntryState> {
    let found = select.query_row([key], |row| Ok(state(describe_for(row, format, key), now)));
    Ok(found.optional()?.unwrap_or(EntryState::Absent))
}

/// What the row says that was found for a key; the error names what is wrong with it.
pub(super) fn describe_for(
    row: &Row<'_>,
    format: Format,
    wanted: &str,
) -> Result<EntryDescription, DamagedEntry> {
    match describe(row, format) {
        Ok(description) if description.key != wanted => Err(DamagedEntry::new(wanted, OTHER_ROW)),
        described => described,
    }
}

/// What an index says that was altered.
pub(super) const OTHER_ROW: &str = "the index leads to the entry of another key";

/// What a row says; the error names what is wrong with it.
pub(super) fn describe(row: &Row<'_>, file: Format) -> Result<EntryDescription, DamagedEntry> {
    let key: String =
        column(row, "key").map_err(|why| DamagedEntry::new(String::default(), why))?;
    let read = || -> Result<EntryDescription, String> {
        let format: i64 = column(row, "format")?;
        if format == DAMAGED_BODY {
            return Err("its body was found damaged".to_owned());
        }
        if !(OLDEST_FORMAT..=ENTRY_FORMAT).contains(&format) {
            return Err(format!(
                "format {format}, and this program knows none above {ENTRY_FORMAT}"
            ));
        }
        if file == Format::Checked && !is_as_written(row) {
            return Err("its description is not as it was written".to_owned());
        }
        let category: String = column(row, "category")?;
        let origin: Option<String> = column(row, "origin")?;
        Ok(EntryDescription {
            key: key.clone(),
            community: column(row, "community")?,
            year: column(row, "year")?,
            category: category.parse().map_err(|error| format!("{error}"))?,
            created: timestamp(row, "created")?,
            expires: timestamp(row, "expires")?,
            data_through: column(row, "data_through")?,
            origin: origin
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|error| format!("unreadable origin: {error}"))?,
            plain_length: column(row, "plain_length")?,
            stored_length: column(row, "stored_length")?,
            sha256: column(row, "sha256")?,
        })
    };
    read().map_err(|why| DamagedEntry::new(key.as_str(), why))
}

/// The state that a description stands for at `now`.
pub(super) fn state(
    description: Result<EntryDescription, DamagedEntry>,
    now: Timestamp,
) -> EntryState {
    match description {
        Err(damaged) => EntryState::Damaged(damaged),
        Ok(description) if is_over(&description, now) => EntryState::Expired(description),
        Ok(description) => EntryState::Ours(description),
    }
}

/// Whether an entry's lifetime has ended at `now`.
pub(super) fn is_over(description: &EntryDescription, now: Timestamp) -> bool {
    description.expires.is_some_and(|expires| expires <= now)
}

fn column<T: FromSql>(row: &Row<'_>, name: &str) -> Result<T, String> {
    let place = SAID.iter().position(|said| *said == name).unwrap_or(SAID.len());
    row.get(place).map_err(|error| format!("unreadable {name}: {error}"))
}

fn timestamp(row: &Row<'_>, name: &str) -> Result<Option<Timestamp>, String> {
    column::<Option<i64>>(row, name)?
        .map(Timestamp::from_millisecond)
        .transpose()
        .map_err(|error| format!("impossible {name}: {error}"))
}

/// An index leads to the row of another key.
fn damaged_index() -> rusqlite::Error {
    let text = format!("{OTHER_ROW}; the file is damaged");
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT_INDEX), Some(text))
}
