//! The types of settings that are more than a number or a text.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use super::value::{Misfit, SettingValue, Surroundings, Value, integer, quoted};

/// What stands in place of a secret wherever settings are shown.
pub const MASK: &str = "***";

/// A text that is never shown: not by `Debug`, not by `config show`, not in messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(MASK)
    }
}

impl SettingValue for Secret {
    const EXPECTED: &'static str = "text";
    const SECRET: bool = true;

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        value.text().map(Self::new).ok_or_else(Misfit::default)
    }

    fn shown(&self) -> String {
        quoted(MASK)
    }
}

/// A number of bytes. Written as a number or with a unit: `512 MiB`, `20GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// The units of [`ByteSize`], the longest names first so that `MiB` is not read as `B`.
const BYTE_UNITS: [(&str, u64); 13] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("t", 1 << 40),
    ("b", 1),
];

impl SettingValue for ByteSize {
    const EXPECTED: &'static str = "a number of bytes such as \"512 MiB\" or \"20 GB\"";

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        match value {
            Value::Integer(bytes) => u64::try_from(*bytes).map(Self).map_err(|_| Misfit::default()),
            other => with_unit(other, &BYTE_UNITS, 1).map(Self),
        }
    }

    fn shown(&self) -> String {
        for (unit, size) in
            [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return quoted(&format!("{} {unit}", self.0 / size));
            }
        }
        self.0.to_string()
    }
}

/// Milliseconds in each unit of time, the longest names first.
const TIME_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Longer times overflow clocks, and nobody means them.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// A bare number is a number of seconds.
impl SettingValue for Duration {
    const EXPECTED: &'static str =
        "a number of seconds or a time such as \"500ms\", \"30s\", \"5m\"";

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        let time = match value {
            Value::Integer(seconds) => {
                u64::try_from(*seconds).map(Self::from_secs).map_err(|_| Misfit::default())
            }
            Value::Float(seconds) => {
                Self::try_from_secs_f64(*seconds).map_err(|_| Misfit::default())
            }
            other => with_unit(other, &TIME_UNITS, 1_000).map(Self::from_millis),
        }?;
        if time > LONGEST { Err(Misfit::because("it is longer than a year")) } else { Ok(time) }
    }

    fn shown(&self) -> String {
        let millis = self.as_millis();
        for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if millis >= size && millis.is_multiple_of(size) {
                return quoted(&format!("{}{unit}", millis / size));
            }
        }
        quoted(&format!("{millis}ms"))
    }
}

/// A number with one of `units` after it; `bare` is the unit of a number that stands alone.
fn with_unit(value: &Value, units: &[(&str, u64)], bare: u64) -> Result<u64, Misfit> {
    let text = value.text().ok_or_else(Misfit::default)?.trim().to_ascii_lowercase();
    let (number, size) = units
        .iter()
        .find_map(|(unit, size)| text.strip_suffix(unit).map(|number| (number, *size)))
        .unwrap_or((text.as_str(), bare));
    let number = number.trim();
    if let Ok(number) = number.parse::<u64>() {
        return number.checked_mul(size).ok_or_else(|| Misfit::because("it is too large"));
    }
    match number.parse::<f64>() {
        Ok(number) if number >= 0.0 && number * (size as f64) < 9.0e18 => {
            Ok((number * (size as f64)).round() as u64)
        }
        _ => Err(Misfit::default()),
    }
}

/// How many run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as the machine has processor cores.
    Auto,
    /// This many.
    Count(NonZeroU16),
}

impl Workers {
    /// The number of workers, at least 1.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::Auto => std::thread::available_parallelism().map_or(1, usize::from),
            Self::Count(count) => usize::from(count.get()),
        }
    }
}

impl SettingValue for Workers {
    const EXPECTED: &'static str = "\"auto\" or a whole number from 1 to 65535";

    fn from_value(value: &Value, surroundings: &Surroundings) -> Result<Self, Misfit> {
        if value.text() == Some("auto") {
            return Ok(Self::Auto);
        }
        NonZeroU16::from_value(value, surroundings).map(Self::Count)
    }

    fn shown(&self) -> String {
        match self {
            Self::Auto => quoted("auto"),
            Self::Count(count) => count.to_string(),
        }
    }
}

/// How long a stored response lives, in days of 86,400 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// For ever: 0, `never`, Python's `None`.
    Never,
    /// This many days.
    Days(u32),
}

impl Lifetime {
    /// The same in seconds; `None` when it never ends.
    #[must_use]
    pub fn seconds(self) -> Option<u64> {
        match self {
            Self::Never => None,
            Self::Days(days) => Some(u64::from(days) * 86_400),
        }
    }
}

/// A hundred years: Redis refuses lifetimes that overflow its clock.
const MOST_DAYS: i64 = 36_525;

impl SettingValue for Lifetime {
    const EXPECTED: &'static str = "a whole number of days up to 36525, or 0 for never";

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        if matches!(value, Value::Null) || value.text() == Some("never") {
            return Ok(Self::Never);
        }
        match integer(value) {
            Some(0) => Ok(Self::Never),
            Some(days @ 1..=MOST_DAYS) => {
                u32::try_from(days).map(Self::Days).map_err(|_| Misfit::default())
            }
            _ => Err(Misfit::default()),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Never => "0".to_owned(),
            Self::Days(days) => days.to_string(),
        }
    }
}

/// A JSON document that is given in a file or as it is. Shown without its content.
#[derive(Clone, PartialEq)]
pub enum JsonInput {
    /// It stands in this file.
    File(PathBuf),
    /// This is it.
    Given(serde_json::Value),
}

impl fmt::Debug for JsonInput {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "File({})", path.display()),
            Self::Given(_) => out.write_str("Given(…)"),
        }
    }
}

impl SettingValue for JsonInput {
    const EXPECTED: &'static str = "the path of a JSON file, or a JSON object";
    const JSON: bool = true;

    fn from_value(value: &Value, surroundings: &Surroundings) -> Result<Self, Misfit> {
        match value {
            Value::Table(_) => json(value).map(Self::Given),
            Value::Text(text) | Value::Word(text) if text.trim_start().starts_with('{') => {
                serde_json::from_str(text)
                    .map(Self::Given)
                    .map_err(|error| Misfit::because(error.to_string()))
            }
            other => PathBuf::from_value(other, surroundings).map(Self::File),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::File(path) => path.shown(),
            Self::Given(_) => "{ … }".to_owned(),
        }
    }
}

/// The same value as JSON.
fn json(value: &Value) -> Result<serde_json::Value, Misfit> {
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => serde_json::Number::from_f64(*value)
            .ok_or_else(|| Misfit::because("a number in it is not finite"))?
            .into(),
        Value::Text(text) | Value::Word(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(json).collect::<Result<Vec<_>, _>>()?.into(),
        Value::Table(members) => serde_json::Value::Object(
            members
                .iter()
                .map(|(name, value)| Ok((name.clone(), json(value)?)))
                .collect::<Result<_, Misfit>>()?,
        ),
    })
}

/// Declares a setting that is one of a few words.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        $name:ident: $expected:literal { $( $(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal, )+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $variant_doc])+ $variant, )+ }

        impl $name {
            /// The word that stands for it in settings.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl $crate::config::SettingValue for $name {
            const EXPECTED: &'static str = $expected;

            fn from_value(
                value: &$crate::config::Value,
                _: &$crate::config::Surroundings,
            ) -> Result<Self, $crate::config::Misfit> {
                match value.text() {
                    $( Some($word) => Ok(Self::$variant), )+
                    _ => Err($crate::config::Misfit::default()),
                }
            }

            fn shown(&self) -> String {
                $crate::config::value::quoted(self.as_str())
            }
        }
    };
}
pub(super) use choice;
