//! Values as they are written down, before they become typed settings.

use std::fmt;
use std::path::{Path, PathBuf};

use invenio_config::Literal;

use super::login::{KEPT_OUT, shortened};

/// A value from a file, the environment, a flag or a Python literal.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Explicitly nothing: Python's `None`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, or one too large for a whole number.
    Float(f64),
    /// Text that is known to be text.
    Text(String),
    /// Text whose type nobody stated: a variable or a flag.
    Word(String),
    /// Several values.
    List(Vec<Value>),
    /// Values by name.
    Table(Vec<(String, Value)>),
}

impl Value {
    /// The text, of either kind.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Word(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this takes an optional setting back: nothing, or empty text.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Null) || self.text().is_some_and(str::is_empty)
    }

    /// The member of a table.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Table(members) => {
                members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What it is, for a message. `secret` keeps its content out.
    #[must_use]
    pub fn described(&self, secret: bool) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(_) | Self::Integer(_) | Self::Float(_) if secret => "not text".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Integer(value) => format!("the number {value}"),
            // With its point: 30.0 is refused where 30 is not.
            Self::Float(value) => format!("the number {value:?}"),
            Self::Text(text) | Self::Word(text) if text.is_empty() => "empty".to_owned(),
            Self::Text(_) | Self::Word(_) if secret => "text (kept out of this message)".to_owned(),
            Self::Text(text) | Self::Word(text) if text.contains("://") => KEPT_OUT.to_owned(),
            Self::Text(text) => format!("the text {:?}", shortened(text)),
            Self::Word(text) => format!("`{}`", shortened(text)),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
        }
    }
}

/// Tuples and sets become lists, members whose key is no text are left out, and of repeated ones
/// the last counts in the place of the first.
impl From<&Literal> for Value {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::None | Literal::Code => Self::Null,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Int(number) => Self::Integer(*number),
            Literal::Float(number) => Self::Float(*number),
            Literal::Text(text) => Self::Text(text.clone()),
            Literal::List(items) | Literal::Tuple(items) | Literal::Set(items) => {
                Self::List(items.iter().map(Self::from).collect())
            }
            Literal::Dict(members) => {
                let mut table: Vec<(String, Self)> = Vec::new();
                for (key, value) in members {
                    let Literal::Text(key) = key else { continue };
                    match table.iter_mut().find(|(name, _)| name == key) {
                        Some(repeated) => repeated.1 = Self::from(value),
                        None => table.push((key.clone(), Self::from(value))),
                    }
                }
                Self::Table(table)
            }
        }
    }
}

/// Shows the shape only: a value may be a secret before it is known what it is for.
impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("Null"),
            Self::Bool(value) => write!(out, "Bool({value})"),
            Self::Integer(_) => out.write_str("Integer(…)"),
            Self::Float(_) => out.write_str("Float(…)"),
            Self::Text(_) => out.write_str("Text(…)"),
            Self::Word(_) => out.write_str("Word(…)"),
            Self::List(items) => write!(out, "List({} items)", items.len()),
            Self::Table(members) => {
                out.debug_list().entries(members.iter().map(|(name, _)| name)).finish()
            }
        }
    }
}

/// Why a value does not fit, beyond its type; empty when the type says it all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfit(pub(super) String);

impl Misfit {
    /// A reason that holds no secret.
    pub(super) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// What a value may depend on besides itself.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The folder that relative paths begin at; empty for the working directory.
    pub folder: PathBuf,
    /// The folder that `~/` stands for.
    pub home: Option<PathBuf>,
}

impl Surroundings {
    /// The path that `text` means here.
    pub(super) fn path(&self, text: &str) -> Result<PathBuf, Misfit> {
        let below_home = if text == "~" { Some("") } else { text.strip_prefix("~/") };
        match (below_home, &self.home) {
            (Some(rest), Some(home)) => Ok(home.join(rest)),
            (Some(_), None) => Err(Misfit::because("nothing says where home is (HOME)")),
            (None, _) => match meant_for_a_shell(text) {
                Some(reason) => Err(Misfit::because(reason)),
                None => Ok(self.folder.join(Path::new(text))),
            },
        }
    }
}

/// Why a path would not be the one that was meant: a shell replaces how it begins, nothing here does.
pub(super) fn meant_for_a_shell(text: &str) -> Option<&'static str> {
    match text.chars().next() {
        Some('~') => Some(
            "of what a shell replaces, only `~/` of a folder is known here; write the path out, or \
             `./~` for a name that begins like that",
        ),
        Some('$') => Some(
            "no variable is replaced here; write the path out, or `./$` for a name that begins \
             like that",
        ),
        _ => None,
    }
}

/// A type that a setting can have.
pub trait SettingValue: Sized {
    /// What is expected, to be read after "expected": `true or false`.
    const EXPECTED: &'static str;
    /// Whether the written value may hold a secret and stays out of messages.
    const SECRET: bool = false;
    /// Whether text may be JSON, with addresses in it.
    const JSON: bool = false;

    /// Reads a value.
    ///
    /// # Errors
    /// With the reason, when it does not fit.
    fn from_value(value: &Value, surroundings: &Surroundings) -> Result<Self, Misfit>;

    /// The value as it would stand in the settings file, secrets masked; empty when unset.
    fn shown(&self) -> String;
}

impl SettingValue for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        match value {
            Value::Bool(value) => Ok(*value),
            Value::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(Misfit::default()),
            },
            _ => Err(Misfit::default()),
        }
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

/// The whole number that a value is, if it is one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Word(word) => word.trim().parse().ok(),
        _ => None,
    }
}

impl SettingValue for u16 {
    const EXPECTED: &'static str = "a whole number from 0 to 65535";

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        let number = integer(value).ok_or_else(Misfit::default)?;
        Self::try_from(number).map_err(|_| Misfit::default())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for std::num::NonZeroU16 {
    const EXPECTED: &'static str = "a whole number from 1 to 65535";

    fn from_value(value: &Value, surroundings: &Surroundings) -> Result<Self, Misfit> {
        Self::new(u16::from_value(value, surroundings)?).ok_or_else(Misfit::default)
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for String {
    const EXPECTED: &'static str = "text";

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        value.text().map(str::to_owned).ok_or_else(Misfit::default)
    }

    fn shown(&self) -> String {
        quoted(self)
    }
}

/// The empty path is a path that is not set.
impl SettingValue for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn from_value(value: &Value, surroundings: &Surroundings) -> Result<Self, Misfit> {
        match value.text() {
            Some(text) if !text.is_empty() => surroundings.path(text),
            _ => Err(Misfit::default()),
        }
    }

    fn shown(&self) -> String {
        if self.as_os_str().is_empty() { String::new() } else { quoted(&self.to_string_lossy()) }
    }
}

/// Nothing, or empty text, takes a value of a weaker origin back.
impl<T: SettingValue> SettingValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;
    const JSON: bool = T::JSON;

    fn from_value(value: &Value, surroundings: &Surroundings) -> Result<Self, Misfit> {
        if value.is_nothing() {
            return Ok(None);
        }
        T::from_value(value, surroundings).map(Some)
    }

    fn shown(&self) -> String {
        self.as_ref().map(T::shown).unwrap_or_default()
    }
}

/// A list; a variable or flag separates the items by commas.
impl<T: SettingValue> SettingValue for Vec<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;

    fn from_value(value: &Value, surroundings: &Surroundings) -> Result<Self, Misfit> {
        match value {
            Value::List(items) => {
                items.iter().map(|item| T::from_value(item, surroundings)).collect()
            }
            Value::Word(word) => word
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| T::from_value(&Value::Word(item.to_owned()), surroundings))
                .collect(),
            other => Ok(vec![T::from_value(other, surroundings)?]),
        }
    }

    fn shown(&self) -> String {
        let items: Vec<String> = self.iter().map(T::shown).collect();
        format!("[{}]", items.join(", "))
    }
}

/// `text` as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() => {
                out.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
