//! The questions about communities.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::Offset;
use stats_model::{Community, Day};
use tokio_postgres::Row;

use super::PostgresSettings;
use super::connection::Connection;
use crate::stored::read_community;
use crate::{Amiss, SourceError, SourceErrorKind};

/// The columns of a community. What the column `json` holds is put together as the communities
/// index has it, so that one reader decides for both. The epoch of a time is its UTC one, with and
/// without a time zone in the column. A row without JSON was deleted below the service.
const SELECT: &str = "\
SELECT id::text,
       CASE WHEN isfinite(created) THEN floor(extract(epoch FROM created))::bigint END,
       jsonb_build_object(
           'slug', slug,
           'deletion_status', CASE
               WHEN deletion_status = 'P' AND coalesce(json::text, 'null') = 'null' THEN 'D'
               ELSE coalesce(deletion_status, 'D') END,
           'metadata', jsonb_build_object('title', json->'metadata'->'title'),
           'access', jsonb_build_object('visibility', json->'access'->'visibility'),
           'custom_fields', jsonb_build_object(
               'stats:dashboard_enabled', json->'custom_fields'->'stats:dashboard_enabled',
               'stats:dashboard_layout', json->'custom_fields'->'stats:dashboard_layout')
       )::text
FROM communities_metadata";

/// Communities from the table `communities_metadata` of InvenioRDM 12 to 14.
///
/// May be used by several threads, which take turns on one connection. A connection that broke is
/// replaced, once for each question. Its methods block, and must not be called from asynchronous
/// code directly.
#[derive(Debug)]
pub struct PostgresCommunities {
    settings: PostgresSettings,
    connection: Mutex<Connection>,
}

impl PostgresCommunities {
    /// Connects once, so that a wrong address or password is told at start.
    ///
    /// # Errors
    /// [`Unreachable`](SourceErrorKind::Unreachable) when nobody answers,
    /// [`Refused`](SourceErrorKind::Refused) for a wrong user, password, database or certificate,
    /// and for settings that cannot be used.
    pub fn connect(settings: PostgresSettings) -> Result<Self, SourceError> {
        let mut connection = Connection::new(&settings)?;
        connection.open(&settings)?;
        Ok(Self { settings, connection: Mutex::new(connection) })
    }

    /// The settings it connects with.
    #[must_use]
    pub const fn settings(&self) -> &PostgresSettings {
        &self.settings
    }

    /// All communities, deleted ones included, sorted by id.
    ///
    /// # Errors
    /// When the database cannot be reached or refuses, or its table is not as InvenioRDM makes it.
    pub fn communities(&self) -> Result<Vec<Community>, SourceError> {
        let rows = self.rows("reading the communities", SELECT)?;
        let mut communities: Vec<_> = rows.iter().map(community).collect::<Result<_, _>>()?;
        communities.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(communities)
    }

    /// Asks one question, again when the connection turns out to be broken.
    pub(super) fn rows(&self, doing: &str, query: &str) -> Result<Vec<Row>, SourceError> {
        let mut connection = self.lock();
        let mut answer = connection.rows(&self.settings, query);
        if answer.as_ref().is_err_and(|failure| failure.lost_connection()) {
            answer = connection.rows(&self.settings, query);
        }
        answer.map_err(|failure| failure.into_error(doing, &self.settings))
    }

    /// A panic while the lock was held leaves a connection that is replaced when it is broken.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn community(row: &Row) -> Result<Community, SourceError> {
    let (id, document): (String, String) = (field(row, 0)?, field(row, 2)?);
    let mut community = read_community(&id, document.as_bytes())
        .map_err(|error| odd(format!("reading the community {id}"), error))?;
    community.created = field::<Option<i64>>(row, 1)?.and_then(day);
    Ok(community)
}

pub(super) fn field<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    index: usize,
) -> Result<T, SourceError> {
    row.try_get(index).map_err(|error| odd("reading an answer of PostgreSQL".to_owned(), error))
}

fn odd(doing: String, error: impl std::error::Error + Send + Sync + 'static) -> SourceError {
    SourceError::caused_by(SourceErrorKind::Own(Amiss::Inconsistent), doing, error)
}

/// The UTC day of a number of seconds since 1970.
fn day(seconds: i64) -> Option<Day> {
    let date = Offset::UTC.to_datetime(Timestamp::from_second(seconds).ok()?).date();
    Day::new(date.year(), date.month().unsigned_abs(), date.day().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_utc() {
        assert_eq!(day(1_735_689_599).unwrap().to_string(), "2024-12-31");
        assert_eq!(day(1_735_689_600).unwrap().to_string(), "2025-01-01");
        assert_eq!(day(-1).unwrap().to_string(), "1969-12-31");
        assert_eq!(day(i64::MAX), None);
        assert_eq!(day(-62_135_596_801), None, "before the year 1");
    }
}
