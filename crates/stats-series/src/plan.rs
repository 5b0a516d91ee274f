//! Which arrays a response has, where each takes its values, and how the arrays stand in the
//! response (data-series specification, sections 2, 3, 7 and 9).

use stats_model::{Category, DocumentKind};

use crate::camel_case::camel_case;
use crate::config::{ComponentNames, SeriesConfig};
use crate::measure::Measure::{DataVolume, FileCount, Parents, Records, Uploaders};
pub(crate) use crate::measure::{Measure, USAGE};
use crate::measure::{RECORD_DELTA, RECORD_SNAPSHOT, USAGE_SPECIAL};

/// Whether a response holds every metric or only what some components need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every metric.
    All,
    /// Optimised: what these components need; with none of them, all metrics that the component
    /// registry knows.
    Components(ComponentNames),
}

/// One response to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseSpec {
    /// Its category.
    pub category: Category,
    /// Its metrics.
    pub selection: Selection,
}

/// Which half of the counters of a record delta a value is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Half {
    /// Added minus removed.
    Difference,
    /// Only what was added.
    Added,
    /// Only what was removed, as positive numbers.
    Removed,
}

/// What one column of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Column {
    pub(crate) measure: Measure,
    pub(crate) half: Half,
}

/// Where the series of an array come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// One series made from the document's own totals.
    Global,
    /// The two series of records with and without files, from the same totals.
    FilePresence,
    /// One series for every item of a list of the subcounts.
    List {
        /// The member of `subcounts`.
        name: String,
        /// The member of that, when it is an object.
        side: Option<ListSide>,
    },
}

/// The two lists of a "top" subcount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ListSide {
    ByView,
    ByDownload,
}

impl Place {
    /// Where the items of a series key are found (section 4.1).
    fn of_key(key: &str) -> Self {
        for (ending, side) in
            [("_by_view", ListSide::ByView), ("_by_download", ListSide::ByDownload)]
        {
            if key.ends_with(ending) {
                return Self::List { name: key.replace(ending, ""), side: Some(side) };
            }
        }
        Self::List { name: key.to_owned(), side: None }
    }
}

/// One array of series of a response.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    key: String,
    metric: &'static str,
    pub(crate) place: Place,
    pub(crate) column: Column,
    pub(crate) bar: bool,
    pub(crate) filesize: bool,
}

/// A block of a response: its name and the arrays under their names, as indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) metrics: Vec<(String, usize)>,
}

/// A response before any document: its arrays and how they are arranged.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) arrays: Vec<Array>,
    pub(crate) blocks: Vec<Block>,
}

const FILE_PRESENCE: &str = "file_presence";
const SPECIAL_USAGE_SNAPSHOT: [&str; 12] = [
    "countries_by_view",
    "countries_by_download",
    "subjects_by_view",
    "subjects_by_download",
    "publishers_by_view",
    "publishers_by_download",
    "rights_by_view",
    "rights_by_download",
    "referrers_by_view",
    "referrers_by_download",
    "affiliations_by_view",
    "affiliations_by_download",
];

impl Plan {
    pub(crate) fn new(config: &SeriesConfig, spec: &ResponseSpec) -> Self {
        let keys = series_keys(config, spec.category.kind());
        let arrays: Vec<Array> = keys
            .iter()
            .flat_map(|key| {
                measures(spec.category.kind(), key)
                    .iter()
                    .filter(|measure| is_selected(config, spec, key, **measure))
                    .map(|measure| array(spec.category, key, *measure))
            })
            .collect();
        let blocks = blocks(&keys, &arrays);
        Self { arrays, blocks }
    }
}

/// The series keys in order, each once: a key listed twice keeps its first place (section 2.1).
fn series_keys(config: &SeriesConfig, kind: DocumentKind) -> Vec<String> {
    let special: &[&str] = match kind {
        DocumentKind::RecordDelta | DocumentKind::RecordSnapshot => &[FILE_PRESENCE],
        DocumentKind::UsageDelta => &[],
        DocumentKind::UsageSnapshot => &SPECIAL_USAGE_SNAPSHOT,
    };
    let mut keys: Vec<String> = Vec::new();
    let all = std::iter::once("global".to_owned())
        .chain(config.subcounts.keys(kind))
        .chain(special.iter().map(|key| (*key).to_owned()));
    for key in all {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn is_special(kind: DocumentKind, key: &str) -> bool {
    kind == DocumentKind::UsageSnapshot && SPECIAL_USAGE_SNAPSHOT.contains(&key)
}

/// The measures of a series key, in order (section 3.1).
fn measures(kind: DocumentKind, key: &str) -> &'static [Measure] {
    const NO_UPLOADERS: [Measure; 4] = [Records, Parents, DataVolume, FileCount];
    match (kind, key) {
        (DocumentKind::RecordDelta, "global") => &RECORD_DELTA,
        (DocumentKind::RecordDelta, _) => &RECORD_DELTA[..4],
        (DocumentKind::RecordSnapshot, "global") => &RECORD_SNAPSHOT,
        (DocumentKind::RecordSnapshot, _) => &NO_UPLOADERS,
        (_, key) if is_special(kind, key) => &USAGE_SPECIAL,
        _ => &USAGE,
    }
}

fn is_selected(config: &SeriesConfig, spec: &ResponseSpec, key: &str, measure: Measure) -> bool {
    let in_category = match spec.category {
        Category::RecordDeltaDataRemoved => measure != Uploaders,
        Category::UsageDeltaDataViews => measure.is_view(),
        Category::UsageDeltaDataDownloads => !measure.is_view(),
        _ => true,
    };
    in_category
        && match &spec.selection {
            Selection::All => true,
            Selection::Components(names) => {
                config.registry.needs(spec.category.kind(), key, measure.name(), names)
            }
        }
}

fn array(category: Category, key: &str, measure: Measure) -> Array {
    let kind = category.kind();
    let is_record = matches!(kind, DocumentKind::RecordDelta | DocumentKind::RecordSnapshot);
    let place = match key {
        FILE_PRESENCE if is_record => Place::FilePresence,
        "global" => Place::Global,
        _ => Place::of_key(key),
    };
    let half = match category {
        Category::RecordDeltaDataAdded => Half::Added,
        Category::RecordDeltaDataRemoved => Half::Removed,
        _ => Half::Difference,
    };
    // Uploaders have no halves: the added half shows the same number as the whole.
    let half = if measure == Uploaders { Half::Difference } else { half };
    Array {
        key: key.to_owned(),
        metric: measure.name(),
        bar: place == Place::Global,
        filesize: measure == DataVolume && !is_special(kind, key),
        place,
        column: Column { measure, half },
    }
}

/// The blocks of a response: under each key every array whose own name starts with that key and
/// `_`, also arrays of other keys that extend it (section 7).
fn blocks(keys: &[String], arrays: &[Array]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for key in keys {
        let mut metrics: Vec<(String, usize)> = Vec::new();
        for (index, array) in arrays.iter().enumerate() {
            if !array.key.starts_with(key.as_str()) && !key.starts_with(&array.key) {
                continue;
            }
            let full = format!("{}_{}", array.key, array.metric);
            let Some(metric) = full.strip_prefix(key).and_then(|rest| rest.strip_prefix('_'))
            else {
                continue;
            };
            let name = camel_case(metric);
            match metrics.iter_mut().find(|(known, _)| *known == name) {
                Some(metric) => metric.1 = index,
                None => metrics.push((name, index)),
            }
        }
        let name = camel_case(key);
        match blocks.iter_mut().find(|block| block.name == name) {
            Some(block) => block.metrics = metrics,
            None => blocks.push(Block { name, metrics }),
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SubcountConfig;
    use crate::config::ComponentRegistry;

    fn full(category: Category) -> ResponseSpec {
        ResponseSpec { category, selection: Selection::All }
    }

    fn block_names(plan: &Plan, block: &str) -> Vec<String> {
        let block = plan.blocks.iter().find(|candidate| candidate.name == block).unwrap();
        block.metrics.iter().map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn blocks_borrow_the_arrays_of_keys_that_extend_theirs() {
        let subcounts = r#"{"file":{"records":{"a":1}},"file_types":{"records":{"a":1}},
            "global_x":{"records":{"a":1}}}"#;
        let config = SeriesConfig::new(
            SubcountConfig::from_json(subcounts).unwrap(),
            ComponentRegistry::from_json("{}").unwrap(),
        );
        let plan = Plan::new(&config, &full(Category::RecordDelta));
        let expected = "records fileCount dataVolume parents typesRecords typesFileCount \
            typesDataVolume typesParents presenceRecords presenceFileCount presenceDataVolume \
            presenceParents";
        assert_eq!(block_names(&plan, "file").join(" "), expected);
        let global = block_names(&plan, "global").join(" ");
        assert!(global.ends_with("uploaders xRecords xFileCount xDataVolume xParents"));
    }

    #[test]
    fn derived_categories_reduce_the_metrics_and_keep_their_order() {
        let config = SeriesConfig::default();
        let views = Plan::new(&config, &full(Category::UsageDeltaDataViews));
        assert_eq!(
            block_names(&views, "countries"),
            ["viewUniqueParents", "viewUniqueRecords", "viewVisitors", "views"]
        );
        let downloads = Plan::new(&config, &full(Category::UsageDeltaDataDownloads));
        assert_eq!(block_names(&downloads, "global")[0], "dataVolume");
        assert_eq!(block_names(&downloads, "global").len(), 6);
        let removed = Plan::new(&config, &full(Category::RecordDeltaDataRemoved));
        assert!(!block_names(&removed, "global").contains(&"uploaders".to_owned()));
        let added = Plan::new(&config, &full(Category::RecordDeltaDataAdded));
        assert!(block_names(&added, "global").contains(&"uploaders".to_owned()));
    }
}
