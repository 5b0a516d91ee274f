//! What shapes a response besides the documents: subcounts, the component registry, layouts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::DocumentKind;

/// The subcount configuration of invenio-stats-dashboard 0.5.0, as JSON: an array in its order.
pub const DEFAULT_SUBCOUNTS: &str = include_str!("../data/subcounts.json");
const DEFAULT_REGISTRY: &str = include_str!("../data/component-metrics.json");
/// The layouts of invenio-stats-dashboard 0.5.0, as JSON, without texts.
pub const DEFAULT_LAYOUTS: &str = include_str!("../data/default-layouts.json");

/// A configuration that cannot be used: what, where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {problem}")]
pub struct ConfigError {
    what: &'static str,
    problem: String,
}

impl ConfigError {
    fn new(what: &'static str, problem: impl Into<String>) -> Self {
        Self { what, problem: problem.into() }
    }
}

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
    /// `usage_events`; or a JSON object from names to such objects.
    ///
    /// # Errors
    /// When the text is not JSON of that form. A `usage_events` that is null is refused, as the
    /// reference fails on it.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        const WHAT: &str = "subcount configuration";
        let value: Value = serde_json::from_str(text)
            .map_err(|error| ConfigError::new(WHAT, error.to_string()))?;
        let named: Vec<(String, &Value)> = match &value {
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(index, entry)| {
                    let name = entry.get("name").and_then(Value::as_str).ok_or_else(|| {
                        ConfigError::new(WHAT, format!("entry {index} has no text `name`"))
                    })?;
                    Ok((name.to_owned(), entry))
                })
                .collect::<Result<_, ConfigError>>()?,
            Value::Object(map) => map.iter().map(|(name, entry)| (name.clone(), entry)).collect(),
            _ => return Err(ConfigError::new(WHAT, "expected an array or an object")),
        };
        let subcounts = named
            .into_iter()
            .map(|(name, entry)| {
                let records = side(entry.get("records").filter(|side| !side.is_null()), &name)?;
                let usage = side(entry.get("usage_events"), &name)?;
                Ok(Subcount { name, records, usage })
            })
            .collect::<Result<_, ConfigError>>()?;
        Ok(Self { subcounts })
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

    fn canonical(&self) -> String {
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

fn side(value: Option<&Value>, name: &str) -> Result<Option<Side>, ConfigError> {
    match value {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(Side {
            empty: map.is_empty(),
            top: map.get("snapshot_type").and_then(Value::as_str) == Some("top"),
        })),
        Some(_) => Err(ConfigError::new(
            "subcount configuration",
            format!("`records` and `usage_events` of '{name}' must be objects or absent"),
        )),
    }
}

type SubcountComponents = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Which components of a dashboard show which metric of which series key
/// (data-series specification, section 9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentRegistry {
    kinds: BTreeMap<String, SubcountComponents>,
}

impl ComponentRegistry {
    /// Reads a JSON object: set → series key → metric → list of component names.
    ///
    /// # Errors
    /// When the text is not JSON of that form.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let kinds = serde_json::from_str(text)
            .map_err(|error| ConfigError::new("component registry", error.to_string()))?;
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
    fn knows(&self, component: &str) -> bool {
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

/// What shapes responses, whatever the community: subcounts and component registry. By default
/// those of invenio-stats-dashboard 0.5.0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesConfig {
    pub(crate) subcounts: SubcountConfig,
    pub(crate) registry: ComponentRegistry,
}

impl SeriesConfig {
    /// A configuration of its own.
    #[must_use]
    pub const fn new(subcounts: SubcountConfig, registry: ComponentRegistry) -> Self {
        Self { subcounts, registry }
    }

    /// Those of the components that show no metric, so far as the registry knows: their names
    /// change nothing.
    pub fn components_without_metrics<'a>(
        &'a self,
        components: &'a ComponentNames,
    ) -> impl Iterator<Item = &'a str> {
        components.0.iter().map(String::as_str).filter(|name| !self.registry.knows(name))
    }

    /// A text that is equal for two configurations exactly when they shape responses equally.
    #[must_use]
    pub fn canonical(&self) -> String {
        format!("{}\n{:?}", self.subcounts.canonical(), self.registry.kinds)
    }
}

/// The names of the components that a dashboard shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ComponentNames(BTreeSet<String>);

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

fn layout_error(problem: &str) -> ConfigError {
    ConfigError::new("dashboard layout", problem)
}

/// Whose dashboard a layout is looked up for.
#[derive(Debug, Clone, Copy)]
pub enum LayoutOwner<'a> {
    /// The whole repository.
    Global,
    /// A community, with the value of its custom field `stats:dashboard_layout`, if it has one.
    Community(Option<&'a Value>),
}

/// The configured layouts (data-series specification, section 9.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Layouts {
    /// Of the whole repository, and of communities without any other.
    pub global_layout: Option<Value>,
    /// Of communities without a layout of their own.
    pub community_layout: Option<Value>,
}

impl Layouts {
    /// Reads a JSON object with the members `global_layout` and `community_layout`, both optional.
    ///
    /// # Errors
    /// When the text is not JSON of that form, or a layout is malformed.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| layout_error(&error.to_string()))?;
        let Value::Object(mut map) = value else {
            return Err(layout_error("expected an object"));
        };
        let mut take = |name| map.remove(name).filter(|layout| !layout.is_null());
        let layouts = Self {
            global_layout: take("global_layout"),
            community_layout: take("community_layout"),
        };
        for layout in [&layouts.global_layout, &layouts.community_layout].into_iter().flatten() {
            ComponentNames::from_layout(layout)?;
        }
        Ok(layouts)
    }

    /// The components of the dashboard of `owner`. A layout of a community that is null or of
    /// another type is passed over for the configured global one.
    #[must_use]
    pub fn components(&self, owner: LayoutOwner<'_>) -> ComponentNames {
        let empty = Value::Object(serde_json::Map::new());
        let global = self.global_layout.as_ref().unwrap_or(&empty);
        let chosen = match owner {
            LayoutOwner::Global | LayoutOwner::Community(Some(Value::Null)) => global,
            LayoutOwner::Community(custom) => custom
                .and_then(|custom| custom.get("community_layout"))
                .filter(|layout| !is_empty(layout))
                .or(self.community_layout.as_ref().filter(|layout| !is_empty(layout)))
                .unwrap_or(global),
        };
        ComponentNames::from_layout(chosen)
            .or_else(|_| ComponentNames::from_layout(global))
            .unwrap_or_default()
    }
}

/// Whether a value counts as "nothing configured".
fn is_empty(layout: &Value) -> bool {
    match layout {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(members) => members.is_empty(),
        _ => false,
    }
}

impl Default for Layouts {
    /// The layouts of invenio-stats-dashboard 0.5.0: one for the repository, none for communities.
    fn default() -> Self {
        Self::from_json(DEFAULT_LAYOUTS).expect("the bundled layouts are read by a test")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_default_layout_names_46_components() {
        assert_eq!(Layouts::default().components(LayoutOwner::Global).len(), 46);
    }

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
    fn a_community_takes_its_own_layout_first() {
        let names = |text: &str| ComponentNames::from_iter([text.to_owned()]);
        let layout = |name: &str| json!({"rows": [{"components": [{"component": name}]}]});
        let layouts = Layouts {
            global_layout: Some(layout("Global")),
            community_layout: Some(layout("Configured")),
        };
        let custom = json!({"community_layout": layout("Own")});
        let components = |custom| layouts.components(LayoutOwner::Community(custom));
        assert_eq!(components(Some(&custom)), names("Own"));
        assert_eq!(components(None), names("Configured"));
        assert_eq!(components(Some(&Value::Null)), names("Global"));
        let broken = json!({"community_layout": {"tabs": null}});
        assert_eq!(components(Some(&broken)), names("Global"));
        let empty = json!({"community_layout": {}});
        assert_eq!(components(Some(&empty)), names("Configured"));
        assert_eq!(layouts.components(LayoutOwner::Global), names("Global"));
    }

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
}
