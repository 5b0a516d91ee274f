//! What a place is filled with.

use stats_model::{Bookmark, DocumentKind};

/// A document to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenDocument {
    /// Its kind.
    pub kind: DocumentKind,
    /// Its `_id`.
    pub id: String,
    /// Its JSON.
    pub source: String,
}

/// A bookmark document to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBookmark {
    /// Its `_id`.
    pub id: String,
    /// The kind it is about.
    pub kind: DocumentKind,
    /// The community it is about.
    pub community: String,
    /// What it says.
    pub bookmark: Bookmark,
}

/// A document of `kind` for `community` and `day`; `value` makes its content.
#[must_use]
pub fn given(
    kind: DocumentKind,
    id: &str,
    community: &str,
    day: &str,
    value: u32,
) -> GivenDocument {
    let community = serde_json::Value::from(community);
    let field = kind.day_field();
    // Only fields that strict mappings know.
    let content = match kind {
        DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => {
            format!(r#""totals":{{"view":{{"total_events":{value}}}}}"#)
        }
        DocumentKind::RecordDelta => format!(r#""uploaders":{value}"#),
        DocumentKind::RecordSnapshot => format!(r#""total_uploaders":{value}"#),
    };
    let source = format!(r#"{{"community_id":{community},"{field}":"{day}T00:00:00",{content}}}"#);
    GivenDocument { kind, id: id.to_owned(), source }
}
