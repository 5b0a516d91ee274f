//! The alias of a kind of documents, and the indices of years behind it or beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stats_model::DocumentKind;

use super::node::Node;
use super::reading::Unread;

/// The indices of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindIndices {
    /// Those behind the alias.
    pub behind: BTreeSet<String>,
    /// Those of years, whether behind it or not.
    pub years: BTreeMap<String, CommunityField>,
}

/// How communities can be searched for in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommunityField {
    /// As the templates make it, or there is no document yet.
    Word,
    /// The type was guessed, and a field beside it serves.
    Beside,
    /// The type was guessed, and nothing serves.
    Useless,
}

impl KindIndices {
    /// Whether there is neither alias nor index.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.behind.is_empty() && self.years.is_empty()
    }

    /// How many there are, at least.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.behind.len().max(self.years.len()) as u64
    }

    /// What the documents can be read from: the alias, or the indices by their names.
    #[must_use]
    pub fn target(&self, alias: &str) -> String {
        if self.behind.is_empty() {
            self.years.keys().map(String::as_str).collect::<Vec<_>>().join(",")
        } else {
            alias.to_owned()
        }
    }

    /// Those of years that are not behind the alias.
    #[must_use]
    pub fn outside(&self) -> Vec<&str> {
        let years = self.years.keys().filter(|index| !self.behind.contains(*index));
        years.map(String::as_str).collect()
    }

    /// Those of years in which communities are searched for in this way.
    #[must_use]
    pub fn with(&self, wanted: CommunityField) -> Vec<&str> {
        let found = self.years.iter().filter(|(_, field)| **field == wanted);
        found.map(|(index, _)| index.as_str()).collect()
    }
}

impl Node {
    /// The indices of a kind, behind its alias and by their names.
    ///
    /// # Errors
    /// When they cannot be looked at, with the reason; without the right to, they may be read all the
    /// same.
    pub fn indices(&self, kind: DocumentKind) -> Result<KindIndices, Unread> {
        let alias = self.name(kind.alias());
        match (self.behind(&alias), self.year_indices(&alias)) {
            (Ok(behind), Ok(years)) => Ok(KindIndices { behind, years }),
            (Err(why @ Unread::Forbidden(_)), _) | (_, Err(why @ Unread::Forbidden(_))) => Err(why),
            (Err(why), _) | (_, Err(why)) => Err(why),
        }
    }

    /// The indices behind an alias; none when there is no such alias.
    fn behind(&self, alias: &str) -> Result<BTreeSet<String>, Unread> {
        let answer = self.get(&format!("/_alias/{alias}"))?;
        if answer.status == 404 {
            return Ok(BTreeSet::new());
        }
        let indices = Unread::accepted(answer)?;
        Ok(indices.as_object().map(|it| it.keys().cloned().collect()).unwrap_or_default())
    }

    /// The indices of years, exactly `<alias>-YYYY`, each with how communities are searched for.
    fn year_indices(&self, alias: &str) -> Result<BTreeMap<String, CommunityField>, Unread> {
        let answer = self.get(&format!("/{alias}-*/_mapping/field/community_id*"))?;
        if answer.status == 404 {
            return Ok(BTreeMap::new());
        }
        let indices = Unread::accepted(answer)?;
        let indices = indices.as_object().cloned().unwrap_or_default();
        let of_years = indices.into_iter().filter(|(index, _)| is_year_of(index, alias));
        Ok(of_years.map(|(index, fields)| (index, field(&fields["mappings"]))).collect())
    }
}

fn field(mappings: &Value) -> CommunityField {
    let kind = |name: &str, last: &str| mappings[name]["mapping"][last]["type"].as_str();
    match (kind("community_id", "community_id"), kind("community_id.keyword", "keyword")) {
        (None | Some("keyword"), _) => CommunityField::Word,
        (Some(_), Some("keyword")) => CommunityField::Beside,
        (Some(_), _) => CommunityField::Useless,
    }
}

/// Whether this is exactly `<alias>-YYYY`.
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
