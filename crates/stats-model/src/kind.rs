//! Document kinds: their names in every place where they are spelled.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the four kinds of daily aggregation documents (data-series specification, section 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// What happened to the records of a community on one day.
    RecordDelta,
    /// The running totals of the records of a community at the end of one day.
    RecordSnapshot,
    /// Views and downloads of one day.
    UsageDelta,
    /// The running totals of views and downloads at the end of one day.
    UsageSnapshot,
}

impl DocumentKind {
    /// All kinds, in a fixed order.
    pub const ALL: [Self; 4] =
        [Self::RecordDelta, Self::RecordSnapshot, Self::UsageDelta, Self::UsageSnapshot];

    /// The short name: `record_delta`, `record_snapshot`, `usage_delta`, `usage_snapshot`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RecordDelta => "record_delta",
            Self::RecordSnapshot => "record_snapshot",
            Self::UsageDelta => "usage_delta",
            Self::UsageSnapshot => "usage_snapshot",
        }
    }

    /// The search alias without the instance's prefix and without a year
    /// (source-documents specification, section 1.2).
    #[must_use]
    pub const fn alias(self) -> &'static str {
        match self {
            Self::RecordDelta => "stats-community-records-delta-added",
            Self::RecordSnapshot => "stats-community-records-snapshot-added",
            Self::UsageDelta => "stats-community-usage-delta",
            Self::UsageSnapshot => "stats-community-usage-snapshot",
        }
    }

    /// The field that holds the day the document describes.
    #[must_use]
    pub const fn day_field(self) -> &'static str {
        match self {
            Self::RecordDelta | Self::UsageDelta => "period_start",
            Self::RecordSnapshot | Self::UsageSnapshot => "snapshot_date",
        }
    }

    /// The aggregation type of the bookmark that says how far this kind is complete
    /// (cache-and-jobs specification, section 6.2).
    #[must_use]
    pub const fn bookmark_type(self) -> &'static str {
        match self {
            Self::RecordDelta => "community-records-delta-added-agg",
            Self::RecordSnapshot => "community-records-snapshot-added-agg",
            Self::UsageDelta => "community-usage-delta-agg",
            Self::UsageSnapshot => "community-usage-snapshot-agg",
        }
    }

    /// The kind whose [`bookmark_type`](Self::bookmark_type) is `aggregation_type`.
    #[must_use]
    pub fn from_bookmark_type(aggregation_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.bookmark_type() == aggregation_type)
    }

    /// The key of this kind in the component registry.
    #[must_use]
    pub const fn registry_name(self) -> &'static str {
        match self {
            Self::RecordDelta => "record_deltas",
            Self::RecordSnapshot => "record_snapshots",
            Self::UsageDelta => "usage_deltas",
            Self::UsageSnapshot => "usage_snapshots",
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
