//! From flags, environment and files to settings.

use std::path::{Path, PathBuf};

use super::environment::{
    Environment, FILE_VARIABLE, INVENIO_CFG_VARIABLE, default_data_folder, default_file, home,
    offer_environment,
};
use super::error::ConfigError;
use super::file::offer_file;
use super::invenio::Invenio;
use super::life::Life;
use super::login::{KEPT_OUT, may_hold_password, shown_name};
use super::origin::Origin;
use super::resolve::{Given, Values};
use super::value::Value;
use super::{SECTIONS, Settings, setting};

/// Collects everything that may say something about a setting, then makes [`Settings`] of it.
///
/// The most specific wins: flag, then `COMMUNITY_STATS_…` in the environment, then the settings
/// file, then `INVENIO_…` in the environment, then `invenio.cfg`, then the default.
#[derive(Clone, Default)]
pub struct Loader {
    flags: Vec<Flag>,
    environment: Environment,
    unreadable: Vec<String>,
    file: Option<PathBuf>,
    invenio_cfg: Option<PathBuf>,
}

#[derive(Clone)]
struct Flag {
    name: String,
    key: String,
    value: String,
}

impl Loader {
    /// A loader that knows of nothing: no environment, no file, no flag.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A loader that knows the environment of this process. Nothing else reads it.
    #[must_use]
    pub fn from_process() -> Self {
        let mut loader = Self::new();
        for (name, content) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match content.into_string() {
                Ok(content) => drop(loader.environment.insert(name, content)),
                Err(_) => loader.unreadable.push(name),
            }
        }
        loader
    }

    /// Adds variables to the environment.
    #[must_use]
    pub fn environment<N: Into<String>, C: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, C)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, content)| (name.into(), content.into()));
        self.environment.extend(variables);
        self
    }

    /// Names the settings file (`--config FILE`). Without one it is that of
    /// `COMMUNITY_STATS_CONFIG`, else `$XDG_CONFIG_HOME/community-stats/config.toml` if it exists.
    #[must_use]
    pub fn file(mut self, path: Option<PathBuf>) -> Self {
        self.file = path;
        self
    }

    /// Names an `invenio.cfg` (`--invenio-cfg FILE`). Without one it is that of
    /// `COMMUNITY_STATS_INVENIO_CFG`, if set.
    #[must_use]
    pub fn invenio_cfg(mut self, path: Option<PathBuf>) -> Self {
        self.invenio_cfg = path;
        self
    }

    /// Adds what a flag says about the setting `key`; among several the last one counts.
    #[must_use]
    pub fn flag(
        mut self,
        name: impl Into<String>,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.flags.push(Flag { name: name.into(), key: key.into(), value: value.into() });
        self
    }

    /// Reads the files and decides about every setting.
    ///
    /// # Errors
    /// When a file cannot be read, a key or variable is unknown, a value does not fit, or settings
    /// contradict each other.
    pub fn load(&self) -> Result<Settings, ConfigError> {
        self.refuse_unreadable()?;
        refuse_address(self.settings_file().as_deref(), "a settings file")?;
        let mut values = Values::new(home(&self.environment));
        self.offer_flags(&mut values)?;
        offer_environment(&self.environment, &mut values)?;
        let file = self.settings_file();
        let asked = match &file {
            Some(path) => offer_file(path, &mut values)?,
            None => Vec::new(),
        };
        let cfg = self.invenio_cfg.clone().or_else(|| self.named_by(INVENIO_CFG_VARIABLE));
        refuse_address(cfg.as_deref(), "an invenio.cfg")?;
        let said = asked.first().map(|(_, named)| named.origin.clone());
        let mut invenio = Invenio::read(asked, &self.environment, cfg.as_deref())?;
        invenio.offer(&mut values);
        offer_data_folder(&self.environment, &mut values)?;
        let cfg = said.or_else(|| cfg.map(|path| Origin::InvenioCfg { path, line: 1 }));
        let life = offer_implied_kinds(&mut values, &self.environment, cfg);
        Settings::from_values(&values, file, invenio, life)
    }

    fn refuse_unreadable(&self) -> Result<(), ConfigError> {
        let ours =
            |name: &&String| name.starts_with("COMMUNITY_STATS_") || name.starts_with("INVENIO_");
        match self.unreadable.iter().find(ours) {
            Some(name) => Err(ConfigError::new(format!("the variable {name} is not UTF-8"))),
            None => Ok(()),
        }
    }

    fn offer_flags(&self, values: &mut Values) -> Result<(), ConfigError> {
        for flag in self.flags.iter().rev() {
            let setting = setting(&flag.key).ok_or_else(|| {
                let keys = SECTIONS.iter().flat_map(|section| section.settings);
                ConfigError::unknown(
                    format!("{}: unknown setting `{}`", flag.name, shown_name(&flag.key)),
                    &flag.key,
                    keys.map(|setting| setting.key),
                )
            })?;
            let origin = Origin::Flag { name: flag.name.clone() };
            values.offer(setting.key, Given { value: Value::Word(flag.value.clone()), origin });
        }
        Ok(())
    }

    fn settings_file(&self) -> Option<PathBuf> {
        let named = self.file.clone().or_else(|| self.named_by(FILE_VARIABLE));
        named.or_else(|| default_file(&self.environment).filter(|path| path.exists()))
    }

    fn named_by(&self, variable: &str) -> Option<PathBuf> {
        self.environment.get(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
    }
}

/// An address is no path, and may hold a password.
fn refuse_address(path: Option<&Path>, what: &str) -> Result<(), ConfigError> {
    match path {
        Some(path) if may_hold_password(&path.to_string_lossy()) => {
            Err(ConfigError::new(format!("{KEPT_OUT} is named as {what}")))
        }
        _ => Ok(()),
    }
}

/// Offers the data folder of the XDG Base Directory Specification.
fn offer_data_folder(environment: &Environment, values: &mut Values) -> Result<(), ConfigError> {
    if values.given("data.dir").is_some() {
        return Ok(());
    }
    let (folder, origin) = default_data_folder(environment).ok_or_else(|| {
        ConfigError::new("there is no home folder to keep data in")
            .with_hint("name a data folder with --data-dir DIR or COMMUNITY_STATS_DATA_DIR")
    })?;
    let value = Value::Text(folder.to_string_lossy().into_owned());
    values.offer("data.dir", Given { value, origin });
    Ok(())
}

/// Offers the kinds that nobody named. Whoever names a cluster or a Redis means to use it, and
/// whoever is beside an InvenioRDM means its cluster and its Redis. The kind takes the origin of
/// what implies it.
fn offer_implied_kinds(
    values: &mut Values,
    environment: &Environment,
    cfg: Option<Origin>,
) -> Life {
    imply(values, "source.kind", "opensearch", &["source.hosts"]);
    imply(values, "cache.store", "redis", &["cache.redis_url", "cache.main_redis_url"]);
    let life = Life::decide(values, environment, cfg);
    if let Life::Companion { because } = &life {
        for (kind, implied) in [("source.kind", "opensearch"), ("cache.store", "redis")] {
            let value = Value::Text(implied.to_owned());
            values.offer(kind, Given { value, origin: because.clone() });
        }
    }
    let database = values.given("communities.database_url");
    if database.is_some_and(|given| !belongs_to_invenio(&given.origin)) {
        imply(values, "communities.source", "postgres", &["communities.database_url"]);
    }
    if let Some(kind) = values.given("source.kind").cloned() {
        values.offer("communities.source", kind);
    }
    life
}

fn imply(values: &mut Values, kind: &'static str, implied: &str, addresses: &[&str]) {
    let given = addresses.iter().filter_map(|key| values.given(key));
    let address = given.filter(|given| !given.value.is_nothing()).map(|given| &given.origin).next();
    if let Some(origin) = address.cloned() {
        let value = Value::Text(implied.to_owned());
        values.offer(kind, Given { value, origin });
    }
}

fn belongs_to_invenio(origin: &Origin) -> bool {
    matches!(origin, Origin::InvenioEnv { .. } | Origin::InvenioCfg { .. })
}
