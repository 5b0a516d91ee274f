//! Communities: writing them, and answering from them.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use stats_model::{Community, DeletionStatus, Visibility};

use super::entries::{EntryPlace, replaced_or_new};
use super::failure::Result;
use super::rows::Put;
use super::time::{day_of, number_of};
use super::versions::CommunityVersion;
use super::writer::ArchiveWriter;

impl ArchiveWriter<'_> {
    /// Puts a community, instead of the one with the same id.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn put_community(&mut self, community: &Community) -> Result<Put> {
        self.put_community_version(community, CommunityVersion::default())
    }

    /// The same for one that is known to be of some time: an import does not put it in the place of
    /// one that was changed later, unless it is told to replace.
    pub(crate) fn put_community_version(
        &mut self,
        community: &Community,
        version: CommunityVersion,
    ) -> Result<Put> {
        let (place, takes_older) = (self.place(), self.takes_older());
        let put = self.write(|connection, _| {
            let known = place.find(|prefix| known_in(connection, prefix, &community.id))?;
            let is_older = known.as_ref().is_some_and(|known| version.is_before(known.version));
            if known.as_ref().is_some_and(|known| known.community == *community) {
                if !is_older && !version.is_unknown() {
                    // The row, too: what waits is found by it.
                    let row = write_community(connection, place, community)?;
                    note_version(connection, place, &community.id, row, version)?;
                }
                return Ok(Put::Unchanged);
            }
            if is_older && !takes_older {
                return Ok(Put::Older);
            }
            let row = write_community(connection, place, community)?;
            note_version(connection, place, &community.id, row, version)?;
            Ok(replaced_or_new(known.is_some()))
        })?;
        self.counted(COMMUNITY_BYTES, put)
    }
}

/// What a community counts towards the size of a batch.
const COMMUNITY_BYTES: u64 = 1024;

/// A community as it is there.
struct Known {
    community: Community,
    version: CommunityVersion,
}

fn known_in(connection: &Connection, prefix: &str, id: &str) -> rusqlite::Result<Option<Known>> {
    let found = connection
        .prepare_cached(&format!("{COMMUNITIES}, checked FROM {prefix}communities WHERE id = ?1"))?
        .query_row([id], |row| Ok((community_from(row)?, row.get(8)?)))
        .optional()?;
    let Some((community, row)) = found else { return Ok(None) };
    let noted: Option<String> = connection
        .prepare_cached(&format!(
            "SELECT value FROM {prefix}remembered WHERE kind = {VERSIONS} AND name = ?1"
        ))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let noted = noted.and_then(|text| serde_json::from_str::<Noted>(&text).ok());
    let noted = noted.filter(|noted| Some(noted.row) == row);
    let version = noted.map(|noted| noted.version).unwrap_or_default();
    Ok(Some(Known { community, version }))
}

/// What is remembered of communities stands under this number in the place of that of a kind.
const VERSIONS: i64 = 0;

/// The version of a community. It holds for the very row that it was noted for: whoever writes
/// another one need not know of it.
#[derive(Serialize, Deserialize)]
struct Noted {
    row: i64,
    #[serde(flatten)]
    version: CommunityVersion,
}

fn note_version(
    connection: &Connection,
    place: EntryPlace,
    id: &str,
    row: Option<i64>,
    version: CommunityVersion,
) -> rusqlite::Result<()> {
    let Some(row) = row.filter(|_| !version.is_unknown()) else { return Ok(()) };
    let value = serde_json::to_string(&Noted { row, version })
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO {}remembered (kind, name, value) VALUES ({VERSIONS}, ?1, ?2)",
            place.prefix()
        ))?
        .execute((id, value))?;
    Ok(())
}

const COMMUNITIES: &str = "SELECT id, slug, title, created, visibility, deletion,
    dashboard_enabled, dashboard_layout";

/// Writes a community; the check of its row.
fn write_community(
    connection: &Connection,
    place: EntryPlace,
    community: &Community,
) -> rusqlite::Result<Option<i64>> {
    let visibility = match community.visibility {
        Visibility::Public => "public",
        Visibility::Restricted => "restricted",
    };
    let deletion = match community.deletion {
        DeletionStatus::Published => "P",
        DeletionStatus::Deleted => "D",
        DeletionStatus::Marked => "X",
    };
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO {}communities (id, slug, title, created, visibility, deletion,
                dashboard_enabled, dashboard_layout, checked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
                     row_check(3, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))
             RETURNING checked",
            place.prefix()
        ))?
        .query_row(
            (
                &community.id,
                &community.slug,
                &community.title,
                community.created.map(number_of),
                visibility,
                deletion,
                community.dashboard_enabled,
                community.dashboard_layout.as_ref().map(ToString::to_string),
            ),
            |row| row.get(0),
        )
}

fn community_from(row: &Row<'_>) -> rusqlite::Result<Community> {
    let layout: Option<String> = row.get(7)?;
    let layout = layout.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(7, Type::Text, Box::new(error))
    })?;
    let created: Option<i64> = row.get(3)?;
    let visibility: String = row.get(4)?;
    let deletion: String = row.get(5)?;
    Ok(Community {
        id: row.get(0)?,
        slug: row.get(1)?,
        title: row.get(2)?,
        created: created.and_then(day_of),
        visibility: match visibility.as_str() {
            "public" => Visibility::Public,
            _ => Visibility::Restricted,
        },
        deletion: match deletion.as_str() {
            "P" => DeletionStatus::Published,
            "X" => DeletionStatus::Marked,
            _ => DeletionStatus::Deleted,
        },
        dashboard_enabled: row.get(6)?,
        dashboard_layout: layout,
    })
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Community>> {
    connection
        .prepare_cached(&format!("{COMMUNITIES} FROM communities ORDER BY id"))?
        .query_map([], community_from)?
        .collect()
}
