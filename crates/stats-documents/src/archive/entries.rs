//! Bookmarks and community events: writing them, and answering from them; and what communities have
//! in common with them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use stats_model::{Bookmark, Day, DocumentKind};

use super::failure::Result;
use super::rows::Put;
use super::running_import::RunningImport;
use super::schema::code_of;
use super::time::{day_of, number_of};
use super::writer::ArchiveWriter;

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
    pub(crate) fn retain_bookmarks_of(
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

    /// Puts the bookmark document `id`, instead of the one with the same id. An import does not set
    /// it back, unless it is told to replace.
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
        let (place, goes_back) = (self.place(), self.takes_older());
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
            let is_earlier = |known: &(i64, String, i64)| {
                (known.0, &known.1) == (wanted.0, &wanted.1) && known.2 > wanted.2
            };
            if !goes_back && known.as_ref().is_some_and(is_earlier) {
                return Ok(Put::Older);
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

    /// Whether older entries replace newer ones: only an import is asked, everybody else knows.
    pub(super) fn takes_older(&self) -> bool {
        self.import.as_ref().is_none_or(RunningImport::replaces)
    }

    /// What an import brings waits for its end.
    pub(super) const fn place(&self) -> EntryPlace {
        if self.import.is_some() { EntryPlace::Waiting } else { EntryPlace::Archive }
    }
}

/// Where an entry is put.
#[derive(Debug, Clone, Copy)]
pub(super) enum EntryPlace {
    Archive,
    Waiting,
}

impl EntryPlace {
    /// What precedes the names of its tables.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Archive => "main.",
            Self::Waiting => "temp.import_",
        }
    }

    /// What `look` finds in its tables, or else in those of the archive.
    pub(super) fn find<T>(
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

pub(super) const fn replaced_or_new(was_there: bool) -> Put {
    if was_there { Put::Replaced } else { Put::New }
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
