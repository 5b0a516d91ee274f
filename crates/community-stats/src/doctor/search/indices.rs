//! Aliases and indices of the statistics: whether each is there, as it should be, and readable.

use stats_documents::opensearch::examine::{Node, Unread};
use stats_documents::opensearch::names::{BOOKMARKS, COMMUNITIES, EVENTS, RECORDS};
use stats_model::{Clock, DocumentKind};

use super::super::aggregation::bookmarks;
use super::super::check::{Check, plural};
use super::alias::{self, Alias};
use super::feed;
use super::reading::unread;
use crate::config::Settings;

/// The four kinds of documents and what belongs to them.
pub(super) fn documents(node: &Node, prefix: &str) -> Vec<Check> {
    let found: Vec<Alias> =
        DocumentKind::ALL.into_iter().map(|kind| alias::found(node, kind)).collect();
    let targets: Vec<String> = found.iter().filter_map(|alias| alias.target.clone()).collect();
    let mut checks = Vec::new();
    if found.iter().all(|alias| alias.absent) {
        checks.extend(other_prefixes(node, prefix));
    }
    checks.extend(found.into_iter().map(|alias| alias.check));
    if !targets.is_empty() {
        checks.push(feed::check(node.change_feed(&targets)));
    }
    checks.push(plain(node, BOOKMARKS, "bookmarks", |name| {
        let detail = format!("{name} is not there: no response of the current year is complete");
        let remedy = "let the Python side aggregate once; it writes the bookmarks";
        Check::failed("bookmarks", detail, remedy)
    }));
    checks.push(plain(node, EVENTS, "community events", |name| {
        let detail = format!("{name} is not there: communities begin in the year they were made");
        Check::warning("community events", detail, "let the Python side migrate its events")
    }));
    checks.push(plain(node, RECORDS, "records", |name| {
        let detail = format!("{name} is not there: the whole repository begins in 2020");
        Check::warning("records", detail, "grant the right to read it, or correct the prefix")
    }));
    checks
}

/// How far the aggregation went; nothing where the bookmarks cannot be read, as that was told already.
pub(super) fn aggregation(node: &Node, settings: &Settings, clock: &dyn Clock) -> Option<Check> {
    let newest = node.newest_bookmarks()?;
    let newest = DocumentKind::ALL.map(|kind| (kind, newest.get(&kind).copied()));
    Some(bookmarks(&newest, settings, clock))
}

/// The communities, where they come from the index.
pub(super) fn communities(node: &Node) -> Check {
    plain(node, COMMUNITIES, "communities", |name| {
        let remedy = "correct `source.index_prefix`, or rebuild the index of communities";
        Check::failed("communities", format!("{name} is not there"), remedy)
    })
}

/// An alias or index of which only the documents are counted.
fn plain(node: &Node, base: &str, what: &str, missing: impl Fn(&str) -> Check) -> Check {
    let name = node.name(base);
    match node.documents(&name) {
        Ok(documents) => {
            Check::ok(what, format!("{name}: {}", plural(documents, "document", "documents")))
        }
        Err(Unread::Missing) => missing(&name),
        Err(why) => unread(why, what, &name),
    }
}

/// When nothing has our prefix: which prefixes there are, those like ours first.
fn other_prefixes(node: &Node, prefix: &str) -> Option<Check> {
    let name = "index prefix";
    let mut found = node.prefixes()?;
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
