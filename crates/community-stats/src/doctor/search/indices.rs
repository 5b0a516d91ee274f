//! Aliases and indices of the statistics: whether each is there, as it should be, and readable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stats_model::{Clock, Day, DocumentKind};

use super::super::aggregation::bookmarks;
use super::super::check::{Check, State, plural};
use super::feed;
use super::http::{Answer, Node, Trouble};
use crate::config::Settings;

/// What the source system names its indices, without the prefix; only the communities are not its
/// own (source-documents specification, sections 1.2 and 3.2).
const BOOKMARKS: &str = "stats-bookmarks-community";
const EVENTS: &str = "stats-community-events";
const COMMUNITIES: &str = "communities";
const RECORDS: &str = "rdmrecords-records";

const READ_RIGHT: &str = "grant indices:data/read/* on it to this user";

/// The four kinds of documents and what belongs to them.
pub(super) fn documents(node: &Node, prefix: &str) -> Vec<Check> {
    let found: Vec<Alias> =
        DocumentKind::ALL.into_iter().map(|kind| alias(node, prefix, kind)).collect();
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

/// What was found of a kind.
struct Alias {
    check: Check,
    /// What its documents can be read from, if they can.
    target: Option<String>,
    /// Whether there is neither alias nor index, for certain.
    absent: bool,
}

impl From<Check> for Alias {
    fn from(check: Check) -> Self {
        Self { check, target: None, absent: false }
    }
}

fn alias(node: &Node, prefix: &str, kind: DocumentKind) -> Alias {
    let (name, alias) = (format!("alias {}", kind.alias()), format!("{prefix}{}", kind.alias()));
    let (behind, years) = match (behind(node, &alias), year_indices(node, &alias)) {
        (Ok(behind), Ok(years)) => (behind, years),
        (Err(Reading::Forbidden(_)), _) | (_, Err(Reading::Forbidden(_))) => {
            return believed(node, name, alias);
        }
        (Err(reading), _) | (_, Err(reading)) => return reading.check(&name, &alias).into(),
    };
    let outside: Vec<&str> =
        years.keys().filter(|index| !behind.contains(*index)).map(String::as_str).collect();
    if behind.is_empty() && years.is_empty() {
        let remedy = "let the Python side aggregate once, or correct `source.index_prefix`";
        let detail = format!("{alias}: neither the alias nor an index of a year is there");
        return Alias { absent: true, ..Check::failed(name, detail, remedy).into() };
    }
    let target = if behind.is_empty() {
        years.keys().map(String::as_str).collect::<Vec<_>>().join(",")
    } else {
        alias.clone()
    };
    let documents = match count(node, &target) {
        Ok(documents) => documents,
        Err(reading) => return reading.check(&name, &target).into(),
    };
    let of = |wanted: Field| -> Vec<&str> {
        let found = years.iter().filter(|(_, field)| **field == wanted);
        found.map(|(index, _)| index.as_str()).collect()
    };
    let (guessed, useless) = (of(Field::Beside), of(Field::Useless));
    let indices = plural(behind.len().max(years.len()) as u64, "index", "indices");
    let detail = format!("{alias}: {indices}, {}", plural(documents, "document", "documents"));
    let reindex = "reindex into indices that the templates of the Python side make";
    let check = if !useless.is_empty() {
        let which = useless.join(", ");
        let detail =
            format!("{detail}; communities cannot be searched for in {which}: guessed type");
        Check::failed(name, detail, reindex)
    } else if !guessed.is_empty() {
        Check::warning(
            name,
            format!("{detail}; community_id has a guessed type in {}", guessed.join(", ")),
            format!("{reindex}; until then the field community_id.keyword is asked"),
        )
    } else if behind.is_empty() {
        Check::warning(
            name,
            format!("{detail}; the alias is missing, the indices are read by their names"),
            format!("add the alias {alias} to {}", outside.join(", ")),
        )
    } else if !outside.is_empty() {
        Check::warning(
            name,
            format!("{detail}; {} not behind the alias, and so not read", is(&outside)),
            format!("add the alias {alias} to {}", outside.join(", ")),
        )
    } else {
        Check::ok(name, detail)
    };
    Alias { check, target: Some(target), absent: false }
}

/// An alias that we may read and whose indices we may not look at.
fn believed(node: &Node, name: String, alias: String) -> Alias {
    let documents = match count(node, &alias) {
        Ok(documents) => documents,
        Err(reading) => return reading.check(&name, &alias).into(),
    };
    let counted = plural(documents, "document", "documents");
    let check = Check::warning(
        name,
        format!("{alias}: {counted}; no right to see its indices and how they are mapped"),
        "grant indices:admin/aliases/get and indices:admin/mappings/get on it; until then it is \
         believed to be as the templates of the Python side make it",
    );
    Alias { check, target: Some(alias), absent: false }
}

fn is(names: &[&str]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// The indices behind an alias; none when there is no such alias.
fn behind(node: &Node, alias: &str) -> Result<BTreeSet<String>, Reading> {
    let answer = node.get(&format!("/_alias/{alias}"))?;
    if answer.status == 404 {
        return Ok(BTreeSet::new());
    }
    let indices = Reading::accepted(answer)?;
    Ok(indices.as_object().map(|indices| indices.keys().cloned().collect()).unwrap_or_default())
}

/// How communities can be searched for in an index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    /// As the templates make it, or there is no document yet.
    Word,
    /// The type was guessed, and a field beside it serves.
    Beside,
    /// The type was guessed, and nothing serves.
    Useless,
}

/// The indices of years, exactly `<alias>-YYYY`, each with how communities are searched for.
fn year_indices(node: &Node, alias: &str) -> Result<BTreeMap<String, Field>, Reading> {
    let answer = node.get(&format!("/{alias}-*/_mapping/field/community_id*"))?;
    if answer.status == 404 {
        return Ok(BTreeMap::new());
    }
    let indices = Reading::accepted(answer)?;
    let indices = indices.as_object().cloned().unwrap_or_default();
    let of_years = indices.into_iter().filter(|(index, _)| is_year_of(index, alias));
    Ok(of_years.map(|(index, fields)| (index, field(&fields["mappings"]))).collect())
}

fn field(mappings: &Value) -> Field {
    let kind = |name: &str, last: &str| mappings[name]["mapping"][last]["type"].as_str();
    match (kind("community_id", "community_id"), kind("community_id.keyword", "keyword")) {
        (None | Some("keyword"), _) => Field::Word,
        (Some(_), Some("keyword")) => Field::Beside,
        (Some(_), _) => Field::Useless,
    }
}

fn is_year_of(index: &str, alias: &str) -> bool {
    let year = index.strip_prefix(alias).and_then(|rest| rest.strip_prefix('-'));
    year.is_some_and(|year| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
}

fn count(node: &Node, names: &str) -> Result<u64, Reading> {
    let answer = node.get(&format!("/{names}/_count"))?;
    if answer.status == 404 {
        return Err(Reading::Missing);
    }
    let counted = Reading::accepted(answer)?;
    let failed = counted["_shards"]["failed"].as_u64().unwrap_or(0);
    if failed > 0 {
        return Err(Reading::Partial(failed));
    }
    Ok(counted["count"].as_u64().unwrap_or(0))
}

/// Why something could not be read.
enum Reading {
    Missing,
    Forbidden(String),
    Refused(String),
    Partial(u64),
    Trouble(String),
}

impl From<Trouble> for Reading {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble.to_string())
    }
}

impl Reading {
    fn accepted(answer: Answer) -> Result<Value, Self> {
        match &answer {
            answer if answer.is_forbidden() => Err(Self::Forbidden(answer.reason())),
            answer if !answer.is_ok() => Err(Self::Refused(answer.reason())),
            _ => Ok(answer.json),
        }
    }

    fn check(self, what: &str, name: &str) -> Check {
        match self {
            Self::Missing => Check::failed(what, format!("{name} is not there"), READ_RIGHT),
            Self::Forbidden(reason) => {
                let remedy = format!(
                    "{READ_RIGHT}, with indices:admin/aliases/get and \
                                      indices:admin/mappings/get"
                );
                Check::failed(what, format!("no right to look at {name}: {reason}"), remedy)
            }
            Self::Refused(reason) => {
                let remedy = "look at the health and the log of the cluster";
                Check::failed(what, format!("{name}: {reason}"), remedy)
            }
            Self::Partial(failed) => {
                let detail = format!(
                    "{name}: {} not answer",
                    if failed == 1 {
                        "1 shard does".to_owned()
                    } else {
                        format!("{failed} shards do")
                    }
                );
                Check::failed(what, detail, "look at the health of the cluster (_cluster/health)")
            }
            Self::Trouble(trouble) => Check::of(
                State::Unreachable,
                what,
                format!("{name}: {trouble}"),
                "try again; the cluster answered a moment ago",
            ),
        }
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
    fn years_belong_to_exactly_one_alias() {
        let alias = "x-stats-community-usage-delta";
        assert!(is_year_of("x-stats-community-usage-delta-2025", alias));
        for other in [
            "x-stats-community-usage-delta-20255",
            "x-stats-community-usage-delta-2025-old",
            "x-stats-community-usage-delta-created-2025",
            "stats-community-usage-delta-2025",
            "x-stats-community-usage-delta",
        ] {
            assert!(!is_year_of(other, alias), "{other}");
        }
    }

    #[test]
    fn prefixes_of_names() {
        assert_eq!(prefix_of("kcworks-stats-community-usage-delta-2025"), Some("kcworks-"));
        assert_eq!(prefix_of("stats-community-records-delta-added"), Some(""));
        assert_eq!(prefix_of("kcworks-stats-community-events-2025"), None);
    }
}
