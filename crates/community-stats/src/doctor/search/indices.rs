//! Aliases and indices of the statistics: whether each is there, as it should be, and readable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use stats_model::{Clock, Day, DocumentKind};

use super::super::aggregation::bookmarks;
use super::super::check::{Check, plural};
use super::alias::{self, Alias};
use super::feed;
use super::http::Node;
use super::reading::{Reading, count};
use crate::config::Settings;

/// What the source system names its indices, without the prefix; only the communities are not its
/// own (source-documents specification, sections 1.2 and 3.2).
const BOOKMARKS: &str = "stats-bookmarks-community";
const EVENTS: &str = "stats-community-events";
const COMMUNITIES: &str = "communities";
const RECORDS: &str = "rdmrecords-records";

/// The four kinds of documents and what belongs to them.
pub(super) fn documents(node: &Node, prefix: &str) -> Vec<Check> {
    let found: Vec<Alias> =
        DocumentKind::ALL.into_iter().map(|kind| alias::found(node, prefix, kind)).collect();
    let targets: Vec<String> = found.iter().filter_map(|alias| alias.target.clone()).collect();
    let mut checks = Vec::new();
    if found.iter().all(|alias| alias.absent) {
        checks.extend(other_prefixes(node, prefix));
    }
    checks.extend(found.into_iter().map(|alias| alias.check));
    if !targets.is_empty() {
        checks.push(feed::check(node, &targets));
    }
    checks.push(plain(node, prefix, BOOKMARKS, "bookmarks", |name| {
        let detail = format!("{name} is not there: no response of the current year is complete");
        let remedy = "let the Python side aggregate once; it writes the bookmarks";
        Check::failed("bookmarks", detail, remedy)
    }));
    checks.push(plain(node, prefix, EVENTS, "community events", |name| {
        let detail = format!("{name} is not there: communities begin in the year they were made");
        Check::warning("community events", detail, "let the Python side migrate its events")
    }));
    checks.push(plain(node, prefix, RECORDS, "records", |name| {
        let detail = format!("{name} is not there: the whole repository begins in 2020");
        Check::warning("records", detail, "grant the right to read it, or correct the prefix")
    }));
    checks
}

/// How far the aggregation went; nothing where the bookmarks cannot be read, as that was told already.
pub(super) fn aggregation(node: &Node, settings: &Settings, clock: &dyn Clock) -> Option<Check> {
    let name = format!("{}{BOOKMARKS}", settings.source.index_prefix);
    let newest = json!({"newest": {"max": {"field": "date", "format": "yyyy-MM-dd"}}});
    let by_kind = json!({"terms": {"field": "aggregation_type", "size": 100}, "aggs": newest});
    let question = json!({"size": 0, "aggs": {"kinds": by_kind}});
    let answer = node.search(&format!("/{name}/_search"), &question).ok()?;
    let buckets = answer.json["aggregations"]["kinds"]["buckets"].as_array()?;
    let newest: BTreeMap<DocumentKind, Day> = buckets
        .iter()
        .filter_map(|bucket| {
            let kind = DocumentKind::from_bookmark_type(bucket["key"].as_str()?)?;
            Some((kind, bucket["newest"]["value_as_string"].as_str()?.parse().ok()?))
        })
        .collect();
    let newest = DocumentKind::ALL.map(|kind| (kind, newest.get(&kind).copied()));
    Some(bookmarks(&newest, settings, clock))
}

/// The communities, where they come from the index.
pub(super) fn communities(node: &Node, prefix: &str) -> Check {
    plain(node, prefix, COMMUNITIES, "communities", |name| {
        let remedy = "correct `source.index_prefix`, or rebuild the index of communities";
        Check::failed("communities", format!("{name} is not there"), remedy)
    })
}

/// An alias or index of which only the documents are counted.
fn plain(
    node: &Node,
    prefix: &str,
    base: &str,
    what: &str,
    missing: impl Fn(&str) -> Check,
) -> Check {
    let name = format!("{prefix}{base}");
    match count(node, &name) {
        Ok(documents) => {
            Check::ok(what, format!("{name}: {}", plural(documents, "document", "documents")))
        }
        Err(Reading::Missing) => missing(&name),
        Err(reading) => reading.check(what, &name),
    }
}

/// When nothing has our prefix: which prefixes there are, those like ours first.
fn other_prefixes(node: &Node, prefix: &str) -> Option<Check> {
    let name = "index prefix";
    let answer = node.get("/*stats-community-*/_alias").ok()?;
    if !answer.is_ok() {
        return None;
    }
    let mut found = BTreeSet::new();
    for (index, aliases) in answer.json.as_object()? {
        let aliases = aliases["aliases"].as_object().into_iter().flatten();
        for name in aliases.map(|(alias, _)| alias).chain([index]) {
            found.extend(prefix_of(name).map(str::to_owned));
        }
    }
    found.remove(prefix);
    let mut found: Vec<String> = found.into_iter().collect();
    found.sort_by_cached_key(|other| strsim::damerau_levenshtein(prefix, other));
    let shown: Vec<String> = found.iter().take(5).map(|other| format!("\"{other}\"")).collect();
    let Some(nearest) = shown.first() else {
        let detail = "there are no statistics on this cluster, under no prefix";
        let remedy = "name the right cluster, or let the Python side aggregate once";
        return Some(Check::failed(name, detail, remedy));
    };
    let detail =
        format!("nothing begins with \"{prefix}\"; statistics exist with {}", shown.join(", "));
    Some(Check::failed(name, detail, format!("set `source.index_prefix = {nearest}`")))
}

/// What stands before the name of a statistics alias.
fn prefix_of(name: &str) -> Option<&str> {
    DocumentKind::ALL.iter().find_map(|kind| name.find(kind.alias()).map(|at| &name[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_names() {
        assert_eq!(prefix_of("kcworks-stats-community-usage-delta-2025"), Some("kcworks-"));
        assert_eq!(prefix_of("stats-community-records-delta-added"), Some(""));
        assert_eq!(prefix_of("kcworks-stats-community-events-2025"), None);
    }
}
