//! Reading the documents of one shelf.

use std::ops::ControlFlow;

use rusqlite::Connection;
use stats_model::{Day, Shelf};

use super::checks::DocumentRows;
use super::entries::stored_day;
use super::failure::{DoingWithFile, Result, damaged};
use super::handle::Archive;
use super::packing::Unpacker;
use super::sound::carries_checks;
use crate::{Document, SourceError, Visit};

/// A shelf as it was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundShelf {
    pub(super) number: i64,
    pub(super) documents: u64,
}

/// What stands beside a row of documents.
const DICTIONARY: usize = DocumentRows::FURTHER;
const CONTENT: usize = DocumentRows::FURTHER + 1;

/// One reading of one shelf.
pub(super) struct Reading<'a> {
    pub(super) archive: &'a Archive,
    pub(super) shelf: &'a Shelf,
    pub(super) found: FoundShelf,
    /// The column of [`DocumentRows`] with the number under which a document is handed out.
    pub(super) number: usize,
    pub(super) doing: &'a str,
}

impl Reading<'_> {
    pub(super) fn documents(
        &self,
        snapshot: &Connection,
        unpacker: &mut Unpacker,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let path = self.archive.path();
        let carry_checks = carries_checks(snapshot).doing(self.doing, path)?;
        let mut document_rows = DocumentRows::new(carry_checks);
        // A missing body must be seen, hence the outer join.
        let mut statement = snapshot
            .prepare_cached(&format!(
                "SELECT {}, dictionary, content
                 FROM documents LEFT JOIN bodies USING (body)
                 WHERE shelf = ?1 ORDER BY day, id",
                document_rows.columns()
            ))
            .doing(self.doing, path)?;
        let mut rows = statement.query([self.found.number]).doing(self.doing, path)?;
        let mut seen = 0;
        while let Some(row) = rows.next().doing(self.doing, path)? {
            seen += 1;
            let head = self.row_head(row).doing(self.doing, path)?;
            let id = row.get_ref(DocumentRows::ID).doing(self.doing, path)?.as_str();
            let id = id.map_err(|error| self.damaged(seen, error))?;
            if only.is_some_and(|only| {
                only.binary_search_by(|wanted| wanted.as_bytes().cmp(id.as_bytes())).is_err()
            }) {
                continue;
            }
            self.learn(snapshot, unpacker, head.dictionary)?;
            if !document_rows.is_as_written(row).unwrap_or(false) {
                return Err(self.damaged(id, "its row is not as it was written"));
            }
            let content = row.get_ref(CONTENT).doing(self.doing, path)?.as_blob();
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

    fn row_head(&self, row: &rusqlite::Row<'_>) -> rusqlite::Result<Head> {
        Ok(Head {
            day: stored_day(row.get(DocumentRows::DAY)?)?,
            sequence: row.get(self.number)?,
            plain: row.get(DocumentRows::PLAIN)?,
            dictionary: row.get(DICTIONARY)?,
            mark: row.get::<_, Option<i64>>(DocumentRows::MARK)?.map(i64::cast_unsigned),
        })
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
