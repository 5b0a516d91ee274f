//! What stands in the files that settings name.

use std::path::Path;

use stats_tls::NoCertificates;

use super::Settings;
use super::error::ConfigError;
use super::types::JsonInput;
use crate::bounded::{self, SMALL};

impl Settings {
    /// The certificates of `source.ca_certs`, if it is set.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn certificates(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        self.certificates_of(OF_SOURCE, self.source.ca_certs.as_deref())
    }

    /// The certificates of `broker.ca_certs`, if it is set.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn certificates_of_broker(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        self.certificates_of(OF_BROKER, self.broker.ca_certs.as_deref())
    }

    fn certificates_of(
        &self,
        key: &str,
        path: Option<&Path>,
    ) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(path) = path else { return Ok(None) };
        let read = bounded::read(path, SMALL);
        Ok(Some(read.map_err(|error| self.unreadable(key, path, error))?))
    }

    /// Certificates of `source.ca_certs` that could be read and are none.
    pub(crate) fn no_certificates(&self, path: &Path, reason: &NoCertificates) -> ConfigError {
        self.none_in(OF_SOURCE, path, reason)
    }

    /// Certificates of `broker.ca_certs`, or without it of the system, that could be read and are none.
    pub(crate) fn no_certificates_of_broker(&self, reason: &NoCertificates) -> ConfigError {
        match self.broker.ca_certs.as_deref() {
            Some(path) => self.none_in(OF_BROKER, path, reason),
            None => ConfigError::new(format!("the system trusts nobody: {reason}"))
                .with_hint("name the certificates of the broker's authority in `broker.ca_certs`"),
        }
    }

    fn none_in(&self, key: &str, path: &Path, reason: &NoCertificates) -> ConfigError {
        let file = self.shown_path(key, path);
        ConfigError::new(format!("{}: `{key}`: {file}: {reason}", self.origin(key)))
    }

    /// The JSON text that the setting `key` gives or names, made into something.
    ///
    /// # Errors
    /// When it cannot be read or used.
    pub(crate) fn parsed<T, E: std::error::Error + Send + Sync + 'static>(
        &self,
        key: &str,
        input: &JsonInput,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        let (text, what) = match input {
            JsonInput::Given(json) => (json.to_string(), "what is given".to_owned()),
            JsonInput::File(path) => {
                let text = bounded::read_text(path, SMALL);
                let text = text.map_err(|error| self.unreadable(key, path, error))?;
                (text, self.shown_path(key, path))
            }
        };
        parse(&text).map_err(|error| {
            ConfigError::new(format!("{}: `{key}`: {what} cannot be used", self.origin(key)))
                .caused_by(error)
                .with_hint(format!("mend it, or leave {key} out for the built-in one"))
        })
    }

    fn unreadable(&self, key: &str, path: &Path, error: std::io::Error) -> ConfigError {
        let (origin, file) = (self.origin(key), self.shown_path(key, path));
        ConfigError::new(format!("{origin}: `{key}`: {file} cannot be read")).caused_by(error)
    }

    /// The file that the setting `key` names. What was read from a file is no path, perhaps.
    fn shown_path(&self, key: &str, path: &Path) -> String {
        match self.origin(key).is_content_of_file() {
            true => "the file that it names".to_owned(),
            false => format!("the file {}", path.display()),
        }
    }
}

const OF_SOURCE: &str = "source.ca_certs";
const OF_BROKER: &str = "broker.ca_certs";
