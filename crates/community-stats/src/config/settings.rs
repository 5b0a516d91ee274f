//! All settings together, decided.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use invenio_config::Decides;
use serde::Serialize;

use super::error::ConfigError;
use super::invenio::Invenio;
use super::invenio_cfg::Skipped;
use super::life::Life;
use super::origin::Origin;
use super::resolve::Values;
use super::section::Section;
use super::value::meant_for_a_shell;
use super::{
    BrokerSettings, CacheSettings, CelerySettings, CommunitySettings, CommunitySource,
    DataSettings, GenerationSettings, LedgerKind, LockSettings, MirrorSettings, RunSettings,
    SECTIONS, Secret, SourceKind, SourceSettings, StoreKind,
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
    /// What keeps the matrix true while the program runs by itself.
    pub run: RunSettings,
    /// The message broker.
    pub broker: BrokerSettings,
    /// How tasks are sent and performed.
    pub celery: CelerySettings,
    origins: BTreeMap<&'static str, Origin>,
    file: Option<PathBuf>,
    warnings: Vec<String>,
    skipped: Vec<Skipped>,
    unknown: Vec<(String, String)>,
    life: Life,
    is_told: bool,
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
        life: Life,
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
            run: RunSettings::resolve(values)?,
            broker: BrokerSettings::resolve(values)?,
            celery: CelerySettings::resolve(values)?,
            origins: keys.map(|key| (key, values.origin(key))).collect(),
            file,
            warnings: invenio.warnings,
            skipped: invenio.skipped,
            unknown: invenio.unknown,
            life,
            is_told: invenio.is_told,
        };
        settings.refuse_contradictions()?;
        Ok(settings)
    }

    /// Where the value of `key` came from; `Default` also for a key that does not exist.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// Whether the program is beside an InvenioRDM or on its own.
    #[must_use]
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// Whether an `invenio.cfg` was read, or the instance itself was asked.
    pub(super) const fn is_told(&self) -> bool {
        self.is_told
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

    /// Every name that concerns us and that the `invenio.cfg` sets in a way that is not understood.
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
            self.run.shown(),
            self.broker.shown(),
            self.celery.shown(),
        ];
        sections
            .into_iter()
            .flatten()
            .map(|(key, value)| SettingLine { key, value, origin: self.origin(key).clone() })
            .collect()
    }

    /// Refuses to write while nobody knows where to, or what: when InvenioRDM's configuration gives a
    /// name that decides about it in a way that is not understood, and nothing of ours says it
    /// either. For commands that write; to look around, a default will do.
    ///
    /// # Errors
    /// For the first such name.
    pub fn refuse_undecided(&self) -> Result<(), ConfigError> {
        self.refuse_undecided_among(|_| true)
    }

    /// The same for whoever only fills the archive: whose documents are meant has to be known.
    ///
    /// # Errors
    /// When it is not.
    pub fn refuse_undecided_prefix(&self) -> Result<(), ConfigError> {
        self.refuse_undecided_among(|key| key == "source.index_prefix")
    }

    fn refuse_undecided_among(&self, counts: impl Fn(&str) -> bool) -> Result<(), ConfigError> {
        for (name, text) in &self.unknown {
            let decided = self.undecided(name).filter(|key| counts(key)).and_then(super::setting);
            if let Some(setting) = decided {
                let about = match invenio_config::name(name).map(|name| name.decides) {
                    Some(Decides::What) => "what responses hold",
                    _ => "where to read and write",
                };
                let message = format!("{text}, and it decides {about}");
                let (key, variable) = (setting.key, setting.variable());
                let hint = format!(
                    "say it yourself: --set {key}=… or {variable}; or ask the instance: \
                     community-stats config python"
                );
                return Err(ConfigError::new(message).with_hint(hint));
            }
        }
        Ok(())
    }

    /// The setting that `name` would decide about, if it is needed and nothing of ours does.
    fn undecided(&self, name: &str) -> Option<&'static str> {
        let ours = |key: &str| {
            let origin = self.origin(key);
            matches!(origin, Origin::Flag { .. } | Origin::Env { .. } | Origin::File { .. })
        };
        let archive = ours("source.kind") && self.source.kind == SourceKind::Archive;
        let searches = self.communities.source == CommunitySource::Opensearch || !archive;
        let searches = searches && !self.mirror.offline;
        let redis = !ours("cache.store") || self.cache.store == StoreKind::Redis;
        let (locks, complete) = (redis && self.lock.enabled, ours("cache.redis_url"));
        let no_database =
            self.cache.main_redis_url.as_ref().is_some_and(|url| url.database.is_none());
        let (key, is_needed) = match name {
            "SEARCH_CLIENT_CONFIG" => ("source.hosts", searches),
            "SEARCH_HOSTS" | "SEARCH_ELASTIC_HOSTS" => {
                ("source.hosts", searches && *self.origin("source.hosts") == Origin::Default)
            }
            "SEARCH_INDEX_PREFIX" => ("source.index_prefix", searches),
            "CACHE_REDIS_URL" => ("cache.main_redis_url", redis && (locks || !complete)),
            "CACHE_REDIS_DB" => ("cache.main_redis_url", locks && no_database),
            "STATS_CACHE_REDIS_URL" => ("cache.redis_url", redis),
            "STATS_CACHE_REDIS_DB" => ("cache.redis_db", redis && !complete),
            "STATS_AGG_REGISTRY_REDIS_DB" => ("cache.registry_redis_db", redis && !complete),
            "STATS_CACHE_PREFIX" => ("cache.prefix", true),
            "CACHE_KEY_PREFIX" => ("lock.key_prefix", locks),
            "STATS_DASHBOARD_LOCK_CONFIG" => ("lock.name", locks),
            "STATS_DASHBOARD_COMMUNITY_OPT_IN" => ("communities.opt_in", true),
            "STATS_DASHBOARD_OPTIMIZE_DATA_SERIES" => ("generation.optimize", true),
            "STATS_DASHBOARD_LAYOUT" => ("generation.layouts", self.generation.optimize),
            "COMMUNITY_STATS_SUBCOUNTS" => ("generation.subcounts", true),
            _ => return None,
        };
        (is_needed && !ours(key)).then_some(key)
    }

    /// Where it is remembered what runs did: where nobody says, beside the responses.
    #[must_use]
    pub fn ledger(&self) -> LedgerKind {
        self.run.ledger.unwrap_or(match self.cache.store {
            StoreKind::Sqlite => LedgerKind::Sqlite,
            StoreKind::Redis => LedgerKind::Redis,
        })
    }

    /// That the lock's address is a guess, and which; `None` when it is given or not needed.
    #[must_use]
    pub fn guessed_lock(&self) -> Option<String> {
        let needed = self.cache.store == StoreKind::Redis && self.lock.enabled;
        let guessed = needed && self.cache.main_redis_url.is_none();
        guessed.then(|| {
            let locks = self.cache.redis_targets().locks;
            format!(
                "nothing says where InvenioRDM's main cache is, which holds the lock; it is taken \
                 to be {locks}, InvenioRDM's default"
            )
        })
    }

    fn refuse_contradictions(&self) -> Result<(), ConfigError> {
        if self.source.hosts.is_empty() {
            return Err(self.contradiction("source.hosts", "names no host", "name at least one"));
        }
        self.refuse_unusable_credentials()?;
        if self.source.page_size.0 == 0 {
            return Err(self.contradiction("source.page_size", "is 0", "a page needs room"));
        }
        self.refuse_no_time()?;
        self.refuse_no_interval()?;
        self.refuse_a_ledger_nowhere()?;
        self.refuse_paths_for_a_shell()?;
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

    fn refuse_unusable_credentials(&self) -> Result<(), ConfigError> {
        let source = &self.source;
        if source.username.is_some() != source.password.is_some() {
            let key = if source.username.is_some() { "source.username" } else { "source.password" };
            let advice = "basic authentication needs source.username and source.password";
            return Err(self.contradiction(key, "stands alone", advice));
        }
        if source.api_key.is_some() && source.username.is_some() {
            let advice = "set either an API key or user and password";
            return Err(self.contradiction("source.api_key", "stands beside a user", advice));
        }
        let key = source.api_key.as_ref().map(Secret::expose).unwrap_or_default();
        if !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            let advice = "give the encoded form, on one line";
            let what = "holds a line break or another character that no key has";
            return Err(self.contradiction("source.api_key", what, advice));
        }
        Ok(())
    }

    fn refuse_no_interval(&self) -> Result<(), ConfigError> {
        let second = std::time::Duration::from_secs(1);
        for (key, time) in
            [("run.interval", self.run.interval), ("run.compare_all", self.run.compare_all)]
        {
            if time < second {
                return Err(self.contradiction(key, "is too short", "a second is the least"));
            }
        }
        Ok(())
    }

    fn refuse_a_ledger_nowhere(&self) -> Result<(), ConfigError> {
        if self.ledger() == LedgerKind::Redis && self.cache.store != StoreKind::Redis {
            let advice = "leave it out, or keep the responses in Redis, too";
            return Err(self.contradiction(
                "run.ledger",
                "is \"redis\" and cache.store is not",
                advice,
            ));
        }
        Ok(())
    }

    fn refuse_no_time(&self) -> Result<(), ConfigError> {
        for (key, time) in
            [("source.timeout", self.source.timeout), ("lock.timeout", self.lock.timeout)]
        {
            if time.is_zero() {
                return Err(self.contradiction(key, "is 0", "give it a time such as \"60s\""));
            }
        }
        Ok(())
    }

    fn refuse_paths_for_a_shell(&self) -> Result<(), ConfigError> {
        let files = [
            ("data.archive", &self.data.archive),
            ("mirror.file", &self.mirror.file),
            ("cache.file", &self.cache.file),
        ];
        for (key, file) in files {
            if meant_for_a_shell(file).is_some() {
                let advice = "write the path out; a relative one begins at the data folder";
                let what = "begins with `~` or `$`, for which nothing is put in here";
                return Err(self.contradiction(key, what, advice));
            }
        }
        Ok(())
    }

    fn contradiction(&self, key: &str, what: &str, advice: &str) -> ConfigError {
        ConfigError::new(format!("{}: `{key}` {what}", self.origin(key))).with_hint(advice)
    }
}
