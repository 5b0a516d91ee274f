//! The questions of a source, answered by the archive.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use stats_model::{
    Bookmark, Community, Day, DocumentKind, Fingerprint, ManifestEntry, MarkKind, Position,
    PositionMark, Shelf,
};

use super::communities;
use super::entries::{self, stored_day};
use super::failure::{DoingWithFile, Result, damaged};
use super::packing::Unpacker;
use super::remembered::history;
use super::schema::code_of;
use super::sound::{DOCUMENT_CHECK, Table, carries_checks};
use super::{Archive, lock, now, unsettled};
use crate::{
    Changes, Directory, Document, Documents, Feed, OpenImport, ShelfFilter, SourceError, Unsettled,
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
            let check = check_of_documents(connection)?;
            connection
                .prepare_cached(&format!(
                    "SELECT day, id, sequence, {check} FROM documents WHERE shelf = ?1
                     ORDER BY day, id",
                ))?
                .query_map([found.number], |row| {
                    as_written(row, 3)?;
                    Ok(ManifestEntry {
                        day: stored_day(row.get(0)?)?,
                        id: row.get(1)?,
                        sequence: row.get(2)?,
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
            let read = Reading { archive: self, shelf, found, number: "sequence", doing: &doing };
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
            let read = Reading { archive: self, shelf, found, number: "origin", doing: &doing };
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

/// A shelf as it was found.
#[derive(Debug, Clone, Copy)]
struct FoundShelf {
    number: i64,
    documents: u64,
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

/// Whether a row of documents is as it was written; `NULL` where that cannot be told.
fn check_of_documents(connection: &Connection) -> rusqlite::Result<&'static str> {
    Ok(if carries_checks(connection)? { AS_WRITTEN.as_str() } else { UNCHECKED })
}

static AS_WRITTEN: LazyLock<String> = LazyLock::new(|| format!("checked = {DOCUMENT_CHECK}"));
const UNCHECKED: &str = "NULL";

/// Refuses a row whose check, in this column, fails.
fn as_written(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<()> {
    match row.get(column)? {
        Some(false) => Err(rusqlite::Error::IntegralValueOutOfRange(column, 0)),
        _ => Ok(()),
    }
}

/// One reading of one shelf.
struct Reading<'a> {
    archive: &'a Archive,
    shelf: &'a Shelf,
    found: FoundShelf,
    /// The column with the number under which a document is handed out.
    number: &'static str,
    doing: &'a str,
}

impl Reading<'_> {
    fn documents(
        &self,
        snapshot: &Connection,
        unpacker: &mut Unpacker,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let path = self.archive.path();
        let check = check_of_documents(snapshot).doing(self.doing, path)?;
        let mark = if check == UNCHECKED { "NULL" } else { "mark" };
        // A missing body must be seen, hence the outer join.
        let mut statement = snapshot
            .prepare_cached(&format!(
                "SELECT day, id, {}, plain, dictionary, content, {check}, {mark}
                 FROM documents LEFT JOIN bodies USING (body)
                 WHERE shelf = ?1 ORDER BY day, id",
                self.number
            ))
            .doing(self.doing, path)?;
        let mut rows = statement.query([self.found.number]).doing(self.doing, path)?;
        let mut seen = 0;
        while let Some(row) = rows.next().doing(self.doing, path)? {
            seen += 1;
            let head = row_head(row).doing(self.doing, path)?;
            let id = row.get_ref(1).doing(self.doing, path)?.as_str();
            let id = id.map_err(|error| self.damaged(seen, error))?;
            if only.is_some_and(|only| {
                only.binary_search_by(|wanted| wanted.as_bytes().cmp(id.as_bytes())).is_err()
            }) {
                continue;
            }
            self.learn(snapshot, unpacker, head.dictionary)?;
            as_written(row, 6).map_err(|_| self.damaged(id, "its row is not as it was written"))?;
            let content = row.get_ref(5).doing(self.doing, path)?.as_blob();
            let content = content.map_err(|_| self.damaged(id, "its content is missing"))?;
            let source = unpacker
                .unpack(head.dictionary, content, head.plain, head.mark)
                .map_err(|error| self.damaged(id, error))?;
            let document = Document { id, day: head.day, sequence: head.sequence, source };
            if visit(document) == ControlFlow::Break(()) {
                return Ok(());
            }
        }
        if seen == self.found.documents {
            return Ok(());
        }
        let shelf = self.shelf;
        let expected = self.found.documents;
        Err(damaged(path, format_args!("shelf {shelf} has {seen} documents, not {expected}")))
    }

    /// Gets the dictionary that the next document needs.
    fn learn(
        &self,
        snapshot: &Connection,
        unpacker: &mut Unpacker,
        dictionary: Option<i64>,
    ) -> Result<()> {
        let Some(number) = dictionary.filter(|_| !unpacker.knows(dictionary)) else {
            return Ok(());
        };
        let content: Vec<u8> = snapshot
            .query_row("SELECT content FROM dictionaries WHERE dictionary = ?1", [number], |row| {
                row.get(0)
            })
            .doing(self.doing, self.archive.path())?;
        unpacker
            .learn(number, &content)
            .map_err(|error| self.damaged(format_args!("dictionary {number}"), error))
    }

    fn damaged(&self, what: impl std::fmt::Display, why: impl std::fmt::Display) -> SourceError {
        let shelf = self.shelf;
        damaged(self.archive.path(), format_args!("document {what} of shelf {shelf}: {why}"))
    }
}

/// What a row says of a document besides id and content.
struct Head {
    day: Day,
    sequence: u64,
    plain: usize,
    dictionary: Option<i64>,
    mark: Option<u64>,
}

fn row_head(row: &rusqlite::Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head {
        day: stored_day(row.get(0)?)?,
        sequence: row.get(2)?,
        plain: row.get(3)?,
        dictionary: row.get(4)?,
        mark: row.get::<_, Option<i64>>(7)?.map(i64::cast_unsigned),
    })
}
