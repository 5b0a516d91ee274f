//! Which of several given values counts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::ConfigError;
use super::login::{self, KEPT_OUT};
use super::origin::Origin;
use super::value::{SettingValue, Surroundings, Value};

/// What stands in a message in place of what was read from a file that a variable names: whoever
/// gives a value like that may have named the wrong file, one with a password.
const CONTENT_KEPT_OUT: &str = "what that file holds (kept out of this message)";

/// A value with where it was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The values that count, by key.
#[derive(Debug, Default)]
pub(super) struct Values {
    given: BTreeMap<&'static str, Given>,
    home: Option<PathBuf>,
}

impl Values {
    pub(super) fn new(home: Option<PathBuf>) -> Self {
        Self { given: BTreeMap::new(), home }
    }

    /// Adds a value unless a stronger origin has given one already: origins come strongest first.
    pub(super) fn offer(&mut self, key: &'static str, given: Given) {
        self.given.entry(key).or_insert(given);
    }

    /// The value of `key`, if anybody gave one.
    pub(super) fn given(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }

    /// The typed value of `key`, if anybody gave one.
    pub(super) fn get<T: SettingValue>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(given) = self.given.get(key) else { return Ok(None) };
        if !T::SECRET && may_hold_password(&given.value, T::JSON) {
            return Err(ConfigError::new(format!(
                "{}: `{key}` is {KEPT_OUT}, expected {}",
                given.origin,
                T::EXPECTED
            )));
        }
        let surroundings =
            Surroundings { folder: folder_of(&given.origin), home: self.home.clone() };
        T::from_value(&given.value, &surroundings).map(Some).map_err(|misfit| {
            let what = match given.origin.is_content_of_file() && !given.value.is_nothing() {
                true => CONTENT_KEPT_OUT.to_owned(),
                false => given.value.described(T::SECRET),
            };
            let mut message =
                format!("{}: `{key}` is {what}, expected {}", given.origin, T::EXPECTED);
            if !misfit.0.is_empty() {
                message.push_str(": ");
                message.push_str(&misfit.0);
            }
            ConfigError::new(message)
        })
    }

    /// Where the value of `key` was given.
    pub(super) fn origin(&self, key: &str) -> Origin {
        self.given.get(key).map_or(Origin::Default, |given| given.origin.clone())
    }
}

/// Whether an address that may hold a password stands where none belongs.
fn may_hold_password(value: &Value, json: bool) -> bool {
    match value {
        Value::List(items) => items.iter().any(|item| may_hold_password(item, json)),
        Value::Text(text) | Value::Word(text) => {
            let is_json = json && text.trim_start().starts_with('{');
            !is_json && login::may_hold_password(text)
        }
        _ => false,
    }
}

/// Relative paths in a file begin at the file's folder, all others at the working directory.
fn folder_of(origin: &Origin) -> PathBuf {
    match origin {
        Origin::File { path, .. } | Origin::InvenioCfg { path, .. } => {
            path.parent().map(PathBuf::from).unwrap_or_default()
        }
        _ => PathBuf::new(),
    }
}
