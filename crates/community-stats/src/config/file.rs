//! The settings file.

use std::io::ErrorKind;
use std::path::Path;

use invenio_config::Literal;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, nearest};
use super::invenio::Named;
use super::login::shown_name;
use super::origin::Origin;
use super::resolve::{Given, Values};
use super::section::SectionDescription;
use super::value::Value;
use super::{SECTIONS, setting};
use crate::bounded::{self, SMALL};

/// Offers every value of the settings file at `path`; gives back what its section `[invenio]` says
/// of names of InvenioRDM.
pub(super) fn offer_file(
    path: &Path,
    values: &mut Values,
) -> Result<Vec<(&'static str, Named)>, ConfigError> {
    let text = read(path)?;
    SettingsFile { path, text: &text }.offer(values)
}

/// The section of what an InvenioRDM said of itself (`config python`).
const INVENIO: &str = "invenio";

fn read(path: &Path) -> Result<String, ConfigError> {
    bounded::read_text(path, SMALL).map_err(|error| {
        let shown = path.display();
        let refused = match error.kind() {
            ErrorKind::NotFound => {
                ConfigError::new(format!("the settings file {shown} does not exist"))
                    .with_hint("name another one with --config FILE or COMMUNITY_STATS_CONFIG")
            }
            ErrorKind::InvalidData => {
                ConfigError::new(format!("the settings file {shown} is not UTF-8"))
                    .with_hint("save it as UTF-8, as TOML demands")
            }
            _ => ConfigError::new(format!("the settings file {shown} cannot be read: {error}")),
        };
        refused.caused_by(error)
    })
}

const ASK_AGAIN: &str = "make it again with the script of `community-stats config python`";

struct SettingsFile<'a> {
    path: &'a Path,
    text: &'a str,
}

impl SettingsFile<'_> {
    fn offer(&self, values: &mut Values) -> Result<Vec<(&'static str, Named)>, ConfigError> {
        // The message only: the rendered error quotes the line, which may hold a password.
        let table = DeTable::parse(self.text).map_err(|error| {
            let place = self.place(error.span().map_or(0, |span| span.start));
            ConfigError::new(format!("{place}: {}", error.message()))
        })?;
        let mut named = Vec::new();
        for (name, content) in table.get_ref() {
            if let (INVENIO, DeValue::Table(members)) = (name.get_ref().as_ref(), content.get_ref())
            {
                named = self.names_of_invenio(members)?;
                continue;
            }
            let section = SECTIONS
                .iter()
                .find(|section| section.name == name.get_ref().as_ref())
                .ok_or_else(|| self.unknown_section(name, content))?;
            let DeValue::Table(members) = content.get_ref() else {
                return Err(self.not_a_section(name));
            };
            self.offer_section(section, members, values)?;
        }
        Ok(named)
    }

    /// Each value is a text that holds a literal of Python.
    fn names_of_invenio(
        &self,
        members: &DeTable<'_>,
    ) -> Result<Vec<(&'static str, Named)>, ConfigError> {
        let mut named = Vec::new();
        for (name, content) in members {
            let (place, written) = (self.place(name.span().start), name.get_ref().as_ref());
            let known = invenio_config::name(written).ok_or_else(|| {
                let names = invenio_config::NAMES.iter().map(|name| name.name);
                let shown = shown_name(written);
                let message = format!("{place}: `{shown}` of InvenioRDM means nothing here");
                ConfigError::unknown(message, written, names)
            })?;
            let Value::Text(text) = self.value(content)? else {
                let message = format!("{place}: `{written}` is no text with a literal of Python");
                return Err(ConfigError::new(message).with_hint(ASK_AGAIN));
            };
            let literal = Literal::parse(&text).map_err(|error| {
                let message =
                    format!("{place}: `{written}` is no literal of Python: {}", error.reason);
                ConfigError::new(message).with_hint(ASK_AGAIN)
            })?;
            let line = self.position(content.span().start).0;
            let origin = Origin::File { path: self.path.to_owned(), line };
            named.push((known.name, Named { literal, is_bare: false, origin }));
        }
        Ok(named)
    }

    fn offer_section(
        &self,
        section: &SectionDescription,
        members: &DeTable<'_>,
        values: &mut Values,
    ) -> Result<(), ConfigError> {
        for (name, content) in members {
            let written = format!("{}.{}", section.name, name.get_ref());
            let setting =
                setting(&written).ok_or_else(|| self.unknown_key(section, name, &written))?;
            let line = self.position(content.span().start).0;
            let origin = Origin::File { path: self.path.to_owned(), line };
            values.offer(setting.key, Given { value: self.value(content)?, origin });
        }
        Ok(())
    }

    fn value(&self, content: &Spanned<DeValue<'_>>) -> Result<Value, ConfigError> {
        Ok(match content.get_ref() {
            DeValue::String(text) => Value::Text(text.as_ref().to_owned()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => return Err(self.refused(content, "the number is too large")),
                }
            }
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => return Err(self.refused(content, "the number cannot be read")),
            },
            DeValue::Datetime(_) => {
                return Err(self.refused(content, "no setting is a date or a time"));
            }
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)
            }
            DeValue::Table(members) => Value::Table(
                members
                    .iter()
                    .map(|(name, content)| {
                        Ok((name.get_ref().as_ref().to_owned(), self.value(content)?))
                    })
                    .collect::<Result<_, ConfigError>>()?,
            ),
        })
    }

    fn refused(&self, content: &Spanned<DeValue<'_>>, reason: &str) -> ConfigError {
        ConfigError::new(format!("{}: {reason}", self.place(content.span().start)))
    }

    fn unknown_section(
        &self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        content: &Spanned<DeValue<'_>>,
    ) -> ConfigError {
        let place = self.place(name.span().start);
        let name = name.get_ref().as_ref();
        if matches!(content.get_ref(), DeValue::Table(_)) {
            let known = SECTIONS.iter().map(|section| section.name);
            return ConfigError::unknown(
                format!("{place}: unknown section `[{}]`", shown_name(name)),
                name,
                known,
            );
        }
        let shown = shown_name(name);
        let error = ConfigError::new(format!("{place}: unknown key `{shown}` outside any section"));
        match same_name_elsewhere(name) {
            Some(key) => error.with_hint(format!("did you mean `{key}`?")),
            None => error,
        }
    }

    fn not_a_section(&self, name: &Spanned<std::borrow::Cow<'_, str>>) -> ConfigError {
        let place = self.place(name.span().start);
        let name = name.get_ref();
        ConfigError::new(format!("{place}: `{name}` is a section, not a setting"))
            .with_hint(format!("write its settings below a line `[{name}]`"))
    }

    fn unknown_key(
        &self,
        section: &SectionDescription,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        written: &str,
    ) -> ConfigError {
        let place = self.place(name.span().start);
        let error = ConfigError::new(format!("{place}: unknown key `{}`", shown_name(written)));
        let keys = section.settings.iter().map(|setting| setting.key);
        let meant =
            same_name_elsewhere(name.get_ref()).or_else(|| nearest(written, keys)).or_else(|| {
                let all = SECTIONS.iter().flat_map(|section| section.settings);
                nearest(written, all.map(|setting| setting.key))
            });
        match meant {
            Some(key) => error.with_hint(format!("did you mean `{key}`?")),
            None => error,
        }
    }

    fn place(&self, offset: usize) -> String {
        let (line, column) = self.position(offset);
        format!("{}:{line}:{column}", self.path.display())
    }

    /// Line and column of a byte offset, both counted from 1, columns in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// The key of the setting with this name in whichever section has it.
fn same_name_elsewhere(name: &str) -> Option<&'static str> {
    SECTIONS
        .iter()
        .flat_map(|section| section.settings)
        .find(|setting| setting.key.split_once('.').is_some_and(|(_, key)| key == name))
        .map(|setting| setting.key)
}
