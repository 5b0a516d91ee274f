//! Which breakdowns there are.

use serde_json::Value;
use stats_model::DocumentKind;

use super::{ConfigError, shown};

/// The subcount configuration of invenio-stats-dashboard 0.5.0, as JSON: an array in its order.
pub const DEFAULT_SUBCOUNTS: &str = include_str!("../../data/subcounts.json");

/// What an entry says: how a breakdown is made of records, and of views and downloads.
const SIDES: [&str; 2] = ["records", "usage_events"];

/// One side of a subcount: how it is configured for record or for usage documents.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Side {
    empty: bool,
    top: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Subcount {
    name: String,
    records: Option<Side>,
    usage: Option<Side>,
}

/// The configured subcounts in configuration order (data-series specification, section 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubcountConfig {
    subcounts: Vec<Subcount>,
}

impl SubcountConfig {
    /// Reads a JSON array of objects with `name` and, for each side, `records` and
    /// `usage_events`; or a JSON object from names to such objects. An empty one has no subcounts.
    ///
    /// # Errors
    /// When the text is not JSON of that form, or an entry has neither side: it would take its
    /// breakdown out of every response. A `usage_events` that is null is refused, as the reference
    /// fails on it.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        let subcounts = match &value {
            Value::Array(entries) => entries
                .iter()
                .enumerate()
                .map(|(index, entry)| {
                    let name = entry.get("name").and_then(Value::as_str);
                    let name =
                        name.ok_or_else(|| refused(format!("entry {index} has no text `name`")))?;
                    subcount(name, entry)
                })
                .collect::<Result<_, _>>()?,
            Value::Object(entries) => entries
                .iter()
                .map(|(name, entry)| subcount(name, entry))
                .collect::<Result<_, _>>()?,
            _ => return Err(refused("expected an array or an object")),
        };
        Ok(Self { subcounts })
    }

    /// Whether there is none, so that responses hold totals but hardly any breakdown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subcounts.is_empty()
    }

    /// The series keys of the configured subcounts for one kind, without `global` and without the
    /// special ones.
    pub(crate) fn keys(&self, kind: DocumentKind) -> Vec<String> {
        let mut keys = Vec::new();
        for subcount in &self.subcounts {
            match kind {
                DocumentKind::RecordDelta | DocumentKind::RecordSnapshot => {
                    if subcount.records.as_ref().is_some_and(|side| !side.empty) {
                        keys.push(subcount.name.clone());
                    }
                }
                DocumentKind::UsageDelta => {
                    if subcount.usage.as_ref().is_some_and(|side| !side.empty) {
                        keys.push(subcount.name.clone());
                    }
                }
                DocumentKind::UsageSnapshot => match &subcount.usage {
                    Some(side) if side.top => {
                        keys.push(format!("{}_by_view", subcount.name));
                        keys.push(format!("{}_by_download", subcount.name));
                    }
                    Some(_) => keys.push(subcount.name.clone()),
                    None => {}
                },
            }
        }
        keys
    }

    pub(super) fn canonical(&self) -> String {
        let side = |side: &Option<Side>| match side {
            None => "-",
            Some(Side { empty: true, .. }) => "empty",
            Some(Side { top: true, .. }) => "top",
            Some(_) => "other",
        };
        self.subcounts.iter().fold(String::new(), |text, subcount| {
            let (records, usage) = (side(&subcount.records), side(&subcount.usage));
            format!("{text}{:?}:{records}:{usage};", subcount.name)
        })
    }
}

impl Default for SubcountConfig {
    /// The subcounts of invenio-stats-dashboard 0.5.0.
    fn default() -> Self {
        Self::from_json(DEFAULT_SUBCOUNTS).expect("the bundled subcounts are read by a test")
    }
}

fn subcount(name: &str, entry: &Value) -> Result<Subcount, ConfigError> {
    let shown = shown(name);
    let Value::Object(sides) = entry else {
        return Err(refused(format!(
            "{shown} must be an object with `records`, `usage_events` or both"
        )));
    };
    if !SIDES.iter().any(|side| sides.contains_key(*side)) {
        return Err(refused(format!("{shown} has neither `records` nor `usage_events`")));
    }
    let records = side(sides.get("records").filter(|side| !side.is_null()), &shown)?;
    let usage = side(sides.get("usage_events"), &shown)?;
    Ok(Subcount { name: name.to_owned(), records, usage })
}

fn side(value: Option<&Value>, shown: &str) -> Result<Option<Side>, ConfigError> {
    match value {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(Side {
            empty: map.is_empty(),
            top: map.get("snapshot_type").and_then(Value::as_str) == Some("top"),
        })),
        Some(_) => Err(refused(format!(
            "`records` and `usage_events` of {shown} must be objects or absent"
        ))),
    }
}

fn refused(problem: impl Into<String>) -> ConfigError {
    ConfigError::new("subcount configuration", problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULT_LAYOUTS;

    #[test]
    fn keys_follow_the_sides_of_the_configuration() {
        let text = r#"{"alpha":{"usage_events":{}},"beta":{"usage_events":{"snapshot_type":"top"}},
            "gamma":{"records":{"snapshot_type":"top"}}}"#;
        let config = SubcountConfig::from_json(text).unwrap();
        assert_eq!(config.keys(DocumentKind::UsageDelta), ["beta"]);
        let snapshot = config.keys(DocumentKind::UsageSnapshot);
        assert_eq!(snapshot, ["alpha", "beta_by_view", "beta_by_download"]);
        assert_eq!(config.keys(DocumentKind::RecordDelta), ["gamma"]);
        assert!(SubcountConfig::from_json(r#"{"a":{"usage_events":null}}"#).is_err());
    }

    #[test]
    fn what_would_empty_responses_is_refused_by_name() {
        for (text, told) in [
            (r#"{"a":{"records":{}},"resource_types":3}"#, "`resource_types` must be an object"),
            (r#"{"resource_types":null}"#, "`resource_types` must be an object"),
            (r#"{"rights":{}}"#, "`rights` has neither"),
            (r#"{"global_layout":{"tabs":[]}}"#, "`global_layout` has neither"),
            (r#"{"record_deltas":{"global":{"records":[]}}}"#, "`record_deltas` has neither"),
            (r#"[{"name":"a","recrods":{}}]"#, "`a` has neither"),
            (r#"[3]"#, "entry 0 has no text `name`"),
            (r#"{"a":{"records":3}}"#, "of `a` must be objects"),
            ("3", "expected an array or an object"),
        ] {
            let refused = SubcountConfig::from_json(text).unwrap_err().to_string();
            assert!(refused.contains(told), "{text}: {refused}");
        }
        assert!(SubcountConfig::from_json(DEFAULT_LAYOUTS).is_err());
        for text in ["[]", "{}"] {
            assert!(SubcountConfig::from_json(text).unwrap().is_empty());
        }
        // What the reference takes: one side, null for no records, and members of its own.
        for text in [
            r#"{"a":{"records":null}}"#,
            r#"{"a":{"usage_events":{"field_type":null},"comment":"b"}}"#,
            r#"[{"name":"a","records":{}}]"#,
        ] {
            assert!(!SubcountConfig::from_json(text).unwrap().is_empty(), "{text}");
        }
    }
}
