//! Documents on their way into the archive and out of it: digested and compressed, and back.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use lz4_flex::block::{self, CompressTable};
use stats_model::{Day, DocumentKind, Shelf};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use super::dictionary::{Dictionaries, Dictionary, LARGE};
use crate::facts::check_day;
use crate::{Document, DocumentFacts, InvalidDocument};

/// The zstd level of small documents.
const LEVEL: i32 = 1;

/// What begins the content of an LZ4 document; no zstd frame begins so. The XXH3 of the plain
/// document follows, least byte first, then one LZ4 block.
const LZ4: &[u8; 4] = b"LZ4\x01";
const HEAD: usize = LZ4.len() + size_of::<u64>();

/// The XXH3 of a source, all 128 bits of it, least byte first: equal digests mean an unchanged document.
/// Rows of older programs may have another digest here, whose document is told by its bytes.
pub(crate) type SourceDigest = [u8; 16];

/// Of a source with more bytes, the two forms of XXH3 begin alike.
const ALIKE: usize = 240;

/// A document ready to be stored, without reference to an open archive: other threads may pack.
#[derive(Debug)]
pub(crate) struct PackedDocument {
    pub(crate) kind: DocumentKind,
    pub(crate) id: String,
    pub(crate) community: String,
    pub(crate) day: Day,
    pub(crate) origin: Option<u64>,
    pub(crate) digest: SourceDigest,
    pub(crate) plain: u64,
    /// The XXH3 of the document as it came.
    pub(crate) mark: u64,
    pub(crate) dictionary: Option<Arc<Dictionary>>,
    pub(crate) content: Vec<u8>,
}

impl PackedDocument {
    /// Bytes of the document as it is stored.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.content.len() as u64
    }
}

/// Packs documents for one archive. Each thread has its own; see
/// [`Archive::packer`](super::Archive::packer).
pub(crate) struct Packer {
    dictionaries: Arc<Dictionaries>,
    without: Option<Compressor<'static>>,
    with: HashMap<DocumentKind, (Arc<Dictionary>, Compressor<'static>)>,
    table: CompressTable,
    buffer: Vec<u8>,
}

impl Packer {
    pub(crate) fn new(dictionaries: Arc<Dictionaries>) -> Self {
        Self {
            dictionaries,
            without: None,
            with: HashMap::new(),
            table: CompressTable::default(),
            buffer: Vec::new(),
        }
    }

    /// Reads the facts of a document and compresses it. Its source is known to be UTF-8, and
    /// somebody else wrote its `_id`: it may name no other day.
    pub(crate) fn pack_text(
        &mut self,
        kind: DocumentKind,
        id: &str,
        source: &str,
    ) -> Result<PackedDocument, InvalidDocument> {
        let facts = DocumentFacts::read_text(kind, source)?;
        check_day(id, facts.day)?;
        Ok(self.pack_known(kind, id, &facts, source.as_bytes(), None))
    }

    /// Compresses a document that a source handed out from `shelf`. What the source says of it is
    /// taken as it is; the document is not looked into.
    #[must_use]
    pub(crate) fn pack_from(&mut self, shelf: &Shelf, document: Document<'_>) -> PackedDocument {
        let Document { id, day, sequence, source } = document;
        let facts = DocumentFacts { community: shelf.community.as_str().into(), day };
        self.pack_known(shelf.kind, id, &facts, source, Some(sequence))
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
        let (digest, mark) = digest_and_mark(source);
        let content = self.compress(kind, dictionary.as_ref(), source, mark);
        PackedDocument {
            kind,
            id: id.to_owned(),
            community: facts.community.as_ref().to_owned(),
            day: facts.day,
            origin,
            digest,
            plain: source.len() as u64,
            mark,
            dictionary,
            content,
        }
    }

    fn compress(
        &mut self,
        kind: DocumentKind,
        dictionary: Option<&Arc<Dictionary>>,
        source: &[u8],
        mark: u64,
    ) -> Vec<u8> {
        if source.len() >= LARGE {
            return self.compress_large(source, mark);
        }
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
        let room = zstd::zstd_safe::compress_bound(source.len());
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        let length = compressor
            .compress_to_buffer(source, self.buffer.as_mut_slice())
            .expect("the buffer holds the largest possible result");
        self.buffer[..length].to_vec()
    }

    /// `hash` is the XXH3 of `source`, 64 bits of it.
    fn compress_large(&mut self, source: &[u8], hash: u64) -> Vec<u8> {
        let room = HEAD + block::get_maximum_output_size(source.len());
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        self.buffer[..LZ4.len()].copy_from_slice(LZ4);
        self.buffer[LZ4.len()..HEAD].copy_from_slice(&hash.to_le_bytes());
        let packed = &mut self.buffer[HEAD..];
        let length = block::compress_into_with_table(source, packed, &mut self.table)
            .expect("the buffer holds the largest possible result");
        self.buffer[..HEAD + length].to_vec()
    }
}

/// A compressor whose frames have no checksum: damage is seen by the mark that stands in the row of a
/// document. (Frames of older formats, whose rows have none, end with a checksum.)
fn compressor(dictionary: &[u8]) -> Compressor<'static> {
    let prepare = || -> io::Result<Compressor<'static>> {
        let mut compressor = Compressor::with_dictionary(LEVEL, dictionary)?;
        compressor.set_parameter(CParameter::ChecksumFlag(false))?;
        compressor.set_parameter(CParameter::DictIdFlag(false))?;
        Ok(compressor)
    };
    prepare().expect("these parameters are valid, and a dictionary may be any bytes")
}

/// The digest that tells whether a document changed.
pub(crate) fn digest_of(source: &[u8]) -> SourceDigest {
    xxh3_128(source).to_le_bytes()
}

/// The digest of a document, and the mark that its body is known by.
fn digest_and_mark(source: &[u8]) -> (SourceDigest, u64) {
    let hash = xxh3_128(source);
    let mark = if source.len() > ALIKE { hash as u64 } else { xxh3_64(source) };
    (hash.to_le_bytes(), mark)
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

    /// The document of `plain` bytes that `content` holds, and whose XXH3 is `mark` where that is
    /// known.
    pub(crate) fn unpack(
        &mut self,
        dictionary: Option<i64>,
        content: &[u8],
        plain: usize,
        mark: Option<u64>,
    ) -> io::Result<&[u8]> {
        if self.buffer.len() > KEPT_BUFFER && plain < KEPT_BUFFER {
            self.buffer = Vec::new();
        }
        check_claim(content, plain)?;
        if self.buffer.len() < plain {
            self.buffer.try_reserve(plain - self.buffer.len()).map_err(io::Error::other)?;
            self.buffer.resize(plain, 0);
        }
        if let Some(packed) = content.strip_prefix(LZ4) {
            self.unpack_large(packed, plain, mark)?;
        } else {
            self.unpack_small(dictionary, content, plain)?;
            if mark.is_some_and(|mark| mark != xxh3_64(&self.buffer[..plain])) {
                return Err(io::Error::other(ANOTHER));
            }
        }
        Ok(&self.buffer[..plain])
    }

    fn unpack_small(
        &mut self,
        dictionary: Option<i64>,
        content: &[u8],
        plain: usize,
    ) -> io::Result<()> {
        let decompressor = match self.decompressors.entry(dictionary) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) if dictionary.is_none() => {
                entry.insert(Decompressor::new()?)
            }
            std::collections::hash_map::Entry::Vacant(_) => {
                return Err(io::Error::other("its dictionary is missing"));
            }
        };
        let room = &mut self.buffer[..plain];
        check_length(decompressor.decompress_to_buffer(content, room)?, plain)
    }

    fn unpack_large(&mut self, packed: &[u8], plain: usize, mark: Option<u64>) -> io::Result<()> {
        let Some((hash, packed)) = packed.split_first_chunk() else {
            return Err(io::Error::other("it breaks off"));
        };
        let hash = u64::from_le_bytes(*hash);
        if mark.is_some_and(|mark| mark != hash) {
            return Err(io::Error::other(ANOTHER));
        }
        let room = &mut self.buffer[..plain];
        let length = block::decompress_into(packed, room).map_err(io::Error::other)?;
        check_length(length, plain)?;
        if xxh3_64(room) == hash { Ok(()) } else { Err(io::Error::other("its checksum differs")) }
    }
}

const ANOTHER: &str = "its content is another document's";

/// How long a document is stands in the file, too, and a damaged one may say anything: no memory is
/// taken for more than the content can become.
fn check_claim(content: &[u8], plain: usize) -> io::Result<()> {
    let possible = match content.strip_prefix(LZ4) {
        // A byte of an LZ4 block says at most 255 bytes.
        Some(packed) => plain <= packed.len().saturating_mul(255),
        None => {
            let said = zstd::zstd_safe::get_frame_content_size(content);
            matches!(said, Ok(Some(said)) if said == plain as u64)
        }
    };
    let text = || format!("{} bytes cannot be {plain}", content.len());
    if possible { Ok(()) } else { Err(io::Error::other(text())) }
}

fn check_length(length: usize, plain: usize) -> io::Result<()> {
    if length == plain {
        Ok(())
    } else {
        Err(io::Error::other(format!("{length} bytes instead of {plain}")))
    }
}

#[cfg(test)]
mod tests;
