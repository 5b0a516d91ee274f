//! Values that go out as they came in: written again the way the reference's serialiser writes
//! them (data-series specification, section 11), and compared the way Python compares ids.

use super::json::{UNWRITABLE_KEY, elements, members, string_text};
use super::number::{Number, number};

/// Why a value cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// An integer outside −2^63 … 2^64−1.
    IntegerOutOfRange,
    /// A string with half of a surrogate pair.
    LoneSurrogate,
}

impl Unwritable {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::IntegerOutOfRange => "an integer outside the range of 64 bits",
            Self::LoneSurrogate => "text with half of a surrogate pair",
        }
    }
}

/// Appends the valid JSON `value` in compact form: keys in order, each once.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &[u8]) -> Result<(), Unwritable> {
    match value[0] {
        b'"' => write_string(out, value),
        b'{' => {
            out.push(b'{');
            for (index, (key, member)) in valid(members(value)).iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if key == UNWRITABLE_KEY {
                    return Err(Unwritable::LoneSurrogate);
                }
                write_text(out, key);
                out.push(b':');
                write_value(out, member)?;
            }
            out.push(b'}');
            Ok(())
        }
        b'[' => {
            out.push(b'[');
            for (index, element) in valid(elements(value)).iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, element)?;
            }
            out.push(b']');
            Ok(())
        }
        b't' | b'f' | b'n' => {
            out.extend_from_slice(value);
            Ok(())
        }
        _ => match number(value) {
            Some(number) => write_number(out, number),
            None => Err(Unwritable::IntegerOutOfRange),
        },
    }
}

/// The parts of a text that was found valid before.
fn valid<T: Default>(parsed: super::json::Parsed<T>) -> T {
    debug_assert!(parsed.is_ok(), "the text was checked when the document was read");
    parsed.unwrap_or_default()
}

/// Appends a number; floats with the shortest digits that round-trip, as `1e16` when large.
pub(crate) fn write_number(out: &mut Vec<u8>, number: Number) -> Result<(), Unwritable> {
    match number {
        Number::Int(value) => {
            if value < i128::from(i64::MIN) || value > i128::from(u64::MAX) {
                return Err(Unwritable::IntegerOutOfRange);
            }
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
        Number::Float(value) if value.is_finite() => {
            out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
        }
        Number::Float(_) => out.extend_from_slice(b"null"),
    }
    Ok(())
}

fn write_string(out: &mut Vec<u8>, quoted: &[u8]) -> Result<(), Unwritable> {
    if memchr::memchr(b'\\', quoted).is_none() {
        out.extend_from_slice(quoted);
        return Ok(());
    }
    let text = string_text(quoted).ok_or(Unwritable::LoneSurrogate)?;
    write_text(out, &text);
    Ok(())
}

/// Appends `text` as a JSON string: UTF-8, only `"`, `\` and control characters escaped.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            control @ '\0'..='\x1f' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Appends a text that is equal for two values exactly when Python finds them equal: numbers and
/// bools by value, objects whatever the order of their keys.
pub(crate) fn write_identity(out: &mut Vec<u8>, value: &[u8]) {
    match value[0] {
        b'"' => match string_text(value) {
            Some(text) => write_sized(out, b'"', text.as_bytes()),
            None => write_sized(out, b'!', value),
        },
        b'{' => {
            let mut members = valid(members(value));
            members.sort_by(|left, right| left.0.cmp(&right.0));
            out.push(b'{');
            for (key, member) in members {
                write_sized(out, b'"', key.as_bytes());
                write_identity(out, member);
            }
            out.push(b'}');
        }
        b'[' => {
            out.push(b'[');
            for element in valid(elements(value)) {
                write_identity(out, element);
            }
            out.push(b']');
        }
        b'n' => out.push(b'n'),
        _ => match number(value) {
            Some(number) => write_number_identity(out, number),
            None => write_sized(out, b'#', value),
        },
    }
}

fn write_number_identity(out: &mut Vec<u8>, number: Number) {
    let exact = match number {
        Number::Int(value) => Some(value),
        Number::Float(value) if value.fract() == 0.0 => number.truncated(),
        Number::Float(_) => None,
    };
    match exact {
        Some(value) => {
            write_sized(out, b'#', itoa::Buffer::new().format(value).as_bytes());
        }
        None => write_sized(out, b'.', &number.to_float().to_bits().to_le_bytes()),
    }
}

fn write_sized(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> String {
        let mut out = Vec::new();
        write_value(&mut out, value.as_bytes()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_take_the_form_of_the_reference() {
        for (value, expected) in [
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("2048.0", "2048.0"),
            ("0.00001", "0.00001"),
            ("1e-6", "1e-6"),
            ("1.234e-7", "1.234e-7"),
            ("5e-324", "5e-324"),
            ("1000000000000000.0", "1000000000000000.0"),
            ("1e16", "1e16"),
            ("1.5e300", "1.5e300"),
            ("1e999", "null"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(written(value), expected);
        }
        let too_large = write_value(&mut Vec::new(), b"18446744073709551616");
        assert_eq!(too_large, Err(Unwritable::IntegerOutOfRange));
    }

    #[test]
    fn strings_lose_needless_escapes_only() {
        assert_eq!(
            written(r#""\u0041\/\u00e9\ud83d\udc19\u0001\u007f""#),
            "\"A/é🐙\\u0001\u{7f}\""
        );
        let lone = write_value(&mut Vec::new(), br#""\ud800""#);
        assert_eq!(lone, Err(Unwritable::LoneSurrogate));
    }

    #[test]
    fn containers_are_written_compactly() {
        assert_eq!(written(r#"{ "b" : [ 1 , 2.50 ], "a":{} , "b":null }"#), r#"{"b":null,"a":{}}"#);
    }

    #[test]
    fn identities_compare_like_python() {
        let same = |left: &str, right: &str| {
            let (mut one, mut two) = (Vec::new(), Vec::new());
            write_identity(&mut one, left.as_bytes());
            write_identity(&mut two, right.as_bytes());
            one == two
        };
        assert!(same("1", "1.0") && same("1", "true") && same("0", "-0.0") && same("1e2", "100"));
        assert!(same(r#"{"a":1,"b":[true]}"#, r#"{"b":[1.0],"a":1}"#));
        assert!(same(r#""A""#, r#""\u0041""#));
        assert!(!same("null", r#""null""#) && !same("1", r#""1""#) && !same("1.5", "1"));
        assert!(!same(r#"["a","b"]"#, r#"["ab"]"#));
    }
}
