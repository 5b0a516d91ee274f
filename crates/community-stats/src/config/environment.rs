//! The environment: our own variables.
//!
//! `COMMUNITY_STATS_<SECTION>_<KEY>` sets `<section>.<key>`; with `_FILE` at its end it names a
//! file that holds the value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::SECTIONS;
use super::error::{ConfigError, nearest};
use super::origin::Origin;
use super::resolve::{Given, Values};
use super::section::Setting;
use super::value::Value;
use crate::bounded::{self, SMALL};

/// Variables by name.
pub(super) type Environment = BTreeMap<String, String>;

/// What our variables begin with.
const PREFIX: &str = "COMMUNITY_STATS_";

/// The variable that names the settings file.
pub(super) const FILE_VARIABLE: &str = "COMMUNITY_STATS_CONFIG";

/// The variable that names an `invenio.cfg`.
pub(super) const INVENIO_CFG_VARIABLE: &str = "COMMUNITY_STATS_INVENIO_CFG";

/// Settings of invenio-stats-dashboard that begin like our variables.
const UPSTREAM_NAMES: [&str; 6] = [
    "COMMUNITY_STATS_ENABLED",
    "COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED",
    "COMMUNITY_STATS_SCHEDULED_AGG_TASKS_ENABLED",
    "COMMUNITY_STATS_SUBCOUNTS",
    "COMMUNITY_STATS_TOP_SUBCOUNT_LIMIT",
    "COMMUNITY_STATS_CATCHUP_INTERVAL",
];

/// Offers the value of every variable that is ours.
pub(super) fn offer_environment(
    environment: &Environment,
    values: &mut Values,
) -> Result<(), ConfigError> {
    for (name, content) in environment {
        if !name.starts_with(PREFIX)
            || [FILE_VARIABLE, INVENIO_CFG_VARIABLE].contains(&name.as_str())
        {
            continue;
        }
        if let Some(setting) = setting_of(name) {
            let origin = Origin::Env { name: name.clone(), in_file: false };
            values.offer(setting.key, Given { value: Value::Word(content.clone()), origin });
        } else if let Some((plain, setting)) = setting_in_file(name) {
            refuse_both(environment, plain, name)?;
            let value = Value::Word(content_of_file(name, content)?);
            let origin = Origin::Env { name: name.clone(), in_file: true };
            values.offer(setting.key, Given { value, origin });
        } else if !is_service_link(name, content) {
            return Err(unknown_variable(name));
        }
    }
    Ok(())
}

fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

fn setting_of(variable: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.variable() == variable)
}

fn setting_in_file(variable: &str) -> Option<(&str, &'static Setting)> {
    let plain = variable.strip_suffix("_FILE")?;
    setting_of(plain).map(|setting| (plain, setting))
}

/// Two values for one setting: nobody can say which one was meant.
pub(super) fn refuse_both(
    environment: &Environment,
    plain: &str,
    in_file: &str,
) -> Result<(), ConfigError> {
    if environment.contains_key(plain) {
        return Err(ConfigError::new(format!("both {plain} and {in_file} are set"))
            .with_hint("unset one of them"));
    }
    Ok(())
}

/// The content of the file that a variable names, without line ends at its end.
pub(super) fn content_of_file(variable: &str, path: &str) -> Result<String, ConfigError> {
    let content = bounded::read_text(Path::new(path), SMALL).map_err(|error| {
        // Somebody may have put the secret itself into the variable.
        let file = match path.starts_with('/') {
            true => format!("the file {path}"),
            false => "the file that it names".to_owned(),
        };
        ConfigError::new(format!("{variable}: {file} cannot be read: {error}")).caused_by(error)
    })?;
    Ok(content.trim_end_matches(['\n', '\r']).to_owned())
}

fn unknown_variable(name: &str) -> ConfigError {
    let message = format!("unknown variable {name} in the environment");
    if UPSTREAM_NAMES.contains(&name) {
        return ConfigError::new(message)
            .with_hint(format!("InvenioRDM's setting of this name is given as INVENIO_{name}"));
    }
    let mut known: Vec<String> = settings().map(Setting::variable).collect();
    known.extend([FILE_VARIABLE.to_owned(), INVENIO_CFG_VARIABLE.to_owned()]);
    // What all of them begin with would make any two look alike.
    let endings = known.iter().filter_map(|variable| variable.strip_prefix(PREFIX));
    match nearest(name.trim_start_matches(PREFIX), endings) {
        Some(ending) => {
            ConfigError::new(message).with_hint(format!("did you mean `{PREFIX}{ending}`?"))
        }
        None => ConfigError::new(message),
    }
}

/// Whether Kubernetes made this variable for a service whose name begins like ours: every pod of a
/// namespace gets `<SERVICE>_SERVICE_HOST`, `<SERVICE>_SERVICE_PORT…`, `<SERVICE>_PORT` and
/// `<SERVICE>_PORT_<n>_TCP…` of every service.
fn is_service_link(name: &str, content: &str) -> bool {
    let addresses = ["tcp://", "udp://", "sctp://"];
    let is_address = addresses.iter().any(|scheme| content.starts_with(scheme));
    let has_port_number = name.split("_PORT_").skip(1).any(|rest| {
        let (number, rest) = rest.split_once('_').unwrap_or((rest, ""));
        let protocol = rest.split('_').next().unwrap_or_default();
        number.parse::<u16>().is_ok() && ["TCP", "UDP", "SCTP"].contains(&protocol)
    });
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && is_address)
        || has_port_number
}

/// The data folder that nobody named, and the variable that it follows from, if any.
pub(super) fn default_data_folder(environment: &Environment) -> Option<(PathBuf, Origin)> {
    if let Some(base) = absolute(environment, "XDG_DATA_HOME") {
        let origin = Origin::Env { name: "XDG_DATA_HOME".to_owned(), in_file: false };
        return Some((base.join("community-stats"), origin));
    }
    let home = home(environment)?;
    Some((home.join(".local/share/community-stats"), Origin::Default))
}

/// Where a settings file is looked for that nobody named.
pub(super) fn default_file(environment: &Environment) -> Option<PathBuf> {
    let base = absolute(environment, "XDG_CONFIG_HOME")
        .or_else(|| home(environment).map(|home| home.join(".config")))?;
    Some(base.join("community-stats/config.toml"))
}

/// The home folder.
pub(super) fn home(environment: &Environment) -> Option<PathBuf> {
    absolute(environment, "HOME")
}

/// A folder that a variable names; a relative one does not count (XDG Base Directory
/// Specification).
fn absolute(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
