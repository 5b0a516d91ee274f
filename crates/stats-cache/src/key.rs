//! Cache keys (cache-and-jobs specification, section 3): what a response is stored under, equal
//! to the byte with the keys that the Python package makes.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use stats_model::Category;

/// The content type that enters every response key, whatever format a client asks for.
const RESPONSE_CONTENT_TYPE: &str = "application/json";

/// Members of `params` that do not enter a key, so that full and optimised responses share one.
const LEFT_OUT: [&str; 2] = ["optimize", "component_names"];

/// The key under which a response is stored: `<prefix>:<64 lower-case hex digits>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(String);

impl CacheKey {
    fn from_key_string(prefix: &str, key_string: &str) -> Self {
        Self(format!("{prefix}:{}", hex(&Sha256::digest(key_string.as_bytes()))))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as owned text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for CacheKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<CacheKey> for String {
    fn from(key: CacheKey) -> Self {
        key.0
    }
}

/// Why a request has no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The request is not an object.
    #[error("the request is not a JSON object")]
    NotAnObject,
    /// It does not say which query it is about.
    #[error("the request has no member 'stat'")]
    NoStat,
    /// Its `params` are something else than an object.
    #[error("the member 'params' of the request is not a JSON object")]
    ParamsNotAnObject,
}

/// The key of the response of one category for one community (a UUID, `global`, or the text that
/// could not be resolved) and year (cache-and-jobs specification, section 3.2).
///
/// Derived categories enter with the name of the design document (section 15, row 2).
#[must_use]
pub fn response_key(prefix: &str, community: &str, year: i16, category: Category) -> CacheKey {
    let mut text = String::with_capacity(256);
    text.push_str(r#"{"content_type": "#);
    write_string(&mut text, RESPONSE_CONTENT_TYPE);
    text.push_str(r#", "request_data": {"params": {"community_id": "#);
    write_string(&mut text, community);
    // Writing to a String cannot fail. The year is not padded: 987 gives 987-01-01.
    let _ = write!(
        text,
        r#", "date_basis": "added", "end_date": "{year}-12-31", "start_date": "{year}-01-01"}}, "stat": "#
    );
    write_string(&mut text, category.query_name());
    text.push_str("}}");
    CacheKey::from_key_string(prefix, &text)
}

/// The key of any request: an object with the member `stat` and, optionally, `params`
/// (cache-and-jobs specification, section 3.1). An empty `content_type` is left out.
///
/// # Errors
/// When the request is no object, has no `stat`, or its `params` are no object.
pub fn cache_key(
    prefix: &str,
    request_data: &Value,
    content_type: &str,
) -> Result<CacheKey, KeyError> {
    Ok(CacheKey::from_key_string(prefix, &key_string(request_data, content_type)?))
}

/// The text whose SHA-256 is the key: canonical JSON of the content type and of the request
/// without the members that do not count (cache-and-jobs specification, section 3.1).
///
/// # Errors
/// When the request is no object, has no `stat`, or its `params` are no object.
pub fn key_string(request_data: &Value, content_type: &str) -> Result<String, KeyError> {
    let request = request_data.as_object().ok_or(KeyError::NotAnObject)?;
    let stat = request.get("stat").ok_or(KeyError::NoStat)?;
    let mut params = match request.get("params") {
        None => Map::new(),
        Some(params) => params.as_object().ok_or(KeyError::ParamsNotAnObject)?.clone(),
    };
    params.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));

    let mut text = String::with_capacity(256);
    text.push('{');
    if !content_type.is_empty() {
        text.push_str(r#""content_type": "#);
        write_string(&mut text, content_type);
        text.push_str(", ");
    }
    text.push_str(r#""request_data": {"params": "#);
    write_object(&mut text, &params);
    text.push_str(r#", "stat": "#);
    write_value(&mut text, stat);
    text.push_str("}}");
    Ok(text)
}

/// Writes JSON exactly as Python's `json.dumps(value, sort_keys=True)` does.
///
/// An integer outside of `i64` and `u64` has already become a float when serde_json read it, and
/// is written as one; no request of the service holds such a number.
fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => write_float(out, float),
            _ => out.push_str(&number.to_string()),
        },
        Value::String(string) => write_string(out, string),
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(out, value);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(out, members),
    }
}

fn write_object(out: &mut String, members: &Map<String, Value>) {
    // Byte order of UTF-8 is the order of code points, which is how Python sorts.
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| name.as_str());
    out.push('{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_string(out, name);
        out.push_str(": ");
        write_value(out, value);
    }
    out.push('}');
}

fn write_string(out: &mut String, string: &str) {
    out.push('"');
    for character in string.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Python's `repr` of a float: shortest digits that round-trip, plain from 1e-4 to below 1e16,
/// otherwise with a signed exponent of at least two digits.
fn write_float(out: &mut String, float: f64) {
    if float.is_nan() {
        out.push_str("NaN");
        return;
    }
    if float.is_infinite() {
        out.push_str(if float > 0.0 { "Infinity" } else { "-Infinity" });
        return;
    }
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if float == 0.0 || (-4..16).contains(&exponent) {
        // Display never has an exponent, and no decimal point either when the value is whole.
        let plain = format!("{float}");
        out.push_str(&plain);
        if !plain.contains('.') {
            out.push_str(".0");
        }
        return;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
}

/// Lower-case hex digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_json(value: &Value) -> String {
        let mut text = String::new();
        write_value(&mut text, value);
        text
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1.5, "1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-4, "0.0001"),
            (0.000_123, "0.000123"),
            (9.999e-5, "9.999e-05"),
            (1e-5, "1e-05"),
            (1.5e-10, "1.5e-10"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-1.25e17, "-1.25e+17"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (float, expected) in cases {
            let mut text = String::new();
            write_float(&mut text, float);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn members_are_sorted_by_code_point_at_every_level() {
        let value: Value = serde_json::from_str(
            "{\"\u{1f419}\": 1, \"\u{ff21}\": {\"b\": -7, \"a\": 18446744073709551615}, \"Z\": [], \"a\": {}}",
        )
        .unwrap();
        assert_eq!(
            canonical_json(&value),
            r#"{"Z": [], "a": {}, "\uff21": {"a": 18446744073709551615, "b": -7}, "\ud83d\udc19": 1}"#
        );
    }

    #[test]
    fn every_control_character_has_its_escape() {
        assert_eq!(
            canonical_json(&Value::from("\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f} ~\u{7f}\u{80}/<>&\"\\")),
            r#""\u0000\b\t\n\u000b\f\r\u001f ~\u007f\u0080/<>&\"\\""#
        );
    }

    #[test]
    fn a_request_without_a_query_name_has_no_key() {
        let key = |text: &str| key_string(&serde_json::from_str(text).unwrap(), "");
        assert_eq!(key("[]"), Err(KeyError::NotAnObject));
        assert_eq!(key(r#"{"params": {}}"#), Err(KeyError::NoStat));
        assert_eq!(key(r#"{"stat": "s", "params": null}"#), Err(KeyError::ParamsNotAnObject));
        assert_eq!(
            key(r#"{"stat": null}"#).as_deref(),
            Ok(r#"{"request_data": {"params": {}, "stat": null}}"#)
        );
    }

    #[test]
    fn the_year_of_a_response_key_is_not_padded() {
        let request = serde_json::json!({"stat": "usage-delta-category", "params": {
            "community_id": "größe \"x\"", "start_date": "987-01-01", "end_date": "987-12-31", "date_basis": "added"}});
        assert_eq!(
            response_key("p", "größe \"x\"", 987, Category::UsageDelta),
            cache_key("p", &request, RESPONSE_CONTENT_TYPE).unwrap()
        );
    }
}
