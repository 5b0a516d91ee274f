//! Bodies: JSON and msgpack, both as values of JSON.

use rmpv::Value as Packed;
use serde_json::{Map, Number, Value};

use super::refusal::Refusal;
use super::shape::Properties;

/// A larger body is refused, in bytes. Those of tasks have some hundreds.
const LARGEST: usize = 16 << 20;
/// Deeper values are refused, as JSON's are.
const DEEPEST: usize = 127;

/// How a body is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Serializer {
    /// JSON, in UTF-8.
    #[default]
    Json,
    /// msgpack: what Invenio's workers write, and expect results in.
    Msgpack,
}

/// The most bytes that a body may have.
#[must_use]
pub const fn largest_body() -> usize {
    LARGEST
}

impl Serializer {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Msgpack => "application/x-msgpack",
        }
    }

    /// The encoding that goes with it.
    #[must_use]
    pub const fn content_encoding(self) -> &'static str {
        match self {
            Self::Json => "utf-8",
            Self::Msgpack => "binary",
        }
    }

    /// The one that a message says its body is written by.
    ///
    /// # Errors
    /// When it is another one, or its text is in another encoding.
    pub fn of(properties: &Properties) -> Result<Self, Refusal> {
        let found = match properties.content_type.as_str() {
            "application/json" => Self::Json,
            "application/x-msgpack" => Self::Msgpack,
            other => return Err(Refusal::Serializer(shortened(other))),
        };
        let encoding = properties.content_encoding.to_ascii_lowercase();
        match (found, encoding.as_str()) {
            (Self::Json, "utf-8" | "utf8" | "us-ascii" | "ascii" | "binary" | "")
            | (Self::Msgpack, _) => Ok(found),
            (Self::Json, other) => Err(Refusal::Encoding(shortened(other))),
        }
    }

    /// Reads what it wrote.
    ///
    /// # Errors
    /// When it cannot be read, or holds what JSON has no word for: bytes, numbers that are none, keys
    /// that are no text.
    pub fn read(self, bytes: &[u8]) -> Result<Value, Refusal> {
        if bytes.len() > LARGEST {
            return Err(Refusal::TooLarge(bytes.len()));
        }
        match self {
            Self::Json => serde_json::from_slice(bytes).map_err(unreadable),
            Self::Msgpack => {
                let mut rest = bytes;
                let read = rmpv::decode::read_value_with_max_depth(&mut rest, DEEPEST);
                let value = read.map_err(unreadable)?;
                if !rest.is_empty() {
                    return Err(Refusal::Body("something stands behind its end".to_owned()));
                }
                unpacked(value)
            }
        }
    }

    /// Writes a value.
    #[must_use]
    pub fn write(self, value: &Value) -> Vec<u8> {
        match self {
            Self::Json => value.to_string().into_bytes(),
            Self::Msgpack => {
                let mut bytes = Vec::new();
                // Nothing can go wrong with writing to memory.
                drop(rmpv::encode::write_value(&mut bytes, &packed(value)));
                bytes
            }
        }
    }
}

fn unreadable(error: impl std::fmt::Display) -> Refusal {
    Refusal::Body(error.to_string())
}

/// The beginning of a text of somebody else's, for a message to people.
fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

fn unpacked(value: Packed) -> Result<Value, Refusal> {
    let nameless = |what: &str| Refusal::Body(format!("{what} is no value of JSON"));
    Ok(match value {
        Packed::Nil => Value::Null,
        Packed::Boolean(truth) => Value::Bool(truth),
        Packed::Integer(number) => {
            let signed = number.as_i64().map(Number::from);
            let number = signed.or_else(|| number.as_u64().map(Number::from));
            Value::Number(number.ok_or_else(|| nameless("a number"))?)
        }
        Packed::F32(number) => real(f64::from(number)).ok_or_else(|| nameless("a number"))?,
        Packed::F64(number) => real(number).ok_or_else(|| nameless("a number"))?,
        Packed::String(text) => {
            Value::String(text.into_str().ok_or_else(|| nameless("a text that is not UTF-8"))?)
        }
        Packed::Array(items) => {
            Value::Array(items.into_iter().map(unpacked).collect::<Result<_, _>>()?)
        }
        Packed::Map(members) => {
            let mut object = Map::with_capacity(members.len());
            for (key, value) in members {
                let Packed::String(key) = key else { return Err(nameless("a key")) };
                let key = key.into_str().ok_or_else(|| nameless("a key that is not UTF-8"))?;
                object.insert(key, unpacked(value)?);
            }
            Value::Object(object)
        }
        Packed::Binary(_) => return Err(nameless("a piece of bytes")),
        Packed::Ext(..) => return Err(nameless("an extension of msgpack")),
    })
}

fn real(number: f64) -> Option<Value> {
    Number::from_f64(number).map(Value::Number)
}

fn packed(value: &Value) -> Packed {
    match value {
        Value::Null => Packed::Nil,
        Value::Bool(truth) => Packed::Boolean(*truth),
        Value::Number(number) => {
            let signed = number.as_i64().map(Packed::from);
            let integer = signed.or_else(|| number.as_u64().map(Packed::from));
            integer.unwrap_or_else(|| Packed::F64(number.as_f64().unwrap_or_default()))
        }
        Value::String(text) => Packed::from(text.as_str()),
        Value::Array(items) => Packed::Array(items.iter().map(packed).collect()),
        Value::Object(members) => Packed::Map(
            members
                .iter()
                .map(|(key, value)| (Packed::from(key.as_str()), packed(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn properties(content_type: &str, content_encoding: &str) -> Properties {
        Properties {
            content_type: content_type.to_owned(),
            content_encoding: content_encoding.to_owned(),
            ..Properties::default()
        }
    }

    #[test]
    fn what_one_serializer_writes_it_reads_again() {
        let value =
            json!({"a": [null, true, -1, u64::MAX, 1.5, "größe 🐙", {"": []}], "b": i64::MIN});
        for serializer in [Serializer::Json, Serializer::Msgpack] {
            assert_eq!(serializer.read(&serializer.write(&value)).unwrap(), value);
        }
    }

    #[test]
    fn other_serializers_and_encodings_are_refused() {
        for refused in ["application/x-python-serialize", "application/x-yaml", "", "text/plain"] {
            let found = Serializer::of(&properties(refused, "binary"));
            assert_eq!(found, Err(Refusal::Serializer(refused.to_owned())));
        }
        let found = Serializer::of(&properties("application/json", "utf-16"));
        assert_eq!(found, Err(Refusal::Encoding("utf-16".to_owned())));
        let found = Serializer::of(&properties("application/json", "UTF-8"));
        assert_eq!(found, Ok(Serializer::Json));
    }

    #[test]
    fn what_json_has_no_word_for_is_refused() {
        let refused: [&[u8]; 6] = [
            b"\xc4\x01a",                            // bytes
            b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", // NaN
            b"\x81\x01\x02",                         // a key that is a number
            b"\xd4\x01a",                            // an extension
            b"\xa1\xff",                             // no UTF-8
            b"\xc0\xc0",                             // two values
        ];
        for bytes in refused {
            assert!(matches!(Serializer::Msgpack.read(bytes), Err(Refusal::Body(_))), "{bytes:?}");
        }
        assert!(matches!(Serializer::Json.read(b"[NaN]"), Err(Refusal::Body(_))));
    }

    #[test]
    fn deep_and_large_bodies_are_refused() {
        let deep = [0x91_u8; 5_000];
        assert!(matches!(Serializer::Msgpack.read(&deep), Err(Refusal::Body(_))));
        assert!(matches!(Serializer::Json.read(&[b'['; 5_000]), Err(Refusal::Body(_))));
        let large = vec![b' '; largest_body() + 1];
        assert_eq!(Serializer::Json.read(&large), Err(Refusal::TooLarge(large.len())));
        // A length that is not true reserves nothing.
        assert!(matches!(Serializer::Msgpack.read(b"\xdd\xff\xff\xff\xff"), Err(Refusal::Body(_))));
    }
}
