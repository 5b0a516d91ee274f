//! The questions of a source, answered by the archive.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use stats_model::{
    Bookmark, Community, Day, DocumentKind, Fingerprint, ManifestEntry, MarkKind, Position,
    PositionMark, Shelf,
};

use super::checks::{DocumentRows, Table};
use super::communities;
use super::entries::{self, stored_day};
use super::failure::{DoingWithFile, Result};
use super::handle::Archive;
use super::reading::{FoundShelf, Reading};
use super::remembered::history;
use super::schema::code_of;
use super::sound::carries_checks;
use super::time::now;
use super::unsettled;
use crate::locked::lock;
use crate::{
    Changes, Directory, Documents, Feed, OpenImport, Pulse, ShelfFilter, SourceError, Unsettled,
    Visit,
};

impl Documents for Archive {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        self.ask_of(Table::Shelves, |connection| {
            let sequence = last_change(connection, kind)?;
            Ok(Position(vec![PositionMark::written(history(connection)?, sequence)]))
        })
    }

    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.ask_of(Table::Shelves, |connection| {
            connection
                .prepare_cached("SELECT coalesce(sum(documents), 0) FROM shelves WHERE kind = ?1")?
                .query_row([code_of(kind)], |row| row.get(0))
        })
    }

    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.ask_of(Table::Shelves, |connection| fingerprints(connection, kind, filter))
    }

    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        self.ask_of(Table::Shelves, |connection| {
            let Some(found) = find_shelf(connection, shelf)? else { return Ok(Vec::new()) };
            let mut rows = DocumentRows::new(carries_checks(connection)?);
            connection
                .prepare_cached(&format!(
                    "SELECT {} FROM documents WHERE shelf = ?1 ORDER BY day, id",
                    rows.columns()
                ))?
                .query_map([found.number], |row| {
                    if !rows.is_as_written(row)? {
                        let day = DocumentRows::DAY;
                        return Err(rusqlite::Error::IntegralValueOutOfRange(day, row.get(day)?));
                    }
                    Ok(ManifestEntry {
                        day: stored_day(row.get(DocumentRows::DAY)?)?,
                        id: row.get(DocumentRows::ID)?,
                        sequence: row.get(DocumentRows::SEQUENCE)?,
                    })
                })?
                .collect()
        })
    }

    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        self.with_reader(|reader| {
            let doing = format!("read the shelf {shelf} of");
            let snapshot =
                Transaction::new_unchecked(&reader.connection, TransactionBehavior::Deferred)
                    .doing(&doing, self.path())?;
            self.make_sure(Table::Shelves, &snapshot)?;
            let found = find_shelf(&snapshot, shelf).doing(&doing, self.path())?;
            let Some(found) = found else { return Ok(()) };
            self.note_use(found.number);
            let number = DocumentRows::SEQUENCE;
            let read = Reading { archive: self, shelf, found, number, doing: &doing };
            read.documents(&snapshot, &mut reader.unpacker, only, visit)
        })
    }

    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        self.ask_of(Table::Bookmarks, |connection| {
            entries::bookmarks(connection, kind, communities)
        })
    }

    fn open_imports(&self) -> Result<Vec<OpenImport>, SourceError> {
        self.ask(|connection| unsettled::open_imports(connection, &self.path))
    }

    fn unsettled(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<Shelf, OpenImport>, SourceError> {
        self.ask(|connection| unsettled::unsettled(connection, &self.path, kind, communities))
    }

    fn unsettled_reading(
        &self,
        shelf: &Shelf,
        read: &Fingerprint,
    ) -> Result<Option<Unsettled>, SourceError> {
        self.ask_of(Table::Shelves, |connection| {
            unsettled::unsettled_reading(connection, &self.path, shelf, read)
        })
    }
}

impl Feed for Archive {
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        let [mark] = since.0.as_slice() else { return Ok(Changes::Everything) };
        self.ask_of(Table::Shelves, |connection| {
            // A position from the future: the file was restored from a copy.
            if mark.kind != MarkKind::Written
                || mark.history != history(connection)?
                || mark.sequence > last_change(connection, kind)?
            {
                return Ok(Changes::Everything);
            }
            let communities = connection
                .prepare_cached("SELECT community FROM shelves WHERE kind = ?1 AND changed > ?2")?
                .query_map((code_of(kind), mark.sequence), |row| row.get(0))?
                .collect::<rusqlite::Result<BTreeSet<String>>>()?;
            Ok(Changes::Communities(communities))
        })
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        let beats = self.beats()?;
        Ok(Pulse { documents: beats.clone(), bookmarks: beats.clone(), directory: beats })
    }
}

impl Directory for Archive {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        self.ask_of(Table::Communities, communities::all)
    }

    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        self.ask_of(Table::Events, |connection| entries::first_events(connection, communities))
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        self.ask_of(Table::Events, entries::first_record)
    }
}

impl Archive {
    /// Asks a question that needs no more than the database, all of it in one state.
    pub(crate) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.with_reader(|reader| {
            let snapshot =
                Transaction::new_unchecked(&reader.connection, TransactionBehavior::Deferred)
                    .doing("read", &self.path)?;
            question(&snapshot).doing("read", &self.path)
        })
    }

    /// Asks a question whose answer comes from one table, once that is known to be sound.
    fn ask_of<T>(
        &self,
        table: Table,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.with_reader(|reader| {
            let snapshot =
                Transaction::new_unchecked(&reader.connection, TransactionBehavior::Deferred)
                    .doing("read", &self.path)?;
            self.make_sure(table, &snapshot)?;
            question(&snapshot).doing("read", &self.path)
        })
    }

    /// Hands the documents of a shelf to `visit`, under their numbers in the index, if `remembered`
    /// is what is remembered of the shelf; gives whether it is. Both belong to one state of the
    /// archive, whoever else writes to it.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub(crate) fn documents_as_remembered(
        &self,
        shelf: &Shelf,
        remembered: &str,
        visit: &mut Visit<'_>,
    ) -> Result<bool> {
        self.with_reader(|reader| {
            let doing = format!("read the shelf {shelf} of");
            let snapshot =
                Transaction::new_unchecked(&reader.connection, TransactionBehavior::Deferred)
                    .doing(&doing, self.path())?;
            self.make_sure(Table::Shelves, &snapshot)?;
            let found = find_remembered(&snapshot, shelf, remembered).doing(&doing, self.path())?;
            let Some(found) = found else { return Ok(false) };
            self.note_use(found.number);
            let number = DocumentRows::ORIGIN;
            let read = Reading { archive: self, shelf, found, number, doing: &doing };
            read.documents(&snapshot, &mut reader.unpacker, None, visit)?;
            Ok(true)
        })
    }

    /// Remembers that a shelf was read.
    fn note_use(&self, shelf: i64) {
        if self.options.track_use {
            lock(&self.used).insert(shelf, now());
        }
    }
}

fn find_shelf(connection: &Connection, shelf: &Shelf) -> rusqlite::Result<Option<FoundShelf>> {
    connection
        .prepare_cached(
            "SELECT shelf, documents FROM shelves
             WHERE kind = ?1 AND community = ?2 AND year = ?3",
        )?
        .query_row((code_of(shelf.kind), &shelf.community, shelf.year), |row| {
            Ok(FoundShelf { number: row.get(0)?, documents: row.get(1)? })
        })
        .optional()
}

/// The shelf, if `remembered` is what is remembered of it.
fn find_remembered(
    connection: &Connection,
    shelf: &Shelf,
    remembered: &str,
) -> rusqlite::Result<Option<FoundShelf>> {
    connection
        .prepare_cached(
            "SELECT shelf, documents FROM shelves
             WHERE kind = ?1 AND community = ?2 AND year = ?3 AND remote = ?4",
        )?
        .query_row((code_of(shelf.kind), &shelf.community, shelf.year, remembered), |row| {
            Ok(FoundShelf { number: row.get(0)?, documents: row.get(1)? })
        })
        .optional()
}

/// The last sequence number that touched any document of the kind.
fn last_change(connection: &Connection, kind: DocumentKind) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(changed), 0) FROM shelves WHERE kind = ?1")?
        .query_row([code_of(kind)], |row| row.get(0))
}

fn fingerprints(
    connection: &Connection,
    kind: DocumentKind,
    filter: &ShelfFilter,
) -> rusqlite::Result<BTreeMap<Shelf, Fingerprint>> {
    const COLUMNS: &str = "SELECT community, year, documents, highest, total FROM shelves";
    let mut found = BTreeMap::new();
    let mut collect = |mut rows: rusqlite::Rows<'_>| -> rusqlite::Result<()> {
        while let Some(row) = rows.next()? {
            let shelf = Shelf { kind, community: row.get(0)?, year: row.get(1)? };
            if filter.years.is_empty() || filter.years.contains(&shelf.year) {
                let fingerprint =
                    Fingerprint { count: row.get(2)?, max: row.get(3)?, sum: row.get(4)? };
                found.insert(shelf, fingerprint);
            }
        }
        Ok(())
    };
    if filter.communities.is_empty() {
        let mut all =
            connection.prepare_cached(&format!("{COLUMNS} WHERE kind = ?1 AND documents > 0"))?;
        collect(all.query([code_of(kind)])?)?;
    } else {
        let mut one = connection.prepare_cached(&format!(
            "{COLUMNS} WHERE kind = ?1 AND community = ?2 AND documents > 0"
        ))?;
        for community in &filter.communities {
            collect(one.query((code_of(kind), community))?)?;
        }
    }
    Ok(found)
}
