//! Documents on their way into the archive and out of it: digested and compressed, and back.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use stats_series::DocumentKind;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use super::dictionary::{Dictionaries, Dictionary};
use crate::{Day, Document, DocumentFacts, InvalidDocument, Shelf};

/// Fast, and 13:1 on usage snapshots.
const LEVEL: i32 = 1;

/// The first half of the SHA-256 of a source: equal digests mean an unchanged document.
pub(crate) type SourceDigest = [u8; 16];

/// A document ready to be stored, without reference to an open archive: other threads may pack.
#[derive(Debug)]
pub struct PackedDocument {
    pub(crate) kind: DocumentKind,
    pub(crate) id: String,
    pub(crate) community: String,
    pub(crate) day: Day,
    pub(crate) origin: Option<u64>,
    pub(crate) digest: SourceDigest,
    pub(crate) plain: u64,
    pub(crate) dictionary: Option<Arc<Dictionary>>,
    pub(crate) content: Vec<u8>,
}

impl PackedDocument {
    /// Bytes of the document as it came.
    #[must_use]
    pub fn plain_bytes(&self) -> u64 {
        self.plain
    }
}

/// Packs documents for one archive. Each thread has its own; see
/// [`Archive::packer`](super::Archive::packer).
pub struct Packer {
    dictionaries: Arc<Dictionaries>,
    without: Option<Compressor<'static>>,
    with: HashMap<DocumentKind, (Arc<Dictionary>, Compressor<'static>)>,
    buffer: Vec<u8>,
}

impl Packer {
    pub(crate) fn new(dictionaries: Arc<Dictionaries>) -> Self {
        Self { dictionaries, without: None, with: HashMap::new(), buffer: Vec::new() }
    }

    /// Reads the facts of a document and compresses it.
    ///
    /// `origin` is the number the document has in the index it is mirrored from, if it is.
    ///
    /// # Errors
    /// When the document can stand on no shelf.
    pub fn pack(
        &mut self,
        kind: DocumentKind,
        id: &str,
        source: &[u8],
        origin: Option<u64>,
    ) -> Result<PackedDocument, InvalidDocument> {
        let facts = DocumentFacts::read(kind, source)?;
        Ok(self.pack_known(kind, id, &facts, source, origin))
    }

    /// The same for a source that is known to be UTF-8.
    pub(crate) fn pack_text(
        &mut self,
        kind: DocumentKind,
        id: &str,
        source: &str,
    ) -> Result<PackedDocument, InvalidDocument> {
        let facts = DocumentFacts::read_text(kind, source)?;
        Ok(self.pack_known(kind, id, &facts, source.as_bytes(), None))
    }

    /// Compresses a document that a source handed out from `shelf`. What the source says of it is
    /// taken as it is; the document is not looked into, and its digest is that of the compressed
    /// form, since the number it has in the source tells whether it changed.
    #[must_use]
    pub fn pack_from(&mut self, shelf: &Shelf, document: Document<'_>) -> PackedDocument {
        let Document { id, day, sequence, source } = document;
        let dictionary = self.dictionaries.for_document(shelf.kind, source);
        let content = self.compress(shelf.kind, dictionary.as_ref(), source);
        PackedDocument {
            kind: shelf.kind,
            id: id.to_owned(),
            community: shelf.community.clone(),
            day,
            origin: Some(sequence),
            digest: digest_of(&content),
            plain: source.len() as u64,
            dictionary,
            content,
        }
    }

    /// The same for a document whose facts were read before.
    pub(crate) fn pack_known(
        &mut self,
        kind: DocumentKind,
        id: &str,
        facts: &DocumentFacts<'_>,
        source: &[u8],
        origin: Option<u64>,
    ) -> PackedDocument {
        let dictionary = self.dictionaries.for_document(kind, source);
        let content = self.compress(kind, dictionary.as_ref(), source);
        PackedDocument {
            kind,
            id: id.to_owned(),
            community: facts.community.as_ref().to_owned(),
            day: facts.day,
            origin,
            digest: digest_of(source),
            plain: source.len() as u64,
            dictionary,
            content,
        }
    }

    fn compress(
        &mut self,
        kind: DocumentKind,
        dictionary: Option<&Arc<Dictionary>>,
        source: &[u8],
    ) -> Vec<u8> {
        let compressor = match dictionary {
            None => self.without.get_or_insert_with(|| compressor(&[])),
            Some(dictionary) => {
                let entry = self
                    .with
                    .entry(kind)
                    .or_insert_with(|| (dictionary.clone(), compressor(&dictionary.content)));
                if !Arc::ptr_eq(&entry.0, dictionary) {
                    *entry = (dictionary.clone(), compressor(&dictionary.content));
                }
                &mut entry.1
            }
        };
        self.buffer.clear();
        self.buffer.reserve(zstd::zstd_safe::compress_bound(source.len()));
        compressor
            .compress_to_buffer(source, &mut self.buffer)
            .expect("the buffer holds the largest possible result");
        self.buffer.as_slice().to_vec()
    }
}

/// A compressor that ends every document with a checksum, so that damage is seen when it is read.
fn compressor(dictionary: &[u8]) -> Compressor<'static> {
    let prepare = || -> io::Result<Compressor<'static>> {
        let mut compressor = Compressor::with_dictionary(LEVEL, dictionary)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        compressor.set_parameter(CParameter::DictIdFlag(false))?;
        Ok(compressor)
    };
    prepare().expect("these parameters are valid, and a dictionary may be any bytes")
}

/// The digest that tells whether a document changed.
pub(crate) fn digest_of(source: &[u8]) -> SourceDigest {
    let digest = Sha256::digest(source);
    let mut half = SourceDigest::default();
    half.copy_from_slice(&digest[..16]);
    half
}

/// Unpacks documents into a buffer that is used again and again.
#[derive(Default)]
pub(crate) struct Unpacker {
    decompressors: HashMap<Option<i64>, Decompressor<'static>>,
    buffer: Vec<u8>,
}

/// A buffer that grew larger than this for one document is given back.
const KEPT_BUFFER: usize = 8 * 1024 * 1024;

impl Unpacker {
    /// Whether documents of this dictionary can be unpacked already.
    pub(crate) fn knows(&self, dictionary: Option<i64>) -> bool {
        dictionary.is_none() || self.decompressors.contains_key(&dictionary)
    }

    /// Gets ready for documents of a dictionary.
    pub(crate) fn learn(&mut self, dictionary: i64, content: &[u8]) -> io::Result<()> {
        self.decompressors.insert(Some(dictionary), Decompressor::with_dictionary(content)?);
        Ok(())
    }

    /// The document of `plain` bytes that `content` holds.
    pub(crate) fn unpack(
        &mut self,
        dictionary: Option<i64>,
        content: &[u8],
        plain: usize,
    ) -> io::Result<&[u8]> {
        let decompressor = match self.decompressors.entry(dictionary) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) if dictionary.is_none() => {
                entry.insert(Decompressor::new()?)
            }
            std::collections::hash_map::Entry::Vacant(_) => {
                return Err(io::Error::other("its dictionary is missing"));
            }
        };
        self.buffer.clear();
        if self.buffer.capacity() > KEPT_BUFFER && plain < KEPT_BUFFER {
            self.buffer = Vec::new();
        }
        self.buffer.try_reserve(plain).map_err(io::Error::other)?;
        let length = decompressor.decompress_to_buffer(content, &mut self.buffer)?;
        if length == plain {
            Ok(&self.buffer)
        } else {
            Err(io::Error::other(format!("{length} bytes instead of {plain}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(source: &[u8], dictionary: Option<Arc<Dictionary>>) -> Vec<u8> {
        let mut packer = Packer::new(Arc::default());
        let content = packer.compress(DocumentKind::UsageDelta, dictionary.as_ref(), source);
        let mut unpacker = Unpacker::default();
        if let Some(dictionary) = &dictionary {
            unpacker.learn(7, &dictionary.content).unwrap();
        }
        unpacker.unpack(dictionary.map(|_| 7), &content, source.len()).unwrap().to_vec()
    }

    #[test]
    fn anything_comes_back() {
        let mut noise = vec![0u8; 100_000];
        let mut state = 1u32;
        for byte in &mut noise {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        for source in [&b""[..], b"{}", &noise, &[b'x'; 70_000]] {
            assert_eq!(round_trip(source, None), source);
        }
    }

    #[test]
    fn documents_of_a_trained_dictionary_come_back_and_are_small() {
        let dictionaries = Dictionaries::default();
        let source = |n: u32| {
            format!(
                r#"{{"community_id":"c{n}","period_start":"2025-03-09T00:00:00","period_end":"2025-03-09T23:59:59","totals":{{"view":{{"total_events":{n},"unique_visitors":{n},"unique_records":{n},"unique_parents":{n}}}}},"subcounts":{{"access_statuses":[],"file_types":[],"languages":[],"resource_types":[]}}}}"#
            )
        };
        let mut dictionary = None;
        for n in 0..2_000 {
            dictionary = dictionaries.for_document(DocumentKind::UsageDelta, source(n).as_bytes());
        }
        let dictionary = dictionary.expect("enough samples for a dictionary");
        let document = source(77_777);
        assert_eq!(round_trip(document.as_bytes(), Some(dictionary.clone())), document.as_bytes());
        let mut packer = Packer::new(Arc::default());
        let mut length = |dictionary| {
            packer.compress(DocumentKind::UsageDelta, dictionary, document.as_bytes()).len()
        };
        assert!(length(Some(&dictionary)) * 2 < length(None));
    }

    #[test]
    fn damage_is_seen() {
        let mut packer = Packer::new(Arc::default());
        let source = b"{\"community_id\":\"global\",\"period_start\":\"2025-03-09\"}";
        let content = packer.compress(DocumentKind::UsageDelta, None, source);
        for place in 4..content.len() {
            let mut damaged = content.clone();
            damaged[place] ^= 0x10;
            let unpacked =
                Unpacker::default().unpack(None, &damaged, source.len()).map(<[u8]>::to_vec);
            // One bit of the head has no meaning.
            assert!(unpacked.is_err() || unpacked.is_ok_and(|same| same == source), "byte {place}");
        }
    }
}
