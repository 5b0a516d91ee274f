//! A description as a row, and back.

use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Row, Statement, named_params};

use crate::{Body, EntryDescription, EntryState};

/// The version of a row and of its body. It rises when either changes its meaning.
///
/// 1: the columns of [`COLUMNS`], times in milliseconds since 1970, origin as JSON; the body is one
/// zstd frame.
/// 2: origins count days. Rows of version 1 are read.
pub(super) const ENTRY_FORMAT: i64 = 2;
const OLDEST_FORMAT: i64 = 1;

/// The columns that [`describe`] reads, in its order.
pub(super) const COLUMNS: &str = "key, format, community, year, category, created, expires, \
                                  data_through, origin, plain_length, stored_length, sha256";

pub(super) const UPSERT: &str = "
    INSERT INTO entries (key, format, community, year, category, created, expires, data_through,
                         origin, plain_length, stored_length, sha256)
    VALUES (:key, :format, :community, :year, :category, :created, :expires, :data_through,
            :origin, :plain_length, :stored_length, :sha256)
    ON CONFLICT (key) DO UPDATE SET
        format = excluded.format, community = excluded.community, year = excluded.year,
        category = excluded.category, created = excluded.created, expires = excluded.expires,
        data_through = excluded.data_through, origin = excluded.origin,
        plain_length = excluded.plain_length, stored_length = excluded.stored_length,
        sha256 = excluded.sha256
    RETURNING id";

/// Runs [`UPSERT`]; returns the row's id.
pub(super) fn upsert(
    statement: &mut Statement<'_>,
    description: &EntryDescription,
    body: &Body,
    stored_length: usize,
) -> rusqlite::Result<i64> {
    let origin = origin_of(description)?;
    statement.query_row(
        named_params! {
            ":key": description.key,
            ":format": ENTRY_FORMAT,
            ":community": description.community,
            ":year": description.year,
            ":category": description.category.query_name(),
            ":created": description.created.map(Timestamp::as_millisecond),
            ":expires": description.expires.map(Timestamp::as_millisecond),
            ":data_through": description.data_through,
            ":origin": origin,
            ":plain_length": body.plain_length,
            ":stored_length": stored_length,
            ":sha256": body.sha256,
        },
        |row| row.get(0),
    )
}

/// Changes what is known of a body of this length and hash.
pub(super) const ADOPT: &str = "
    UPDATE entries SET format = :format, community = :community, year = :year,
        category = :category, created = :created, expires = :expires,
        data_through = :data_through, origin = :origin
    WHERE key = :key AND plain_length = :plain_length AND sha256 = :sha256";

/// Runs [`ADOPT`]; returns whether there was such a body.
pub(super) fn adopt(
    statement: &mut Statement<'_>,
    description: &EntryDescription,
) -> rusqlite::Result<bool> {
    let changed = statement.execute(named_params! {
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
    })?;
    Ok(changed > 0)
}

fn origin_of(description: &EntryDescription) -> rusqlite::Result<Option<String>> {
    let origin = description.origin.as_ref().map(serde_json::to_string).transpose();
    origin.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// What a row says; the error names what is wrong with it.
pub(super) fn describe(row: &Row<'_>) -> Result<EntryDescription, String> {
    let key: String = column(row, "key")?;
    let read = || -> Result<EntryDescription, String> {
        let format: i64 = column(row, "format")?;
        if !(OLDEST_FORMAT..=ENTRY_FORMAT).contains(&format) {
            return Err(format!(
                "format {format}, and this program knows none above {ENTRY_FORMAT}"
            ));
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
    read().map_err(|what| format!("{key}: {what}"))
}

/// The state that a row stands for at `now`.
pub(super) fn state(row: &Row<'_>, now: Timestamp) -> EntryState {
    match describe(row) {
        Err(what) => EntryState::Damaged(what),
        Ok(description) if is_over(&description, now) => EntryState::Expired(description),
        Ok(description) => EntryState::Ours(description),
    }
}

/// Whether an entry's lifetime has ended at `now`.
pub(super) fn is_over(description: &EntryDescription, now: Timestamp) -> bool {
    description.expires.is_some_and(|expires| expires <= now)
}

fn column<T: FromSql>(row: &Row<'_>, name: &str) -> Result<T, String> {
    row.get(name).map_err(|error| format!("unreadable {name}: {error}"))
}

fn timestamp(row: &Row<'_>, name: &str) -> Result<Option<Timestamp>, String> {
    column::<Option<i64>>(row, name)?
        .map(Timestamp::from_millisecond)
        .transpose()
        .map_err(|error| format!("impossible {name}: {error}"))
}
