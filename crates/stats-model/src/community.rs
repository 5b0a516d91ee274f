//! Communities, and how far their aggregation has gone.

use serde::{Deserialize, Serialize};

use crate::Day;

/// The community id of the whole repository.
pub const GLOBAL: &str = "global";

/// Who may see a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Members only; also everything missing or unknown.
    Restricted,
}

/// Whether a community still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeletionStatus {
    /// `P`: it stands.
    Published,
    /// `D`: deleted, a tombstone is left.
    Deleted,
    /// `X`: marked for purging.
    Marked,
}

/// What is known of a community (source-documents specification, section 3).
#[derive(Debug, Clone, PartialEq)]
pub struct Community {
    /// Its UUID.
    pub id: String,
    /// Its present slug.
    pub slug: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The day it was created, UTC.
    pub created: Option<Day>,
    /// Missing or unknown values count as restricted.
    pub visibility: Visibility,
    /// Deleted communities keep their other fields.
    pub deletion: DeletionStatus,
    /// `stats:dashboard_enabled`; the stored text `"true"` counts as true. `None` when absent.
    pub dashboard_enabled: Option<bool>,
    /// `stats:dashboard_layout` as stored, when present and not null.
    pub dashboard_layout: Option<serde_json::Value>,
}

/// How far the aggregation of one kind has gone for one community (source-documents
/// specification, section 1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bookmark {
    /// The last day for which a document was written in a run that succeeded completely.
    pub day: Day,
}
