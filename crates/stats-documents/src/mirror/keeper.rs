//! The documents of one shelf on their way into the archive.

use stats_model::{Fingerprint, Shelf};

use super::source::{Mirror, Wanted};
use crate::archive::{PackedDocument, Packer};
use crate::{Document, SourceError};

/// How much crossed the network for one shelf.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub(super) documents: u64,
    pub(super) bytes: u64,
    pub(super) dropped: u64,
    /// What the shelf is now.
    pub(super) fingerprint: Fingerprint,
    /// Why the archive could not take it.
    pub(super) unkept: Option<SourceError>,
}

impl Fetched {
    pub(super) fn unkept(error: SourceError) -> Self {
        Self { unkept: Some(error), ..Self::default() }
    }

    /// The same, an error if the archive could not take it.
    pub(super) fn kept(self) -> Result<Self, SourceError> {
        match self.unkept {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }
}

/// The documents of one shelf on their way into the archive. However large it is, only so much of
/// it waits in memory.
pub(super) struct Keeper<'a> {
    mirror: &'a Mirror,
    shelf: &'a Shelf,
    wanted: &'a Wanted,
    packer: Packer,
    waiting: Vec<PackedDocument>,
    waiting_bytes: u64,
    pub(super) fetched: Fetched,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(mirror: &'a Mirror, shelf: &'a Shelf, wanted: &'a Wanted) -> Self {
        Self {
            mirror,
            shelf,
            wanted,
            packer: mirror.archive.packer(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            fetched: Fetched::default(),
        }
    }

    /// Takes a document. Asks neither the source nor for what is known of it: a visit may not.
    pub(super) fn take(&mut self, document: Document<'_>) {
        self.fetched.documents += 1;
        self.fetched.bytes += document.source.len() as u64;
        if self.fetched.unkept.is_some() {
            return;
        }
        let packed = self.packer.pack_from(self.shelf, document);
        self.waiting_bytes += packed.stored_bytes();
        self.waiting.push(packed);
        if self.waiting_bytes >= self.mirror.options.batch_bytes {
            let part = Part { documents: &self.waiting, drop: &[], last: None };
            self.fetched.unkept = self.mirror.write(self.shelf, self.wanted, &part).err();
            self.waiting.clear();
            self.waiting_bytes = 0;
        }
    }

    /// There are no more documents, those in `drop` are gone, and the shelf is this now.
    pub(super) fn finish(mut self, fingerprint: Fingerprint, drop: &[String]) -> Fetched {
        self.fetched.dropped = drop.len() as u64;
        self.fetched.fingerprint = fingerprint;
        if self.fetched.unkept.is_none() {
            let part = Part { documents: &self.waiting, drop, last: Some(fingerprint) };
            self.fetched.unkept = self.mirror.store(self.shelf, self.wanted, &part).err();
        }
        self.fetched
    }
}

/// Some of the documents of a shelf.
pub(super) struct Part<'a> {
    pub(super) documents: &'a [PackedDocument],
    /// Ids of those that the source has no longer.
    pub(super) drop: &'a [String],
    /// With the last part, what the shelf is then.
    pub(super) last: Option<Fingerprint>,
}
