//! What shapes a response besides the documents: subcounts, the component registry, layouts.

mod components;
mod layouts;
mod subcounts;

pub use components::{ComponentNames, ComponentRegistry};
pub use layouts::{DEFAULT_LAYOUTS, LayoutOwner, Layouts};
pub use subcounts::{DEFAULT_SUBCOUNTS, SubcountConfig};

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

    /// Something with a name that nothing here has.
    fn unknown<'a>(
        what: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
        Self::new(what, format!("unknown member {}; there are {}", shown(name), known.join(", ")))
    }
}

/// A name for a message; a long one is cut.
fn shown(name: &str) -> String {
    format!("`{name:.80}`")
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

    /// Whether no subcount is configured, so that responses hold hardly any breakdown.
    #[must_use]
    pub fn has_no_subcounts(&self) -> bool {
        self.subcounts.is_empty()
    }

    /// A text that is equal for two configurations exactly when they shape responses equally.
    #[must_use]
    pub fn canonical(&self) -> String {
        format!("{}\n{:?}", self.subcounts.canonical(), self.registry.kinds)
    }
}
