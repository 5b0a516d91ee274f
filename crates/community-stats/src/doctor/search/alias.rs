//! The alias of one kind of documents, and the indices of years behind it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stats_model::DocumentKind;

use super::super::check::{Check, plural};
use super::http::Node;
use super::reading::{Reading, count};

/// What was found of a kind.
pub(super) struct Alias {
    pub(super) check: Check,
    /// What its documents can be read from, if they can.
    pub(super) target: Option<String>,
    /// Whether there is neither alias nor index, for certain.
    pub(super) absent: bool,
}

impl From<Check> for Alias {
    fn from(check: Check) -> Self {
        Self { check, target: None, absent: false }
    }
}

/// Looks at the alias of a kind.
pub(super) fn found(node: &Node, prefix: &str, kind: DocumentKind) -> Alias {
    let (name, alias) = (format!("alias {}", kind.alias()), format!("{prefix}{}", kind.alias()));
    let indices = match Indices::of(node, &alias) {
        Ok(indices) => indices,
        Err(Reading::Forbidden(_)) => return believed(node, name, alias),
        Err(reading) => return reading.check(&name, &alias).into(),
    };
    if indices.behind.is_empty() && indices.years.is_empty() {
        let remedy = "let the Python side aggregate once, or correct `source.index_prefix`";
        let detail = format!("{alias}: neither the alias nor an index of a year is there");
        return Alias { absent: true, ..Check::failed(name, detail, remedy).into() };
    }
    let target = indices.target(&alias);
    let documents = match count(node, &target) {
        Ok(documents) => documents,
        Err(reading) => return reading.check(&name, &target).into(),
    };
    let check = indices.check(name, &alias, documents);
    Alias { check, target: Some(target), absent: false }
}

/// The indices of a kind.
struct Indices {
    /// Those behind the alias.
    behind: BTreeSet<String>,
    /// Those of years, whether behind it or not.
    years: BTreeMap<String, Field>,
}

impl Indices {
    fn of(node: &Node, alias: &str) -> Result<Self, Reading> {
        match (behind(node, alias), year_indices(node, alias)) {
            (Ok(behind), Ok(years)) => Ok(Self { behind, years }),
            // Without the right to look at them they may be read all the same.
            (Err(Reading::Forbidden(reason)), _) | (_, Err(Reading::Forbidden(reason))) => {
                Err(Reading::Forbidden(reason))
            }
            (Err(reading), _) | (_, Err(reading)) => Err(reading),
        }
    }

    /// What the documents can be read from.
    fn target(&self, alias: &str) -> String {
        if self.behind.is_empty() {
            self.years.keys().map(String::as_str).collect::<Vec<_>>().join(",")
        } else {
            alias.to_owned()
        }
    }

    /// Those of years that are not behind the alias.
    fn outside(&self) -> Vec<&str> {
        let years = self.years.keys().filter(|index| !self.behind.contains(*index));
        years.map(String::as_str).collect()
    }

    fn with(&self, wanted: Field) -> Vec<&str> {
        let found = self.years.iter().filter(|(_, field)| **field == wanted);
        found.map(|(index, _)| index.as_str()).collect()
    }

    fn check(&self, name: String, alias: &str, documents: u64) -> Check {
        let number = self.behind.len().max(self.years.len()) as u64;
        let indices = plural(number, "index", "indices");
        let detail = format!("{alias}: {indices}, {}", plural(documents, "document", "documents"));
        let reindex = "reindex into indices that the templates of the Python side make";
        let (guessed, useless) = (self.with(Field::Beside), self.with(Field::Useless));
        let outside = self.outside();
        if !useless.is_empty() {
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
        } else if self.behind.is_empty() {
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
        }
    }
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
}
