//! Sizes and counts of the archive.

use std::collections::BTreeMap;

use rusqlite::Connection;
use stats_model::DocumentKind;

use super::failure::Result;
use super::handle::Archive;
use super::schema::kind_of;

/// What an archive holds, counted from its shelves; no document is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveStats {
    /// Documents of each kind; kinds without documents are absent.
    pub documents: BTreeMap<DocumentKind, u64>,
    /// Shelves with documents.
    pub shelves: u64,
    /// Bytes of all documents as they came.
    pub plain_bytes: u64,
    /// Bytes of all documents as they are stored.
    pub stored_bytes: u64,
    /// Bytes of the file with everything, without what is still in its log.
    pub file_bytes: u64,
    /// The part of these that is in use: what [`Archive::evict_to`] bounds.
    pub used_bytes: u64,
    /// Known communities, deleted ones included.
    pub communities: u64,
    /// Bookmark documents.
    pub bookmarks: u64,
    /// Community events.
    pub events: u64,
    /// The last sequence number given away.
    pub sequence: u64,
}

/// Bytes of the pages in use: bodies, rows and indices. Known without counting anything.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT (page_count - freelist_count) * page_size
             FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        )?
        .query_row([], |row| row.get(0))
}

impl Archive {
    /// What the archive holds.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn stats(&self) -> Result<ArchiveStats> {
        self.ask(|connection| {
            let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
            let mut stats = ArchiveStats {
                file_bytes: number(
                    "SELECT page_count * page_size
                                    FROM pragma_page_count, pragma_page_size",
                )?,
                used_bytes: used_bytes(connection)?,
                communities: number("SELECT count(*) FROM communities")?,
                bookmarks: number("SELECT count(*) FROM bookmarks")?,
                events: number("SELECT count(*) FROM events")?,
                sequence: number("SELECT sequence FROM archive")?,
                ..ArchiveStats::default()
            };
            let mut statement = connection.prepare(
                "SELECT kind, sum(documents), count(*), sum(plain), sum(stored) FROM shelves
                 WHERE documents > 0 GROUP BY kind",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Some(kind) = kind_of(row.get(0)?) {
                    stats.documents.insert(kind, row.get(1)?);
                }
                stats.shelves += row.get::<_, u64>(2)?;
                stats.plain_bytes += row.get::<_, u64>(3)?;
                stats.stored_bytes += row.get::<_, u64>(4)?;
            }
            Ok(stats)
        })
    }

    /// What SQLite finds wrong with the file, in a few lines; empty when nothing. Reads all of it.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn quick_check(&self) -> Result<Vec<String>> {
        self.ask(stats_sqlite::quick_check)
    }
}
