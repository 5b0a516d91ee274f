//! The import that a writer carries out, and what it writes down of itself.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};

use super::packing::{PackedDocument, Unpacker};
use super::running::Held;
use super::versions::{Version, compare};

/// The import that a writer carries out.
pub(crate) struct RunningImport {
    pub(super) number: i64,
    pub(super) began: i64,
    /// Shows others that it runs.
    pub(super) held: Held,
    /// Whether older documents replace newer ones.
    pub(super) replace: bool,
    /// Whether other imports wait for their documents to come again.
    pub(super) watches: bool,
    /// The first and last sequence number of each batch, and the shelves that all of them changed.
    pub(super) batches: Vec<(u64, u64)>,
    pub(super) shelves: BTreeSet<i64>,
    pub(super) unpacker: Unpacker,
}

impl RunningImport {
    /// Whether older things replace newer ones.
    pub(crate) const fn replaces(&self) -> bool {
        self.replace
    }

    /// Writes down the batch that is about to be committed. An older version, which cannot see that
    /// this import runs, may have struck it out: then all of it is written down anew.
    pub(crate) fn record(
        &mut self,
        connection: &Connection,
        before: u64,
        last: u64,
        shelves: impl Iterator<Item = i64>,
    ) -> rusqlite::Result<()> {
        if last > before {
            self.batches.push((before + 1, last));
        }
        let shelves: Vec<i64> = shelves.collect();
        self.shelves.extend(&shelves);
        let new = connection
            .prepare_cached(
                "INSERT OR IGNORE INTO imports (import, began, lost) VALUES (?1, ?2, 0)",
            )?
            .execute((self.number, self.began))?;
        let mut batch = connection.prepare_cached(
            "INSERT OR IGNORE INTO import_batches (import, first, last) VALUES (?1, ?2, ?3)",
        )?;
        let mut shelf = connection.prepare_cached(
            "INSERT OR IGNORE INTO import_shelves (import, shelf) VALUES (?1, ?2)",
        )?;
        if new > 0 {
            for (first, last) in &self.batches {
                batch.execute((self.number, first, last))?;
            }
            for touched in &self.shelves {
                shelf.execute((self.number, touched))?;
            }
            return Ok(());
        }
        if let Some((first, last)) = self.batches.last().filter(|_| last > before) {
            batch.execute((self.number, first, last))?;
        }
        for touched in shelves {
            shelf.execute((self.number, touched))?;
        }
        Ok(())
    }

    /// Notes that the document with this number came.
    pub(crate) fn saw(&self, connection: &Connection, sequence: u64) -> rusqlite::Result<()> {
        if self.watches {
            connection
                .prepare_cached("INSERT OR IGNORE INTO temp.import_seen (sequence) VALUES (?1)")?
                .execute([sequence])?;
        }
        Ok(())
    }

    /// What `document` is beside the one with the same id that has its body at `body`.
    pub(crate) fn version(
        &mut self,
        connection: &Connection,
        document: &PackedDocument,
        body: i64,
        plain: u64,
    ) -> rusqlite::Result<Version> {
        if self.replace && plain != document.plain {
            return Ok(Version::Newer);
        }
        let (dictionary, content): (Option<i64>, Vec<u8>) = connection
            .prepare_cached("SELECT dictionary, content FROM bodies WHERE body = ?1")?
            .query_row([body], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let old = self.plain(connection, dictionary, &content, plain)?;
        let dictionary = match &document.dictionary {
            Some(dictionary) => Some(dictionary.number_in(connection)?),
            None => None,
        };
        let new = self.plain(connection, dictionary, &document.content, document.plain)?;
        // What cannot be unpacked is no reason to refuse another one.
        let (Some(old), Some(new)) = (old, new) else { return Ok(Version::Newer) };
        Ok(match compare(&old, &new) {
            Version::Same => Version::Same,
            _ if self.replace => Version::Newer,
            version => version,
        })
    }

    fn plain(
        &mut self,
        connection: &Connection,
        dictionary: Option<i64>,
        content: &[u8],
        plain: u64,
    ) -> rusqlite::Result<Option<Vec<u8>>> {
        if let Some(number) = dictionary.filter(|_| !self.unpacker.knows(dictionary)) {
            let learnt: Option<Vec<u8>> = connection
                .prepare_cached("SELECT content FROM dictionaries WHERE dictionary = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()?;
            let Some(learnt) = learnt else { return Ok(None) };
            if self.unpacker.learn(number, &learnt).is_err() {
                return Ok(None);
            }
        }
        let Ok(plain) = usize::try_from(plain) else { return Ok(None) };
        Ok(self.unpacker.unpack(dictionary, content, plain, None).ok().map(<[u8]>::to_vec))
    }
}
