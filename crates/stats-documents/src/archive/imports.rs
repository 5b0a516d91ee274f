//! Imports that have not ended, or not without loss: what they wrote is not taken for whole.
//!
//! An import is written down before its first line, and struck out by the transaction that ends it.
//! So whatever breaks it off, it stands in the archive: with the sequence numbers that it gave away
//! and the shelves that it changed. Whether it runs is told by a lock (`running`). Communities,
//! bookmarks and events wait in tables of the connection, which vanish with it, and come into the
//! archive with the end of the import.
//!
//! *When a broken-off import is over.* What it wrote of a kind is undone by a later import without
//! loss that brings every document of it again: then the archive is as if the earlier import had
//! never been, and only the later one. Documents that a third one wrote over no longer count.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;
use stats_model::DocumentKind;

use super::failure::Result;
use super::packing::Unpacker;
use super::running::{self, Held};
use super::running_import::RunningImport;
use super::schema::code_of;
use super::time::now;
use super::unsettled::not_over;
use super::writer::ArchiveWriter;
use crate::OpenImport;

/// How an import ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImportEnd {
    /// The kinds of which something may be missing: their bookmarks are not taken.
    pub(crate) lost: BTreeSet<DocumentKind>,
    /// Nothing more comes of imports that were broken off: what they left counts as all there is.
    /// Imports that run are none of these.
    pub(crate) accept_loss: bool,
    /// The prefix of the index names, to be remembered.
    pub(crate) prefix: Option<String>,
}

/// Where communities, bookmarks and events wait, the sequence numbers of the documents that came,
/// and, at the end, the other imports that are not over. Tables of the connection, so nobody else
/// sees them.
const WAITING: &str = "
DROP TABLE IF EXISTS temp.import_communities;
DROP TABLE IF EXISTS temp.import_remembered;
DROP TABLE IF EXISTS temp.import_bookmarks;
DROP TABLE IF EXISTS temp.import_events;
DROP TABLE IF EXISTS temp.import_seen;
DROP TABLE IF EXISTS temp.import_running;
CREATE TEMP TABLE import_communities (
    id TEXT PRIMARY KEY, slug TEXT, title TEXT, created INTEGER, visibility TEXT, deletion TEXT,
    dashboard_enabled INTEGER, dashboard_layout TEXT, checked INTEGER
) WITHOUT ROWID;
CREATE TEMP TABLE import_remembered (
    kind INTEGER, name TEXT, value TEXT, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TEMP TABLE import_bookmarks (
    id TEXT PRIMARY KEY, kind INTEGER, community TEXT, day INTEGER, checked INTEGER
) WITHOUT ROWID;
CREATE TEMP TABLE import_events (
    id TEXT PRIMARY KEY, community TEXT, day INTEGER, record_created INTEGER, checked INTEGER
) WITHOUT ROWID;
CREATE TEMP TABLE import_seen (sequence INTEGER PRIMARY KEY);
CREATE TEMP TABLE import_running (import INTEGER PRIMARY KEY);
";

impl ArchiveWriter<'_> {
    /// Makes what is written from now on one import, which is open until
    /// [`end_import`](Self::end_import).
    pub(crate) fn begin_import(&mut self, replace: bool) -> Result<()> {
        let began = now();
        let watches = self.write(|connection, batch| {
            connection.execute_batch(WAITING)?;
            // Two histories that begin at one copy of a file never number alike: what was made from
            // the one is not taken for what the other would give.
            let apart: u64 =
                connection.query_row("SELECT abs(random() % 16777216)", [], |row| row.get(0))?;
            batch.sequence += apart;
            let others: i64 =
                connection
                    .query_row("SELECT count(*) FROM import_shelves", [], |row| row.get(0))?;
            Ok(others > 0)
        })?;
        let (number, held) = self.write_down(began)?;
        // Not before it is held: else others would take it for broken off.
        self.commit()?;
        self.import = Some(RunningImport {
            number,
            began,
            held,
            replace,
            watches,
            batches: Vec::new(),
            shelves: BTreeSet::new(),
            unpacker: Unpacker::default(),
        });
        Ok(())
    }

    /// Writes the import down under a number that nobody else holds.
    fn write_down(&mut self, began: i64) -> Result<(i64, Held)> {
        loop {
            let number = self.write(|connection, _| {
                connection.execute("INSERT INTO imports (began, lost) VALUES (?1, 0)", [began])?;
                Ok(connection.last_insert_rowid())
            })?;
            let held = Held::take(self.archive.path(), number);
            if let Some(held) = held.inspect_err(|_| self.roll_back())? {
                return Ok((number, held));
            }
            // Left by an archive that lay here before; its import runs, or somebody looks at it.
            self.write(|connection, _| {
                connection.execute("DELETE FROM imports WHERE import = ?1", [number])
            })?;
        }
    }

    /// Ends the import: makes visible what waited, and settles the shelves of all kinds of which
    /// nothing was lost. Gives the other imports that are not over.
    pub(crate) fn end_import(&mut self, end: &ImportEnd) -> Result<Vec<OpenImport>> {
        self.commit()?;
        let Some(import) = self.import.take() else { return Ok(Vec::new()) };
        let path = self.archive.path();
        let kept = DocumentKind::ALL.into_iter().filter(|kind| !end.lost.contains(kind));
        let kept: Vec<DocumentKind> = kept.collect();
        let running = self.write(|connection, _| {
            let running = note_running(connection, path, import.number)?;
            publish(connection, &kept)?;
            for kind in &kept {
                settle(connection, import.number, *kind)?;
                heal_others(connection, import.number, *kind)?;
            }
            if end.accept_loss {
                connection.execute(
                    "DELETE FROM import_shelves
                     WHERE import NOT IN (SELECT import FROM temp.import_running)",
                    [],
                )?;
            }
            connection.execute("UPDATE imports SET lost = 1 WHERE import = ?1", [import.number])?;
            connection.execute_batch(STRIKE_OUT)?;
            if let Some(prefix) = &end.prefix {
                connection.execute("UPDATE archive SET index_prefix = ?1", [prefix])?;
            }
            running::tidy(path, &held(connection)?);
            Ok(running)
        })?;
        self.commit()?;
        import.held.let_go();
        Ok(running)
    }
}

/// Notes the other imports that may still write: whatever ends, they do not end with it.
fn note_running(
    connection: &Connection,
    archive: &Path,
    import: i64,
) -> rusqlite::Result<Vec<OpenImport>> {
    let mut others = not_over(connection, archive)?;
    others.retain(|(number, _)| *number != import);
    for (number, _) in &others {
        connection.execute("INSERT INTO temp.import_running (import) VALUES (?1)", [number])?;
    }
    Ok(others.into_iter().map(|(_, other)| other).collect())
}

/// The imports whose files may be held.
fn held(connection: &Connection) -> rusqlite::Result<BTreeSet<i64>> {
    connection
        .prepare("SELECT import FROM imports WHERE lost = 0")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Imports that hold no shelf (any more) are over, unless they run.
const STRIKE_OUT: &str = "
DELETE FROM imports WHERE import NOT IN (SELECT import FROM import_shelves)
    AND import NOT IN (SELECT import FROM temp.import_running);
DELETE FROM import_batches WHERE import NOT IN (SELECT import FROM imports);
DROP TABLE temp.import_communities;
DROP TABLE temp.import_remembered;
DROP TABLE temp.import_bookmarks;
DROP TABLE temp.import_events;
DROP TABLE temp.import_seen;
DROP TABLE temp.import_running;
";

fn publish(connection: &Connection, kinds: &[DocumentKind]) -> rusqlite::Result<()> {
    connection.execute_batch(
        "INSERT OR REPLACE INTO communities (id, slug, title, created, visibility, deletion,
            dashboard_enabled, dashboard_layout, checked)
         SELECT id, slug, title, created, visibility, deletion, dashboard_enabled, dashboard_layout,
            checked
         FROM temp.import_communities;
         INSERT OR REPLACE INTO remembered (kind, name, value)
         SELECT kind, name, value FROM temp.import_remembered;
         INSERT OR REPLACE INTO events (id, community, day, record_created, checked)
         SELECT id, community, day, record_created, checked FROM temp.import_events;",
    )?;
    for kind in kinds {
        connection.execute(
            "INSERT OR REPLACE INTO bookmarks (id, kind, community, day, checked)
             SELECT id, kind, community, day, checked FROM temp.import_bookmarks WHERE kind = ?1",
            [code_of(*kind)],
        )?;
    }
    Ok(())
}

fn settle(connection: &Connection, import: i64, kind: DocumentKind) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM import_shelves WHERE import = ?1
         AND shelf IN (SELECT shelf FROM shelves WHERE kind = ?2)",
        (import, code_of(kind)),
    )?;
    Ok(())
}

/// Settles what other imports left of `kind`, if all of it came again.
fn heal_others(connection: &Connection, import: i64, kind: DocumentKind) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM import_shelves WHERE import <> ?1
         AND shelf IN (SELECT shelf FROM shelves WHERE kind = ?2)
         AND import NOT IN (
             SELECT held.import FROM import_shelves held
             JOIN shelves s ON s.shelf = held.shelf AND s.kind = ?2
             JOIN documents d ON d.shelf = held.shelf
             JOIN import_batches b ON b.import = held.import
                 AND d.sequence BETWEEN b.first AND b.last
             WHERE d.sequence NOT IN (SELECT sequence FROM temp.import_seen))",
        (import, code_of(kind)),
    )?;
    Ok(())
}
