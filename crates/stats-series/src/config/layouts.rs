//! The layouts of dashboards, and which one is whose.

use serde_json::Value;

use super::ConfigError;
use super::components::{ComponentNames, layout_error};

/// The layouts of invenio-stats-dashboard 0.5.0, as JSON, without texts.
pub const DEFAULT_LAYOUTS: &str = include_str!("../../data/default-layouts.json");
/// The members of a configuration of layouts.
const MEMBERS: [&str; 2] = ["global_layout", "community_layout"];

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
    /// When the text is not JSON of that form, it has other members, or a layout is malformed.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| layout_error(&error.to_string()))?;
        let Value::Object(mut map) = value else {
            return Err(layout_error("expected an object"));
        };
        if let Some(unknown) = map.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(ConfigError::unknown("layouts", unknown, MEMBERS));
        }
        let [global_layout, community_layout] =
            MEMBERS.map(|name| map.remove(name).filter(|layout| !layout.is_null()));
        let layouts = Self { global_layout, community_layout };
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
    use crate::config::DEFAULT_SUBCOUNTS;

    #[test]
    fn the_default_layout_names_46_components() {
        assert_eq!(Layouts::default().components(LayoutOwner::Global).len(), 46);
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
    fn members_that_mean_nothing_are_refused_by_name() {
        for (text, told) in [
            (
                r#"{"gloabl_layout":{"rows":[]}}"#,
                "unknown member `gloabl_layout`; there are `global_layout`",
            ),
            (r#"{"global_layout":{},"tabs":[]}"#, "unknown member `tabs`"),
            (r#"{"global_layout":3}"#, "must be objects"),
        ] {
            let refused = Layouts::from_json(text).unwrap_err().to_string();
            assert!(refused.contains(told), "{text}: {refused}");
        }
        assert!(Layouts::from_json(DEFAULT_SUBCOUNTS).is_err());
        assert!(Layouts::from_json(r#"{"community_layout":null}"#).is_ok());
    }
}
