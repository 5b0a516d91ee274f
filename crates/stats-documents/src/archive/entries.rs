//! Communities, bookmarks and community events: writing them, and answering from them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use stats_series::DocumentKind;

use super::failure::Result;
use super::schema::code_of;
use super::writer::{ArchiveWriter, Put};
use super::{day_of, number_of};
use crate::{Bookmark, Community, Day, DeletionStatus, Visibility};

/// What is needed of a community event (source-documents specification, section 1.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunityEvent {
    /// A community UUID, or `global`.
    pub community: String,
    /// The day of the change.
    pub day: Option<Day>,
    /// The day the record was created.
    pub record_created: Option<Day>,
}

impl ArchiveWriter<'_> {
    /// Puts a community, instead of the one with the same id.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn put_community(&mut self, community: &Community) -> Result<Put> {
        let place = self.place();
        let put = self.write(|connection, _| {
            let known = place.find(|prefix| {
                connection
                    .prepare_cached(&format!(
                        "{COMMUNITIES} FROM {prefix}communities WHERE id = ?1"
                    ))?
                    .query_row([&community.id], community_from)
                    .optional()
            })?;
            if known.as_ref() == Some(community) {
                return Ok(Put::Unchanged);
            }
            write_community(connection, place, community)?;
            Ok(replaced_or_new(known.is_some()))
        })?;
        self.counted(COMMUNITY_BYTES, put)
    }

    /// Takes a community away; whether there was one. Its documents stay.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn remove_community(&mut self, id: &str) -> Result<bool> {
        let removed = self.write(|connection, _| {
            connection.prepare_cached("DELETE FROM communities WHERE id = ?1")?.execute([id])
        })?;
        self.counted(0, removed > 0)
    }

    /// Takes away the communities that are not among these; how many that were.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn retain_communities(&mut self, ids: &BTreeSet<String>) -> Result<u64> {
        self.retain("communities", None, ids)
    }

    /// Takes away the bookmark documents whose ids are not among these; how many that were.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn retain_bookmarks(&mut self, ids: &BTreeSet<String>) -> Result<u64> {
        self.retain("bookmarks", None, ids)
    }

    /// The same among the bookmark documents of one kind.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn retain_bookmarks_of(
        &mut self,
        kind: DocumentKind,
        ids: &BTreeSet<String>,
    ) -> Result<u64> {
        self.retain("bookmarks", Some(kind), ids)
    }

    /// Takes away the community events whose ids are not among these; how many that were.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn retain_events(&mut self, ids: &BTreeSet<String>) -> Result<u64> {
        self.retain("events", None, ids)
    }

    fn retain(
        &mut self,
        table: &'static str,
        kind: Option<DocumentKind>,
        ids: &BTreeSet<String>,
    ) -> Result<u64> {
        let of_kind =
            kind.map(|kind| format!(" WHERE kind = {}", code_of(kind))).unwrap_or_default();
        let removed = self.write(|connection, _| {
            let known: Vec<String> = connection
                .prepare_cached(&format!("SELECT id FROM {table}{of_kind}"))?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut removed = 0;
            for id in known.iter().filter(|id| !ids.contains(*id)) {
                connection
                    .prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?
                    .execute([id])?;
                removed += 1;
            }
            Ok(removed)
        })?;
        self.counted(0, removed)
    }

    /// Puts the bookmark document `id`, instead of the one with the same id.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn put_bookmark(
        &mut self,
        id: &str,
        kind: DocumentKind,
        community: &str,
        bookmark: Bookmark,
    ) -> Result<Put> {
        let place = self.place();
        let put = self.write(|connection, _| {
            let wanted = (code_of(kind), community.to_owned(), number_of(bookmark.day));
            let known: Option<(i64, String, i64)> = place.find(|prefix| {
                connection
                    .prepare_cached(&format!(
                        "SELECT kind, community, day FROM {prefix}bookmarks WHERE id = ?1"
                    ))?
                    .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
            })?;
            if known.as_ref() == Some(&wanted) {
                return Ok(Put::Unchanged);
            }
            connection
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO {}bookmarks (id, kind, community, day, checked)
                     VALUES (?1, ?2, ?3, ?4, row_check(2, ?1, ?2, ?3, ?4))",
                    place.prefix()
                ))?
                .execute((id, wanted.0, wanted.1, wanted.2))?;
            Ok(replaced_or_new(known.is_some()))
        })?;
        self.counted(SMALL_BYTES, put)
    }

    /// Puts the community event `id`, instead of the one with the same id.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn put_event(&mut self, id: &str, event: &CommunityEvent) -> Result<Put> {
        let place = self.place();
        let put = self.write(|connection, _| {
            let wanted = (
                event.community.clone(),
                event.day.map(number_of),
                event.record_created.map(number_of),
            );
            let known: Option<(String, Option<i64>, Option<i64>)> = place.find(|prefix| {
                connection
                    .prepare_cached(&format!(
                        "SELECT community, day, record_created FROM {prefix}events WHERE id = ?1"
                    ))?
                    .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
            })?;
            if known.as_ref() == Some(&wanted) {
                return Ok(Put::Unchanged);
            }
            connection
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO {}events (id, community, day, record_created, checked)
                     VALUES (?1, ?2, ?3, ?4, row_check(4, ?1, ?2, ?3, ?4))",
                    place.prefix()
                ))?
                .execute((id, wanted.0, wanted.1, wanted.2))?;
            Ok(replaced_or_new(known.is_some()))
        })?;
        self.counted(SMALL_BYTES, put)
    }

    /// What an import brings waits for its end.
    const fn place(&self) -> EntryPlace {
        if self.import.is_some() { EntryPlace::Waiting } else { EntryPlace::Archive }
    }
}

/// Where an entry is put.
#[derive(Debug, Clone, Copy)]
enum EntryPlace {
    Archive,
    Waiting,
}

impl EntryPlace {
    /// What precedes the names of its tables.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Archive => "main.",
            Self::Waiting => "temp.import_",
        }
    }

    /// What `look` finds in its tables, or else in those of the archive.
    fn find<T>(
        self,
        look: impl Fn(&str) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        match self {
            Self::Archive => look(self.prefix()),
            Self::Waiting => match look(self.prefix())? {
                Some(waiting) => Ok(Some(waiting)),
                None => look(Self::Archive.prefix()),
            },
        }
    }
}

/// What small things count towards the size of a batch.
const SMALL_BYTES: u64 = 256;
const COMMUNITY_BYTES: u64 = 1024;

const fn replaced_or_new(was_there: bool) -> Put {
    if was_there { Put::Replaced } else { Put::New }
}

const COMMUNITIES: &str = "SELECT id, slug, title, created, visibility, deletion,
    dashboard_enabled, dashboard_layout";

fn write_community(
    connection: &Connection,
    place: EntryPlace,
    community: &Community,
) -> rusqlite::Result<()> {
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
                     row_check(3, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))",
            place.prefix()
        ))?
        .execute((
            &community.id,
            &community.slug,
            &community.title,
            community.created.map(number_of),
            visibility,
            deletion,
            community.dashboard_enabled,
            community.dashboard_layout.as_ref().map(ToString::to_string),
        ))?;
    Ok(())
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

pub(crate) fn communities(connection: &Connection) -> rusqlite::Result<Vec<Community>> {
    connection
        .prepare_cached(&format!("{COMMUNITIES} FROM communities ORDER BY id"))?
        .query_map([], community_from)?
        .collect()
}

/// Several communities can carry one slug when dumps of different times were imported; the one
/// that stands is meant.
pub(crate) fn community_by_slug(
    connection: &Connection,
    slug: &str,
) -> rusqlite::Result<Option<Community>> {
    connection
        .prepare_cached(&format!(
            "{COMMUNITIES} FROM communities WHERE slug = ?1 ORDER BY deletion <> 'P', id LIMIT 1"
        ))?
        .query_row([slug], community_from)
        .optional()
}

/// The bookmark with the regular id, else the newest one (source-documents specification,
/// section 1.12).
pub(crate) fn bookmarks(
    connection: &Connection,
    kind: DocumentKind,
    communities: &[String],
) -> rusqlite::Result<BTreeMap<String, Bookmark>> {
    const COLUMNS: &str =
        "SELECT community, day, id = ?2 || '_' || community FROM bookmarks WHERE kind = ?1";
    let mut found: BTreeMap<String, (bool, i64)> = BTreeMap::new();
    let mut collect = |mut rows: rusqlite::Rows<'_>| -> rusqlite::Result<()> {
        while let Some(row) = rows.next()? {
            let rank = (row.get(2)?, row.get(1)?);
            let best = found.entry(row.get(0)?).or_insert(rank);
            *best = rank.max(*best);
        }
        Ok(())
    };
    let (code, name) = (code_of(kind), kind.bookmark_type());
    if communities.is_empty() {
        collect(connection.prepare_cached(COLUMNS)?.query((code, name))?)?;
    } else {
        let mut one = connection.prepare_cached(&format!("{COLUMNS} AND community = ?3"))?;
        for community in communities {
            collect(one.query((code, name, community))?)?;
        }
    }
    found
        .into_iter()
        .map(|(community, (_, day))| Ok((community, Bookmark { day: stored_day(day)? })))
        .collect()
}

pub(crate) fn first_events(
    connection: &Connection,
    communities: &[String],
) -> rusqlite::Result<BTreeMap<String, Day>> {
    let mut found = BTreeMap::new();
    if communities.is_empty() {
        let mut statement = connection.prepare_cached(
            "SELECT community, min(day) FROM events WHERE day IS NOT NULL GROUP BY community",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            found.insert(row.get(0)?, stored_day(row.get(1)?)?);
        }
        return Ok(found);
    }
    let mut statement =
        connection.prepare_cached("SELECT min(day) FROM events WHERE community = ?1")?;
    for community in communities {
        let day: Option<i64> = statement.query_row([community], |row| row.get(0))?;
        if let Some(day) = day {
            found.insert(community.clone(), stored_day(day)?);
        }
    }
    Ok(found)
}

pub(crate) fn first_record(connection: &Connection) -> rusqlite::Result<Option<Day>> {
    let day: Option<i64> = connection
        .prepare_cached("SELECT min(record_created) FROM events")?
        .query_row([], |row| row.get(0))?;
    day.map(stored_day).transpose()
}

/// A day that the archive wrote itself.
pub(crate) fn stored_day(number: i64) -> rusqlite::Result<Day> {
    day_of(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))
}
