//! An `invenio.cfg`: which file, what is known around it, and what it leaves open.

use std::fmt;
use std::path::{Path, PathBuf};

use invenio_config::{Cfg, Literal, Surroundings, UpstreamModule};
use stats_series::{DEFAULT_LAYOUTS, DEFAULT_SUBCOUNTS};

use super::environment::Environment;
use super::error::ConfigError;
use crate::bounded::{self, SMALL};

/// A name that concerns us and that an `invenio.cfg` sets in a way that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The name.
    pub name: String,
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// Why it was skipped, to be read after the name: "comes from a call of `f`".
    pub reason: String,
}

/// `SEARCH_HOSTS comes from a call of f`.
impl fmt::Display for Skipped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.name, self.reason)
    }
}

impl Skipped {
    /// Where it stands: file and line.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// Reads the file.
pub(super) fn read_cfg(path: &Path, environment: &Environment) -> Result<Cfg, ConfigError> {
    let content = bounded::read(path, SMALL).map_err(|error| {
        ConfigError::new(format!("{} cannot be read: {error}", path.display())).caused_by(error)
    })?;
    let text = String::from_utf8(content).map_err(|error| not_utf8(path, error.as_bytes()))?;
    let surroundings = Surroundings { environment: environment.clone(), upstream: upstream() };
    Cfg::parse(&text, &surroundings).map_err(|error| {
        ConfigError::new(format!("{}:{}: {}", path.display(), error.line, error.reason))
            .with_hint("see what the instance itself makes of it: community-stats config python")
    })
}

/// Python reads it in the encoding that its first lines name; here it has to be UTF-8.
fn not_utf8(path: &Path, content: &[u8]) -> ConfigError {
    let shown = path.display();
    let encoding = declared_encoding(content);
    let named = encoding.as_ref().map(|name| format!(" ({name}, it says)")).unwrap_or_default();
    let from = encoding.as_deref().unwrap_or("ISO-8859-1");
    ConfigError::new(format!("{shown} is not UTF-8{named}, which is needed here")).with_hint(
        format!(
            "convert a copy and name that: iconv -f {from} -t UTF-8 {shown} > copy.cfg; or ask the \
         instance: community-stats config python"
        ),
    )
}

/// What a coding line says (PEP 263): `coding: latin-1` in a comment of the first two lines.
fn declared_encoding(content: &[u8]) -> Option<String> {
    let is_named = |letter: &u8| letter.is_ascii_alphanumeric() || b"-_.".contains(letter);
    content.split(|byte| *byte == b'\n').take(2).find_map(|line| {
        let comment = line.trim_ascii_start().strip_prefix(b"#")?;
        let at = comment.windows(7).position(|word| word == b"coding:" || word == b"coding=")?;
        let name = comment[at + 7..].trim_ascii_start();
        let name: Vec<u8> = name.iter().copied().take_while(is_named).collect();
        String::from_utf8(name).ok().filter(|name| !name.is_empty())
    })
}

/// The defaults of the Python package that people take over and change, and the words in which they say
/// how certificates are looked at.
fn upstream() -> Vec<UpstreamModule> {
    let values =
        || vec![("STATS_DASHBOARD_LAYOUT", layouts()), ("COMMUNITY_STATS_SUBCOUNTS", subcounts())];
    let words = ["CERT_NONE", "CERT_OPTIONAL", "CERT_REQUIRED"].into_iter().zip(0..);
    let words = words.map(|(word, number)| (word, Literal::Int(number))).collect();
    ["invenio_stats_dashboard.config", "invenio_stats_dashboard.config.config"]
        .map(|name| UpstreamModule { name, values: values() })
        .into_iter()
        .chain([UpstreamModule { name: "ssl", values: words }])
        .collect()
}

fn layouts() -> Literal {
    serde_json::from_str(DEFAULT_LAYOUTS).map_or(Literal::None, |json| literal(&json))
}

/// A dictionary by name, as the package has it; ours is a list in the same order.
fn subcounts() -> Literal {
    let listed: Vec<serde_json::Value> =
        serde_json::from_str(DEFAULT_SUBCOUNTS).unwrap_or_default();
    let members = listed.iter().filter_map(|entry| {
        let name = entry.get("name")?.as_str()?.to_owned();
        let mut entry = entry.clone();
        entry.as_object_mut()?.shift_remove("name");
        Some((Literal::Text(name), literal(&entry)))
    });
    Literal::Dict(members.collect())
}

fn literal(json: &serde_json::Value) -> Literal {
    use serde_json::Value;
    match json {
        Value::Null => Literal::None,
        Value::Bool(value) => Literal::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Literal::Int(number),
            None => Literal::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Literal::Text(text.clone()),
        Value::Array(items) => Literal::List(items.iter().map(literal).collect()),
        Value::Object(members) => Literal::Dict(
            members
                .iter()
                .map(|(key, value)| (Literal::Text(key.clone()), literal(value)))
                .collect(),
        ),
    }
}
