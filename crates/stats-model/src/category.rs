//! Categories of responses: their names in every place where they are spelled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DocumentKind;

/// A category of responses: the four that the Python package knows, and the four derived ones
/// (cache-and-jobs specification, section 15, rows 1 and 2).
///
/// The order of [`Category::ALL`] is the order in which the package generates its four, then the
/// derived ones; `Ord` follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Running totals of views and downloads.
    UsageSnapshot,
    /// Views and downloads, day by day.
    UsageDelta,
    /// Running totals of records.
    RecordSnapshot,
    /// Records added minus removed, day by day.
    RecordDelta,
    /// The record delta of only what was added.
    RecordDeltaDataAdded,
    /// The record delta of only what was removed, as positive numbers.
    RecordDeltaDataRemoved,
    /// The view metrics of the usage delta.
    UsageDeltaDataViews,
    /// The download metrics of the usage delta.
    UsageDeltaDataDownloads,
}

impl Category {
    /// All eight categories, in generation order.
    pub const ALL: [Self; 8] = [
        Self::UsageSnapshot,
        Self::UsageDelta,
        Self::RecordSnapshot,
        Self::RecordDelta,
        Self::RecordDeltaDataAdded,
        Self::RecordDeltaDataRemoved,
        Self::UsageDeltaDataViews,
        Self::UsageDeltaDataDownloads,
    ];

    /// The four categories that the Python package reads.
    pub const UPSTREAM: [Self; 4] =
        [Self::UsageSnapshot, Self::UsageDelta, Self::RecordSnapshot, Self::RecordDelta];

    /// The kind of documents it is made from.
    #[must_use]
    pub const fn kind(self) -> DocumentKind {
        match self {
            Self::RecordDelta | Self::RecordDeltaDataAdded | Self::RecordDeltaDataRemoved => {
                DocumentKind::RecordDelta
            }
            Self::RecordSnapshot => DocumentKind::RecordSnapshot,
            Self::UsageDelta | Self::UsageDeltaDataViews | Self::UsageDeltaDataDownloads => {
                DocumentKind::UsageDelta
            }
            Self::UsageSnapshot => DocumentKind::UsageSnapshot,
        }
    }

    /// Whether it is one of the derived categories, which Python never reads.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        !matches!(
            self,
            Self::RecordDelta | Self::RecordSnapshot | Self::UsageDelta | Self::UsageSnapshot
        )
    }

    /// The name of the design document: `record_delta`, …, `usage_delta_data_downloads`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsageSnapshot => "usage_snapshot",
            Self::UsageDelta => "usage_delta",
            Self::RecordSnapshot => "record_snapshot",
            Self::RecordDelta => "record_delta",
            Self::RecordDeltaDataAdded => "record_delta_data_added",
            Self::RecordDeltaDataRemoved => "record_delta_data_removed",
            Self::UsageDeltaDataViews => "usage_delta_data_views",
            Self::UsageDeltaDataDownloads => "usage_delta_data_downloads",
        }
    }

    /// The query name that keys, results and messages carry: the package's own for its four
    /// (`record-delta-category`, …), the design name for the derived ones.
    #[must_use]
    pub const fn query_name(self) -> &'static str {
        match self {
            Self::UsageSnapshot => "usage-snapshot-category",
            Self::UsageDelta => "usage-delta-category",
            Self::RecordSnapshot => "record-snapshot-category",
            Self::RecordDelta => "record-delta-category",
            derived => derived.name(),
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.query_name())
    }
}

/// A text that names no category.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown category '{0}'")]
pub struct UnknownCategory(pub String);

impl FromStr for Category {
    type Err = UnknownCategory;

    /// Accepts the design name and the query name, with any mix of `-` and `_`, with or without
    /// `-category` at the end.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.replace('-', "_");
        let name = name.strip_suffix("_category").unwrap_or(&name);
        Self::ALL
            .into_iter()
            .find(|category| category.name() == name)
            .ok_or_else(|| UnknownCategory(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_categories_are_serialised_under_their_names() {
        for category in Category::ALL {
            let text = serde_json::to_string(&category).unwrap();
            assert_eq!(text, format!("\"{}\"", category.name()));
            let kind = serde_json::to_string(&category.kind()).unwrap();
            assert_eq!(kind, format!("\"{}\"", category.kind().name()));
        }
    }
}
