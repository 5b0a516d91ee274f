//! The door to the crate: documents in, one by one; responses out.

use std::io::{self, Write};

use crate::blueprint::{Blueprint, SeriesError};
use crate::config::SeriesConfig;
use crate::failure::DocumentFailure;
use crate::plan::ResponseSpec;
use crate::reader::Reader;
use crate::write::{FloatStyle, ResponseWriter};

/// Rises whenever the bytes that come out for the same input change.
pub const GENERATOR_VERSION: u32 = 2;

/// A response that was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A document cannot be part of it; nothing was written.
    #[error(transparent)]
    Document(#[from] DocumentFailure),
    /// The writer failed; some bytes may have been written.
    #[error("writing a response")]
    Io(#[from] io::Error),
}

/// Builds any number of responses from one pass over the documents of one kind.
///
/// Documents are fed one by one in the order in which their points shall stand, for a stored year
/// by (day, `_id`). Of a document nothing is kept but its numbers, and of an item its id and its
/// first label: about eight bytes a number.
#[derive(Debug)]
pub struct SeriesBuilder {
    blueprint: Blueprint,
    reader: Reader,
}

impl SeriesBuilder {
    /// A builder of these responses, which must all be made from one kind of documents.
    ///
    /// # Errors
    /// When there is no response, or their kinds differ.
    pub fn new(config: &SeriesConfig, specs: &[ResponseSpec]) -> Result<Self, SeriesError> {
        Ok(Self::of(&Blueprint::new(config, specs)?))
    }

    /// A builder of the responses of a blueprint.
    #[must_use]
    pub fn of(blueprint: &Blueprint) -> Self {
        let reader = Reader::new(blueprint.kind(), blueprint.tables());
        Self { blueprint: blueprint.clone(), reader }
    }

    /// Reads every document by the rules alone, which makes the same bytes, slowly: for tests that
    /// compare both ways.
    #[doc(hidden)]
    #[must_use]
    pub const fn without_prediction(mut self) -> Self {
        self.reader.predicts = false;
        self
    }

    /// How many items and totals were read by their looks: a test that compares both ways shows
    /// with it that there were two.
    #[doc(hidden)]
    #[must_use]
    pub const fn predicted(&self) -> u64 {
        self.reader.predicted
    }

    /// Reads one document: the bare JSON object, under a name for messages, usually its `_id`.
    ///
    /// It never fails here: what is wrong with a document is kept for the responses that it
    /// concerns, and shown by [`failure`](Self::failure) and [`write`](Self::write).
    pub fn feed(&mut self, id: &str, document: &[u8]) {
        self.reader.feed(id, document);
    }

    /// How many documents were fed.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.reader.dates.len() as u64
    }

    /// The first document that cannot be part of response `index`, if any.
    ///
    /// # Panics
    /// When there is no response with that index.
    #[must_use]
    pub fn failure(&self, index: usize) -> Option<&DocumentFailure> {
        let (_, arrays) = self.blueprint.response(index);
        self.reader.failures.first(arrays.iter().map(|array| (array.table, array.column)))
    }

    /// Writes exactly the bytes of response `index`, without a newline at the end
    /// (data-series specification, sections 7 and 11).
    ///
    /// # Errors
    /// When a document cannot be part of it, in which case nothing is written; or when the writer
    /// fails.
    ///
    /// # Panics
    /// When there is no response with that index.
    pub fn write(
        &self,
        index: usize,
        style: FloatStyle,
        out: &mut dyn Write,
    ) -> Result<(), WriteError> {
        if let Some(failure) = self.failure(index) {
            return Err(WriteError::Document(failure.clone()));
        }
        let (plan, arrays) = self.blueprint.response(index);
        ResponseWriter::new(&self.reader, style).write(plan, arrays, out)?;
        Ok(())
    }
}
