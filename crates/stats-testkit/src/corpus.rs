//! Regular daily documents of any size, for benchmarks: the shapes of the source-documents
//! specification, section 1, with as many items in every list as asked for.

use std::fmt::Write;

const PLAIN: [&str; 3] = ["resource_types", "access_statuses", "file_types"];
const TOP: [&str; 6] =
    ["languages", "rights", "funders", "periodicals", "publishers", "affiliations"];

/// The community that all of them belong to.
pub const COMMUNITY: &str = "6f0c1f3e-8a52-4d6e-9c1b-2f7f6f1f0a11";

/// A year of documents of one kind (`usage_snapshot`, …) of one community, day by day from the
/// first of January 2025, with `items` items in every list.
///
/// # Panics
/// When there is no kind of that name.
#[must_use]
pub fn documents(kind: &str, items: usize, days: u32) -> Vec<Vec<u8>> {
    (0..days).map(|day| document(kind, items, day).into_bytes()).collect()
}

/// The same documents as an export of an index: lines `{"_index", "_id", "_source"}`, with the
/// community and its bookmark before them. Every community (numbered from 0) is enabled, and
/// complete to the end of 2025.
///
/// # Panics
/// When there is no kind of that name.
#[must_use]
pub fn export(kinds: &[&str], items: usize, days: u32, community: u32) -> String {
    let id = self::community(community);
    let mut out = format!(
        "{{\"_index\":\"communities-communities-v2.0.0-1\",\"_id\":\"{id}\",\"_source\":{{\"id\":\"{id}\",\
         \"slug\":\"community-{community}\",\"created\":\"2025-01-01T00:00:00\",\
         \"access\":{{\"visibility\":\"public\"}},\"metadata\":{{\"title\":\"Community {community}\"}},\
         \"custom_fields\":{{\"stats:dashboard_enabled\":true}},\"deletion_status\":\"P\"}}}}\n"
    );
    for kind in kinds {
        let (alias, bookmark) = names(kind);
        let _ = writeln!(
            out,
            "{{\"_index\":\"stats-bookmarks-community\",\"_id\":\"{bookmark}_{id}\",\"_source\":\
             {{\"date\":\"2025-12-31T00:00:00.000\",\"aggregation_type\":\"{bookmark}\",\
             \"community_id\":\"{id}\"}}}}"
        );
        for day in 0..days {
            let text = document(kind, items, day).replace(COMMUNITY, &id);
            let _ = writeln!(
                out,
                "{{\"_index\":\"{alias}-2025\",\"_id\":\"{id}-{}\",\"_source\":{text}}}",
                date(day)
            );
        }
    }
    out
}

/// The id of a community of an [`export`], by its number.
#[must_use]
pub fn community(number: u32) -> String {
    format!("6f0c1f3e-8a52-4d6e-9c1b-{number:012}")
}

/// Alias and bookmark type of a kind.
fn names(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "record_delta" => {
            ("stats-community-records-delta-added", "community-records-delta-added-agg")
        }
        "record_snapshot" => {
            ("stats-community-records-snapshot-added", "community-records-snapshot-added-agg")
        }
        "usage_delta" => ("stats-community-usage-delta", "community-usage-delta-agg"),
        "usage_snapshot" => ("stats-community-usage-snapshot", "community-usage-snapshot-agg"),
        other => panic!("no kind of documents is called {other}"),
    }
}

fn document(kind: &str, items: usize, day: u32) -> String {
    let lists = lists(kind, items, day);
    match kind {
        "usage_snapshot" => usage_snapshot(day, &lists),
        "usage_delta" => usage_delta(day, &lists),
        "record_snapshot" => record_snapshot(day, &lists),
        "record_delta" => record_delta(day, &lists),
        other => panic!("no kind of documents is called {other}"),
    }
}

/// The members of `subcounts`.
fn lists(kind: &str, items: usize, day: u32) -> String {
    let last = if kind.starts_with("usage") { "countries" } else { "subjects" };
    let member = |name: &str| format!("\"{name}\":{}", list(kind, name, items, day));
    let both = |name: &str| {
        let content = list(kind, name, items, day);
        format!("\"{name}\":{{\"by_view\":{content},\"by_download\":{content}}}")
    };
    let is_split = kind == "usage_snapshot";
    let plain = PLAIN.into_iter().map(member);
    let top = TOP.into_iter().chain([last]);
    let top = top.map(|name| if is_split { both(name) } else { member(name) });
    plain.chain(top).collect::<Vec<_>>().join(",")
}

fn usage_snapshot(day: u32, lists: &str) -> String {
    let (date, totals) = (date(day), usage(1_000_000, day));
    format!(
        "{{\"community_id\":\"{COMMUNITY}\",\"snapshot_date\":\"{date}T00:00:00\",\
         \"totals\":{{{totals}}},\"subcounts\":{{{lists}}},\
         \"timestamp\":\"{date}T01:00:00\",\"updated_timestamp\":\"{date}T01:00:00\"}}"
    )
}

fn usage_delta(day: u32, lists: &str) -> String {
    let (date, totals) = (date(day), usage(1_000, day));
    format!(
        "{{\"community_id\":\"{COMMUNITY}\",\"period_start\":\"{date}T00:00:00\",\
         \"period_end\":\"{date}T23:59:59\",\"timestamp\":\"{date}T01:00:00\",\
         \"totals\":{{{totals}}},\"subcounts\":{{{lists}}}}}"
    )
}

fn record_snapshot(day: u32, lists: &str) -> String {
    let date = date(day);
    let totals = snapshot_counts(10_000, day)
        .replace("\"records\"", "\"total_records\"")
        .replace("\"parents\"", "\"total_parents\"")
        .replace("\"files\"", "\"total_files\"");
    format!(
        "{{\"timestamp\":\"{date}T01:00:00\",\"community_id\":\"{COMMUNITY}\",\
         \"snapshot_date\":\"{date}T00:00:00\",{totals},\"total_uploaders\":{day},\
         \"subcounts\":{{{lists}}},\"updated_timestamp\":\"{date}T01:00:00\"}}"
    )
}

fn record_delta(day: u32, lists: &str) -> String {
    let (date, totals) = (date(day), delta_counts(20, day));
    format!(
        "{{\"timestamp\":\"{date}T01:00:00\",\"community_id\":\"{COMMUNITY}\",\
         \"period_start\":\"{date}T00:00:00\",\"period_end\":\"{date}T23:59:59\",\
         {totals},\"uploaders\":{day},\"subcounts\":{{{lists}}},\
         \"updated_timestamp\":\"{date}T01:00:00\"}}"
    )
}

fn list(kind: &str, name: &str, items: usize, day: u32) -> String {
    let mut out = String::from("[");
    for item in 0..items {
        // Ranks change now and then, as they do in lists of the largest.
        let rank = if day.is_multiple_of(7) && items > 1 { (item + 1) % items } else { item };
        let comma = if item > 0 { "," } else { "" };
        let label = if matches!(name, "resource_types" | "languages" | "rights") {
            format!("{{\"en\":\"The {name} of number {rank}\"}}")
        } else {
            format!("\"{name}-{rank}\"")
        };
        let counts = match kind {
            "record_delta" => delta_counts(rank as u32, day),
            "record_snapshot" => snapshot_counts(rank as u32 * 100, day),
            _ => usage(if kind == "usage_delta" { 10 } else { 10_000 } + rank as u32 * 37, day),
        };
        let _ = write!(out, "{comma}{{\"id\":\"{name}-{rank}\",\"label\":{label},{counts}}}");
    }
    out + "]"
}

fn usage(base: u32, day: u32) -> String {
    let views = base + 13 * day;
    let volume = u64::from(base) * 18_350 + u64::from(day) * 104_857;
    format!(
        "\"view\":{{\"total_events\":{views},\"unique_visitors\":{},\"unique_records\":{},\
         \"unique_parents\":{}}},\"download\":{{\"total_events\":{},\"unique_visitors\":{},\
         \"unique_records\":{},\"unique_parents\":{},\"unique_files\":{},\"total_volume\":{volume}.0}}",
        views * 3 / 4,
        views / 2,
        views / 2,
        views / 3,
        views / 4,
        views / 5,
        views / 5,
        views / 4,
    )
}

fn snapshot_counts(base: u32, day: u32) -> String {
    let (bare, full) = (base / 9 + day / 20, base + day);
    format!(
        "\"records\":{{\"metadata_only\":{bare},\"with_files\":{full}}},\
         \"parents\":{{\"metadata_only\":{bare},\"with_files\":{full}}},\
         \"files\":{{\"file_count\":{},\"data_volume\":{}.0}}",
        full * 2,
        u64::from(full) * 73_400_320,
    )
}

fn delta_counts(base: u32, day: u32) -> String {
    let (added, removed) = (base % 7 + day % 5, base % 2);
    let half = |count: u32| format!("{{\"metadata_only\":{},\"with_files\":{count}}}", count / 3);
    format!(
        "\"records\":{{\"added\":{0},\"removed\":{1}}},\"parents\":{{\"added\":{0},\"removed\":{1}}},\
         \"files\":{{\"added\":{{\"file_count\":{2},\"data_volume\":{3}.0}},\
         \"removed\":{{\"file_count\":{removed},\"data_volume\":0.0}}}}",
        half(added),
        half(removed),
        added * 2,
        u64::from(added) * 20_480,
    )
}

fn date(mut day: u32) -> String {
    let mut year = 2025;
    while day >= 365 {
        day -= 365;
        year += 1;
    }
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, day + 1)
}
