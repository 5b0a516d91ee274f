//! All settings together, decided.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::ConfigError;
use super::invenio::Invenio;
use super::invenio_cfg::Skipped;
use super::origin::Origin;
use super::resolve::Values;
use super::section::Section;
use super::{
    BrokerSettings, CacheSettings, CommunitySettings, CommunitySource, DataSettings,
    GenerationSettings, LockSettings, MirrorSettings, SECTIONS, SourceSettings,
};

/// All settings, decided, with where each came from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything lives.
    pub data: DataSettings,
    /// The copy of an index.
    pub mirror: MirrorSettings,
    /// Where documents come from.
    pub source: SourceSettings,
    /// Which communities there are.
    pub communities: CommunitySettings,
    /// Where responses are kept.
    pub cache: CacheSettings,
    /// The lock between bulk runs.
    pub lock: LockSettings,
    /// What is generated and how.
    pub generation: GenerationSettings,
    /// The message broker.
    pub broker: BrokerSettings,
    origins: BTreeMap<&'static str, Origin>,
    file: Option<PathBuf>,
    warnings: Vec<String>,
    skipped: Vec<Skipped>,
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingLine {
    /// The key, section included.
    pub key: &'static str,
    /// The value as it would stand in the settings file, secrets masked; empty when unset.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Settings {
    pub(super) fn from_values(
        values: &Values,
        file: Option<PathBuf>,
        invenio: Invenio,
    ) -> Result<Self, ConfigError> {
        let keys = SECTIONS.iter().flat_map(|section| section.settings).map(|setting| setting.key);
        let settings = Self {
            data: DataSettings::resolve(values)?,
            mirror: MirrorSettings::resolve(values)?,
            source: SourceSettings::resolve(values)?,
            communities: CommunitySettings::resolve(values)?,
            cache: CacheSettings::resolve(values)?,
            lock: LockSettings::resolve(values)?,
            generation: GenerationSettings::resolve(values)?,
            broker: BrokerSettings::resolve(values)?,
            origins: keys.map(|key| (key, values.origin(key))).collect(),
            file,
            warnings: invenio.warnings,
            skipped: invenio.skipped,
        };
        settings.refuse_contradictions()?;
        Ok(settings)
    }

    /// Where the value of `key` came from; `Default` also for a key that does not exist.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// The settings file that was read, if any.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What somebody should know about InvenioRDM's configuration, one line each: names that
    /// concern us and are not understood, values that mean something else to Python than they say.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Every name that the `invenio.cfg` sets in a way that is not understood, whether it concerns
    /// us or not.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Every setting with its value and where that came from, in the order of the reference page.
    #[must_use]
    pub fn explain(&self) -> Vec<SettingLine> {
        let sections = [
            self.data.shown(),
            self.mirror.shown(),
            self.source.shown(),
            self.communities.shown(),
            self.cache.shown(),
            self.lock.shown(),
            self.generation.shown(),
            self.broker.shown(),
        ];
        sections
            .into_iter()
            .flatten()
            .map(|(key, value)| SettingLine { key, value, origin: self.origin(key).clone() })
            .collect()
    }

    fn refuse_contradictions(&self) -> Result<(), ConfigError> {
        let source = &self.source;
        if source.hosts.is_empty() {
            return Err(self.contradiction("source.hosts", "names no host", "name at least one"));
        }
        if source.username.is_some() != source.password.is_some() {
            let key = if source.username.is_some() { "source.username" } else { "source.password" };
            let advice = "basic authentication needs source.username and source.password";
            return Err(self.contradiction(key, "stands alone", advice));
        }
        if source.api_key.is_some() && source.username.is_some() {
            let advice = "set either an API key or user and password";
            return Err(self.contradiction("source.api_key", "stands beside a user", advice));
        }
        if source.page_size.0 == 0 {
            return Err(self.contradiction("source.page_size", "is 0", "a page needs room"));
        }
        for (key, time) in [("source.timeout", source.timeout), ("lock.timeout", self.lock.timeout)]
        {
            if time.is_zero() {
                return Err(self.contradiction(key, "is 0", "give it a time such as \"60s\""));
            }
        }
        let needs_database = self.communities.source == CommunitySource::Postgres;
        if needs_database && self.communities.database_url.is_none() {
            return Err(self.contradiction(
                "communities.source",
                "is \"postgres\" and no database is named",
                "set communities.database_url",
            ));
        }
        Ok(())
    }

    fn contradiction(&self, key: &str, what: &str, advice: &str) -> ConfigError {
        ConfigError::new(format!("{}: `{key}` {what}", self.origin(key))).with_hint(advice)
    }
}
