//! One line of an export: its envelope, and what it brings.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use stats_model::{Bookmark, Community, DocumentKind};

use super::index_names::{IndexName, read_index};
use super::listed::{MOST_LISTED, OtherPrefixes};
use super::report::{LineKind, Reason};
use crate::archive::{CommunityEvent, CommunityVersion, PackedDocument, Packer};
use crate::facts::{Text, read_object, read_object_bytes};
use crate::stored::{read_bookmark, read_community, read_event};
use crate::{DocumentFacts, InvalidDocument};

/// Something to put into the archive.
pub(crate) enum Item {
    Document(PackedDocument),
    Community(Box<Community>, CommunityVersion),
    Bookmark { id: String, kind: DocumentKind, community: String, bookmark: Bookmark },
    Event { id: String, event: CommunityEvent },
}

impl Item {
    pub(crate) fn kind(&self) -> LineKind {
        match self {
            Self::Document(document) => LineKind::Documents(document.kind),
            Self::Community(..) => LineKind::Communities,
            Self::Bookmark { .. } => LineKind::Bookmarks,
            Self::Event { .. } => LineKind::Events,
        }
    }
}

/// A line that brings nothing.
pub(crate) struct Refusal {
    pub(crate) kind: LineKind,
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

/// The envelope of an export line; other keys are ignored.
#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(borrow, default, rename = "_index")]
    index: Text<'a>,
    #[serde(borrow, default, rename = "_id")]
    id: Text<'a>,
    #[serde(borrow, default, rename = "_source")]
    source: Option<&'a RawValue>,
}

/// How lines are read, and whose they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    /// The index of lines that are nothing but a source.
    pub(crate) index: Option<String>,
    /// The prefix of the installation that is meant; lines of others are left out.
    pub(crate) prefix: Option<String>,
    /// The prefixes that were found on lines that bring something, not more than can be told.
    pub(crate) found: BTreeSet<String>,
    /// Lines that were left out.
    pub(crate) others: OtherPrefixes,
}

impl Reading {
    /// Whether lines of an installation with this prefix are meant.
    fn takes(&mut self, prefix: &str) -> bool {
        match &self.prefix {
            Some(wanted) if wanted != prefix => {
                self.others.add(prefix, 1);
                return false;
            }
            _ if self.found.len() < MOST_LISTED && !self.found.contains(prefix) => {
                self.found.insert(prefix.to_owned());
            }
            _ => {}
        }
        true
    }
}

/// Reads one line. `None`: it is of an installation that is not meant. `Err` says why it brings
/// nothing.
pub(crate) fn read_line(
    line: &[u8],
    packer: &mut Packer,
    reading: &mut Reading,
) -> Result<Option<Item>, Refusal> {
    let refuse = |reason, detail: String| Refusal { kind: LineKind::Other, reason, detail };
    let text = std::str::from_utf8(line)
        .map_err(|error| refuse(Reason::InvalidUtf8, error.to_string()))?;
    let mut hit: Hit<'_> =
        read_object(text).map_err(|error| refuse(Reason::NotJson, error.to_string()))?;
    let without_index_name = hit.index.0.is_none();
    let bare = without_index_name && hit.source.is_none();
    if without_index_name && let Some(index) = &reading.index {
        hit.index.0 = Some(Cow::Owned(index.clone()));
    }
    let index = hit.index.0.ok_or_else(|| refuse(without_index(text), String::new()))?;
    let IndexName { kind, prefix } =
        read_index(&index).map_err(|reason| refuse(reason, shortened(&index)))?;
    if !reading.takes(prefix) {
        return Ok(None);
    }

    let refuse = |reason, detail: String| Refusal { kind, reason, detail };
    let source = if bare { Some(text.trim_ascii()) } else { hit.source.map(RawValue::get) };
    let own_id = hit.id.0.filter(|id| !bare && !id.is_empty());
    let id = match (own_id, source) {
        (None, Some(source)) if without_index_name => bare_id(kind, source)
            .map_err(|invalid| refuse(reason_of(&invalid), shortened(&invalid.to_string())))?
            .map(Cow::Owned),
        (own_id, _) => own_id,
    };
    let id = id.ok_or_else(|| refuse(Reason::MissingId, String::new()))?;
    let source = source.ok_or_else(|| refuse(Reason::MissingSource, shortened(&id)))?;
    if !source.starts_with('{') {
        return Err(refuse(Reason::MissingSource, "_source is not an object".to_owned()));
    }
    read_source(kind, &id, source, packer).map(Some).map_err(|invalid| {
        refuse(
            reason_of(&invalid),
            format!("{}: {}", shortened(&id), shortened(&invalid.to_string())),
        )
    })
}

/// Why a line has no index.
fn without_index(text: &str) -> Reason {
    let head: String = text.chars().filter(|char| !char.is_whitespace()).take(10).collect();
    if head.starts_with("{\"delete\"") || head.starts_with("{\"update\"") {
        Reason::BulkAction
    } else {
        Reason::MissingIndex
    }
}

/// The id under which the dashboard's programs store a document that came without one
/// (source-documents specification, section 1.3).
fn bare_id(kind: LineKind, text: &str) -> Result<Option<String>, InvalidDocument> {
    Ok(match kind {
        LineKind::Documents(kind) => {
            let facts = DocumentFacts::read_text(kind, text)?;
            Some(format!("{}-{}", facts.community, facts.day))
        }
        LineKind::Bookmarks => {
            let (kind, community, _) = read_bookmark(text.as_bytes())?;
            Some(format!("{}_{community}", kind.bookmark_type()))
        }
        LineKind::Communities => read_object::<Identified<'_>>(text)?.id.0.map(Cow::into_owned),
        LineKind::Events | LineKind::Other => None,
    })
}

/// A community names itself.
#[derive(Deserialize)]
struct Identified<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
}

fn read_source(
    kind: LineKind,
    id: &str,
    source: &str,
    packer: &mut Packer,
) -> Result<Item, InvalidDocument> {
    Ok(match kind {
        LineKind::Documents(kind) => Item::Document(packer.pack_text(kind, id, source)?),
        LineKind::Bookmarks => {
            let (kind, community, bookmark) = read_bookmark(source.as_bytes())?;
            Item::Bookmark { id: id.to_owned(), kind, community, bookmark }
        }
        LineKind::Events => {
            Item::Event { id: id.to_owned(), event: read_event(source.as_bytes())? }
        }
        LineKind::Communities | LineKind::Other => {
            let source = source.as_bytes();
            Item::Community(Box::new(read_community(id, source)?), CommunityVersion::read(source))
        }
    })
}

fn reason_of(invalid: &InvalidDocument) -> Reason {
    match invalid {
        InvalidDocument::NotJson(_) => Reason::NotJson,
        InvalidDocument::NoCommunity => Reason::NoCommunity,
        InvalidDocument::OtherKind(_) => Reason::OtherKind,
        InvalidDocument::NoDay(_) => Reason::NoDay,
        InvalidDocument::DayNotADate(..) => Reason::DayNotADate,
        InvalidDocument::OtherDay { .. } => Reason::OtherDay,
        InvalidDocument::OtherAggregation(_) => Reason::OtherAggregation,
    }
}

/// Enough of a text to recognise it.
fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    if text.chars().nth(MOST).is_none() {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

/// Whether a line has the shape of an export line, wherever it comes from.
pub(crate) fn is_export_line(line: &[u8]) -> bool {
    read_object_bytes::<Hit<'_>>(line)
        .is_ok_and(|hit| hit.index.0.is_some() && hit.source.is_some())
}

/// The lines of a piece of a file, without their ends; the last one may lack its end.
pub(crate) fn lines_of(piece: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let line;
        (line, rest) = match memchr::memchr(b'\n', rest) {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        Some(line)
    })
}
