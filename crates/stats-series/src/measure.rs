//! The numbers that documents carry, and their order in each set.

use stats_model::DocumentKind;

/// A number that documents carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Measure {
    Records,
    Parents,
    Uploaders,
    FileCount,
    DataVolume,
    Downloads,
    DownloadUniqueFiles,
    DownloadUniqueParents,
    DownloadUniqueRecords,
    DownloadVisitors,
    ViewUniqueParents,
    ViewUniqueRecords,
    ViewVisitors,
    Views,
}

impl Measure {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Parents => "parents",
            Self::Uploaders => "uploaders",
            Self::FileCount => "file_count",
            Self::DataVolume => "data_volume",
            Self::Downloads => "downloads",
            Self::DownloadUniqueFiles => "download_unique_files",
            Self::DownloadUniqueParents => "download_unique_parents",
            Self::DownloadUniqueRecords => "download_unique_records",
            Self::DownloadVisitors => "download_visitors",
            Self::ViewUniqueParents => "view_unique_parents",
            Self::ViewUniqueRecords => "view_unique_records",
            Self::ViewVisitors => "view_visitors",
            Self::Views => "views",
        }
    }

    /// Whether a usage measure is read from the views of an item.
    pub(crate) const fn is_view(self) -> bool {
        matches!(
            self,
            Self::Views | Self::ViewVisitors | Self::ViewUniqueRecords | Self::ViewUniqueParents
        )
    }
}

use Measure::{
    DataVolume, DownloadUniqueFiles, DownloadUniqueParents, DownloadUniqueRecords,
    DownloadVisitors, Downloads, FileCount, Parents, Records, Uploaders, ViewUniqueParents,
    ViewUniqueRecords, ViewVisitors, Views,
};

pub(crate) const RECORD_DELTA: [Measure; 5] = [Records, FileCount, DataVolume, Parents, Uploaders];
pub(crate) const RECORD_SNAPSHOT: [Measure; 5] =
    [Records, Parents, Uploaders, DataVolume, FileCount];
pub(crate) const USAGE: [Measure; 10] = [
    DataVolume,
    DownloadUniqueFiles,
    DownloadUniqueParents,
    DownloadUniqueRecords,
    DownloadVisitors,
    Downloads,
    ViewUniqueParents,
    ViewUniqueRecords,
    ViewVisitors,
    Views,
];
pub(crate) const USAGE_SPECIAL: [Measure; 10] = [
    Views,
    Downloads,
    ViewVisitors,
    DownloadVisitors,
    ViewUniqueRecords,
    ViewUniqueParents,
    DownloadUniqueFiles,
    DownloadUniqueParents,
    DownloadUniqueRecords,
    DataVolume,
];

/// The names of the metrics that a set has for any of its series keys.
pub(crate) fn metric_names(kind: DocumentKind) -> impl Iterator<Item = &'static str> {
    let measures: &[Measure] = match kind {
        DocumentKind::RecordDelta => &RECORD_DELTA,
        DocumentKind::RecordSnapshot => &RECORD_SNAPSHOT,
        DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => &USAGE,
    };
    measures.iter().map(|measure| measure.name())
}
