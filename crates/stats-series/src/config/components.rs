//! Which components show which metric, and which of them a layout has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use stats_model::DocumentKind;

use super::{ConfigError, shown};
use crate::measure::metric_names;

const DEFAULT_REGISTRY: &str = include_str!("../../data/component-metrics.json");
const WHAT: &str = "component registry";

type SubcountComponents = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Which components of a dashboard show which metric of which series key
/// (data-series specification, section 9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentRegistry {
    pub(super) kinds: BTreeMap<String, SubcountComponents>,
}

impl ComponentRegistry {
    /// Reads a JSON object: set → series key → metric → list of component names.
    ///
    /// # Errors
    /// When the text is not JSON of that form, or there is no set or metric of a name that it has:
    /// it would be without effect, and the metrics that were meant would be missing.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        let kinds = value
            .as_object()
            .ok_or_else(|| refused("expected an object"))?
            .iter()
            .map(|(set, keys)| {
                let kind = DocumentKind::ALL.into_iter().find(|kind| kind.registry_name() == set);
                let kind = kind.ok_or_else(|| {
                    let sets = DocumentKind::ALL.map(DocumentKind::registry_name);
                    ConfigError::unknown(WHAT, set, sets)
                })?;
                Ok((set.clone(), keys_of(kind, keys)?))
            })
            .collect::<Result<_, ConfigError>>()?;
        Ok(Self { kinds })
    }

    /// Whether a metric of a series key is created, given the components that will show it. Keys
    /// that the registry does not know keep all metrics; an empty set of components needs all
    /// metrics that the registry knows.
    pub(crate) fn needs(
        &self,
        kind: DocumentKind,
        key: &str,
        metric: &str,
        components: &ComponentNames,
    ) -> bool {
        let Some(metrics) = self.kinds.get(kind.registry_name()).and_then(|keys| keys.get(key))
        else {
            return true;
        };
        metrics.get(metric).is_some_and(|names| {
            components.0.is_empty() || names.iter().any(|name| components.0.contains(name))
        })
    }

    /// Whether a component of this name shows any metric.
    pub(super) fn knows(&self, component: &str) -> bool {
        let metrics = self.kinds.values().flat_map(BTreeMap::values);
        metrics.flat_map(BTreeMap::values).any(|names| names.contains(component))
    }
}

impl Default for ComponentRegistry {
    /// The registry of invenio-stats-dashboard 0.5.0.
    fn default() -> Self {
        Self::from_json(DEFAULT_REGISTRY).expect("the bundled component registry is read by a test")
    }
}
fn keys_of(kind: DocumentKind, keys: &Value) -> Result<SubcountComponents, ConfigError> {
    let metrics_of = |(key, metrics): (&String, &Value)| {
        let metrics = object(metrics, key)?.iter().map(|(metric, names)| {
            if !metric_names(kind).any(|known| known == metric) {
                return Err(ConfigError::unknown(WHAT, metric, metric_names(kind)));
            }
            Ok((metric.clone(), names_of(metric, names)?))
        });
        Ok((key.clone(), metrics.collect::<Result<_, _>>()?))
    };
    object(keys, kind.registry_name())?.iter().map(metrics_of).collect()
}

fn names_of(metric: &str, names: &Value) -> Result<BTreeSet<String>, ConfigError> {
    let texts = names.as_array().map(|names| names.iter().map(Value::as_str));
    let texts = texts.and_then(Iterator::collect::<Option<Vec<&str>>>);
    let texts = texts.ok_or_else(|| {
        refused(format!("{} must be an array of names of components", shown(metric)))
    })?;
    Ok(texts.into_iter().map(str::to_owned).collect())
}

fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, ConfigError> {
    value.as_object().ok_or_else(|| refused(format!("{} must be an object", shown(name))))
}

fn refused(problem: impl Into<String>) -> ConfigError {
    ConfigError::new(WHAT, problem)
}

/// The names of the components that a dashboard shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct ComponentNames(pub(super) BTreeSet<String>);

impl ComponentNames {
    /// The components of a layout: those of the rows of its tabs, then those of its own rows;
    /// nothing deeper is searched (data-series specification, section 9.1).
    ///
    /// # Errors
    /// When a level of the layout is null or of another type.
    pub fn from_layout(layout: &Value) -> Result<Self, ConfigError> {
        let mut names = BTreeSet::new();
        for tab in members(layout, "tabs")? {
            collect_rows(&mut names, tab)?;
        }
        collect_rows(&mut names, layout)?;
        Ok(Self(names))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A text that is equal exactly for equal sets.
    #[must_use]
    pub fn canonical(&self) -> String {
        format!("{:?}", self.0)
    }
}

impl FromIterator<String> for ComponentNames {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

fn collect_rows(names: &mut BTreeSet<String>, level: &Value) -> Result<(), ConfigError> {
    for row in members(level, "rows")? {
        for component in members(row, "components")? {
            let name = match component {
                Value::String(name) => Some(name),
                Value::Object(component) => match component.get("component") {
                    None | Some(Value::Null) => None,
                    Some(Value::String(name)) => Some(name),
                    Some(_) => return Err(layout_error("`component` must be text")),
                },
                _ => return Err(layout_error("a component must be an object or text")),
            };
            names.extend(name.filter(|name| !name.is_empty()).cloned());
        }
    }
    Ok(())
}

fn members<'a>(level: &'a Value, name: &str) -> Result<&'a [Value], ConfigError> {
    let Value::Object(level) = level else {
        return Err(layout_error("tabs, rows and the layout itself must be objects"));
    };
    match level.get(name) {
        None => Ok(&[]),
        Some(Value::Array(members)) => Ok(members),
        Some(_) => Err(layout_error(&format!("`{name}` must be an array"))),
    }
}

pub(super) fn layout_error(problem: &str) -> ConfigError {
    ConfigError::new("dashboard layout", problem)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_named_levels_are_searched() {
        let layout = json!({
            "tabs": [{"rows": [{"components": [{"component": "A", "props": {"component": "X"}}]}],
                      "components": [{"component": "Y"}]}],
            "rows": [{"components": [{"component": "B"}, {"component": ""}, {}]}],
        });
        let expected = ["A", "B"].map(str::to_owned).into_iter().collect();
        assert_eq!(ComponentNames::from_layout(&layout), Ok(expected));
        assert!(ComponentNames::from_layout(&json!({"tabs": null})).is_err());
    }

    #[test]
    fn what_a_registry_cannot_mean_is_refused_by_name() {
        for (text, told) in [
            (r#"{"record_delta":{}}"#, "unknown member `record_delta`; there are `record_deltas`"),
            (r#"{"record_deltas":{"global":{"recrods":["A"]}}}"#, "unknown member `recrods`"),
            (r#"{"record_deltas":{"global":{"views":["A"]}}}"#, "unknown member `views`"),
            (r#"{"record_deltas":3}"#, "`record_deltas` must be an object"),
            (r#"{"record_deltas":{"global":3}}"#, "`global` must be an object"),
            (r#"{"record_deltas":{"global":{"records":"A"}}}"#, "`records` must be an array"),
            (r#"{"record_deltas":{"global":{"records":["A",3]}}}"#, "`records` must be an array"),
            ("[]", "expected an object"),
        ] {
            let refused = ComponentRegistry::from_json(text).unwrap_err().to_string();
            assert!(refused.contains(told), "{text}: {refused}");
        }
    }
}
