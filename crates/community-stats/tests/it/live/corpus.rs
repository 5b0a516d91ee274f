//! The corpus `tiny-7` and what the Python package made of it.

use std::sync::LazyLock;

use serde_json::Value;
use stats_testkit::fixtures;

use crate::cli::support::{COASTAL, MEDIEVAL};

/// The third community of the corpus.
pub(super) const THIRD: &str = "db71c532-db5c-458e-b5c4-7069d4289599";

/// All that responses are made for.
pub(super) const COMMUNITIES: [&str; 4] = [THIRD, COASTAL, MEDIEVAL, "global"];

/// The names of the four categories of the package, as fixtures have them, and their queries.
pub(super) const CATEGORIES: [(&str, &str); 4] = [
    ("usage_snapshot", "usage-snapshot-category"),
    ("usage_delta", "usage-delta-category"),
    ("record_snapshot", "record-snapshot-category"),
    ("record_delta", "record-delta-category"),
];

/// The derived categories; names and queries are the same.
pub(super) const DERIVED: [&str; 4] = [
    "record_delta_data_added",
    "record_delta_data_removed",
    "usage_delta_data_views",
    "usage_delta_data_downloads",
];

/// The name of the index of a category's documents, without a prefix.
pub(super) fn index(category: &str) -> String {
    let name = match category {
        "record_delta" => "records-delta-added",
        "record_snapshot" => "records-snapshot-added",
        "usage_delta" => "usage-delta",
        _ => "usage-snapshot",
    };
    format!("stats-community-{name}-2025")
}

/// One line of an export.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) index: String,
    pub(super) id: String,
    pub(super) source: String,
    /// As it stands in the fixture.
    pub(super) text: String,
}

/// Communities, bookmarks and events.
pub(super) static SURROUNDINGS: LazyLock<Vec<Line>> =
    LazyLock::new(|| ["communities", "bookmarks", "community-events"].map(read).concat());

/// The documents of all four categories.
pub(super) static DOCUMENTS: LazyLock<Vec<Line>> =
    LazyLock::new(|| CATEGORIES.map(|(category, _)| read(&index(category))).concat());

fn read(file: &str) -> Vec<Line> {
    let lines = fixtures::lines(format!("documents/tiny-7/{file}.ndjson.gz")).unwrap();
    let line = |text: String| {
        let value: Value = serde_json::from_str(&text).unwrap();
        let word = |name: &str| value[name].as_str().unwrap().to_owned();
        let start = text.find("\"_source\":").unwrap() + "\"_source\":".len();
        let source = text[start..text.len() - 1].to_owned();
        Line { index: word("_index"), id: word("_id"), source, text }
    };
    lines.into_iter().map(line).collect()
}

/// The documents of a community in one category, by day.
pub(super) fn shelf(category: &str, community: &str) -> Vec<Line> {
    let index = index(category);
    let owner = format!("\"community_id\":\"{community}\"");
    let mine = |line: &&Line| line.index == index && line.source.contains(&owner);
    let mut lines: Vec<Line> = DOCUMENTS.iter().filter(mine).cloned().collect();
    lines.sort_by(|one, other| one.id.cmp(&other.id));
    assert!(!lines.is_empty(), "{category} {community}");
    lines
}

/// What the Python package made of a community's year 2025.
pub(super) fn golden(category: &str, community: &str, mode: &str) -> Vec<u8> {
    fixtures::bytes(format!("series/tiny-7/{category}.{community}.2025.{mode}.json.gz")).unwrap()
}
