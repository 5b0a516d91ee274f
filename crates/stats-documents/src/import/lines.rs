//! One line of an export: its envelope, and what it brings.

use serde::Deserialize;
use serde_json::value::RawValue;
use stats_series::DocumentKind;

use super::index_names::kind_of_index;
use super::report::{LineKind, Reason};
use crate::archive::{CommunityEvent, PackedDocument, Packer};
use crate::facts::{Text, read_object, read_object_bytes};
use crate::{Bookmark, Community, InvalidDocument};

/// Something to put into the archive.
pub(crate) enum Item {
    Document(PackedDocument),
    Community(Box<Community>),
    Bookmark { id: String, kind: DocumentKind, community: String, bookmark: Bookmark },
    Event { id: String, event: CommunityEvent },
}

impl Item {
    pub(crate) fn kind(&self) -> LineKind {
        match self {
            Self::Document(document) => LineKind::Documents(document.kind),
            Self::Community(_) => LineKind::Communities,
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

/// Reads one line. `Err` says why it brings nothing.
pub(crate) fn read_line(line: &[u8], packer: &mut Packer) -> Result<Item, Refusal> {
    let refuse = |reason, detail: String| Refusal { kind: LineKind::Other, reason, detail };
    let text = std::str::from_utf8(line)
        .map_err(|error| refuse(Reason::InvalidUtf8, error.to_string()))?;
    let hit: Hit<'_> =
        read_object(text).map_err(|error| refuse(Reason::NotJson, error.to_string()))?;
    let index = hit.index.0.ok_or_else(|| refuse(Reason::MissingIndex, String::new()))?;
    let kind = kind_of_index(&index).map_err(|reason| refuse(reason, shortened(&index)))?;

    let refuse = |reason, detail: String| Refusal { kind, reason, detail };
    let id = hit.id.0.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| refuse(Reason::MissingId, String::new()))?;
    let source = hit.source.map(RawValue::get);
    let source = source.ok_or_else(|| refuse(Reason::MissingSource, shortened(&id)))?;
    if !source.starts_with('{') {
        return Err(refuse(Reason::MissingSource, "_source is not an object".to_owned()));
    }
    read_source(kind, &id, source, packer).map_err(|invalid| {
        refuse(
            reason_of(&invalid),
            format!("{}: {}", shortened(&id), shortened(&invalid.to_string())),
        )
    })
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
            let (kind, community, bookmark) = Bookmark::read(source.as_bytes())?;
            Item::Bookmark { id: id.to_owned(), kind, community, bookmark }
        }
        LineKind::Events => {
            Item::Event { id: id.to_owned(), event: CommunityEvent::read(source.as_bytes())? }
        }
        LineKind::Communities | LineKind::Other => {
            Item::Community(Box::new(Community::read(id, source.as_bytes())?))
        }
    })
}

fn reason_of(invalid: &InvalidDocument) -> Reason {
    match invalid {
        InvalidDocument::NotJson(_) => Reason::NotJson,
        InvalidDocument::NoCommunity => Reason::NoCommunity,
        InvalidDocument::NoDay(_) => Reason::NoDay,
        InvalidDocument::DayNotADate(..) => Reason::DayNotADate,
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
