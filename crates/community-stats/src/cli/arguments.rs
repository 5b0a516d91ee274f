//! Arguments that several commands share, and how they are read.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use stats_model::{Category, GLOBAL};
use stats_service::{Communities, CommunityName, similar};

use crate::config::{SettingValue, Surroundings, Value, may_hold_password};
use crate::shown::shown;

/// Which communities a command is about.
#[derive(Debug, Args)]
pub(super) struct CommunityChoice {
    /// A community, by id, slug or `global`; may be repeated.
    #[arg(long = "community-id", value_name = "ID")]
    ids: Vec<String>,
    /// A community, by slug; may be repeated.
    #[arg(long = "community-slug", value_name = "SLUG")]
    slugs: Vec<String>,
}

impl CommunityChoice {
    /// The communities; none named means all.
    pub(super) fn communities(&self) -> Communities {
        match self.names() {
            names if names.is_empty() => Communities::All,
            names => Communities::Named(names),
        }
    }

    /// The names alone; none means all.
    pub(super) fn names(&self) -> Vec<CommunityName> {
        let ids = self.ids.iter().cloned().map(CommunityName::Any);
        ids.chain(self.slugs.iter().cloned().map(CommunityName::Slug)).collect()
    }
}

/// One community and one year.
#[derive(Debug, Args)]
pub(super) struct Place {
    #[command(flatten)]
    community: OneCommunity,
    /// The year.
    #[arg(long, value_parser = super::years::one)]
    pub(super) year: i16,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct OneCommunity {
    /// The community, by id, slug or `global`.
    #[arg(long = "community-id", value_name = "ID")]
    id: Option<String>,
    /// The community, by slug.
    #[arg(long = "community-slug", value_name = "SLUG")]
    slug: Option<String>,
}

impl Place {
    /// The community as it was named.
    pub(super) fn community(&self) -> CommunityName {
        match (&self.community.id, &self.community.slug) {
            (None, Some(slug)) => CommunityName::Slug(slug.clone()),
            (id, _) => CommunityName::Any(id.clone().unwrap_or_else(|| GLOBAL.to_owned())),
        }
    }
}

/// Reads a category in any of its spellings.
pub(super) fn category(text: &str) -> Result<Category, String> {
    text.parse().map_err(|error| {
        let names = Category::ALL.map(Category::name);
        let near = similar(&text.replace('-', "_"), names);
        match near.first() {
            Some(name) => format!("{error}; did you mean '{name}'?"),
            None => format!("{error}; there are {}", names.join(", ")),
        }
    })
}

/// Reads `KEY=VALUE`.
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.to_owned())),
        None => Err("expected KEY=VALUE".to_owned()),
    }
}

/// Whether a `--set` among these arguments is followed by something that is no `KEY=VALUE`.
pub(super) fn mangled_setting(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        let given = match word.strip_prefix("--set") {
            Some("") => words.next().unwrap_or_default(),
            Some(rest) if rest.starts_with('=') => rest[1..].to_owned().into(),
            _ => continue,
        };
        if assignment(&given).is_err() {
            return true;
        }
    }
    false
}

/// Whether a message about these arguments could repeat a password.
pub(super) fn any_may_hold_password(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| may_hold_password(&argument.to_string_lossy()))
}

/// The same arguments, with what acts on a terminal spelled out: for messages about them.
pub(super) fn harmless(arguments: &[OsString]) -> Vec<OsString> {
    let spelled = arguments.iter().map(|argument| shown(argument.to_string_lossy()).to_string());
    spelled.map(OsString::from).collect()
}

/// Reads a share: `10`, `10%` or `0.5%`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim().parse::<f64>();
    match number {
        Ok(number) if number > 0.0 && number <= 100.0 => Ok(number),
        _ => Err("expected a share of more than 0% and up to 100%".to_owned()),
    }
}

/// Reads a number of workers.
/// A time as settings take it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let value = Value::Text(text.to_owned());
    Duration::from_value(&value, &Surroundings::default())
        .map_err(|_| format!("expected {}", Duration::EXPECTED))
}

pub(super) fn workers(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number) if (1..=256).contains(&number) => Ok(number),
        _ => Err("expected a number of 1 to 256".to_owned()),
    }
}
