//! Values that go out as they came in: written again the way the reference's serialiser writes
//! them (data-series specification, section 11), and compared the way Python compares ids.

use super::integer::Integer;
use super::members::{elements, members};
use super::number::{Number, number};
use super::text::{string_text, utf8};

/// Why a value cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// An integer outside −2^63 … 2^64−1.
    IntegerOutOfRange,
    /// A string with half of a surrogate pair.
    LoneSurrogate,
    /// More objects and lists in each other than the serialiser takes.
    TooDeep,
}

impl Unwritable {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::IntegerOutOfRange => "an integer outside the range of 64 bits",
            Self::LoneSurrogate => "text with half of a surrogate pair",
            Self::TooDeep => "a value nested too deeply",
        }
    }
}

/// How deep a value may nest where it stands in a response: the serialiser takes 254 objects and
/// lists in each other. A list without elements is never counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room(u32);

impl Room {
    /// A value of a point: six stand around it.
    pub(crate) const POINT: Self = Self(254 - 6);
    /// The id or the name of a series: four stand around it.
    pub(crate) const SERIES: Self = Self(254 - 4);

    const fn inside(self) -> Result<Self, Unwritable> {
        match self.0.checked_sub(1) {
            Some(left) => Ok(Self(left)),
            None => Err(Unwritable::TooDeep),
        }
    }
}

/// Appends the valid JSON `value` in compact form: keys in order, each once.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &[u8], room: Room) -> Result<(), Unwritable> {
    match value[0] {
        b'"' => write_string(out, value),
        b'{' => write_object(out, value, room.inside()?),
        b'[' => {
            let elements = valid(elements(value));
            let room = if elements.is_empty() { room } else { room.inside()? };
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, element, room)?;
            }
            out.push(b']');
            Ok(())
        }
        b't' | b'f' | b'n' => {
            out.extend_from_slice(value);
            Ok(())
        }
        _ => number(value)
            .map_or(Err(Unwritable::IntegerOutOfRange), |number| write_number(out, &number)),
    }
}

fn write_object(out: &mut Vec<u8>, object: &[u8], room: Room) -> Result<(), Unwritable> {
    out.push(b'{');
    for (index, (key, member)) in valid(members(object)).iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(out, utf8(key).ok_or(Unwritable::LoneSurrogate)?);
        out.push(b':');
        write_value(out, member, room)?;
    }
    out.push(b'}');
    Ok(())
}

/// The parts of a text that was found valid before.
fn valid<T: Default>(parsed: super::json::Parsed<T>) -> T {
    debug_assert!(parsed.is_ok(), "the text was checked when the document was read");
    parsed.unwrap_or_default()
}

/// Appends a number; floats with the shortest digits that round-trip, as `1e16` when large.
pub(crate) fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), Unwritable> {
    match number {
        Number::Int(Integer::Small(value))
            if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(value) =>
        {
            out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
        }
        Number::Int(_) => return Err(Unwritable::IntegerOutOfRange),
        Number::Float(value) if value.is_finite() => {
            out.extend_from_slice(ryu::Buffer::new().format_finite(*value).as_bytes());
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
    write_text(out, utf8(&string_text(quoted)).ok_or(Unwritable::LoneSurrogate)?);
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
/// bools by value, objects whatever the order of their keys. `NaN` inside a list or an object
/// equals itself, since Python has it once; alone it equals nothing, see [`is_unequal`].
///
/// # Errors
/// For a value that is nested deeper than `room`, which could not be written either.
pub(crate) fn write_identity(
    out: &mut Vec<u8>,
    value: &[u8],
    room: Room,
) -> Result<(), Unwritable> {
    match value[0] {
        b'"' => write_sized(out, b'"', &string_text(value)),
        b'{' => {
            let room = room.inside()?;
            let mut members = valid(members(value));
            members.sort_by(|left, right| left.0.cmp(&right.0));
            out.push(b'{');
            for (key, member) in members {
                write_sized(out, b'"', &key);
                write_identity(out, member, room)?;
            }
            out.push(b'}');
        }
        b'[' => {
            let elements = valid(elements(value));
            let room = if elements.is_empty() { room } else { room.inside()? };
            out.push(b'[');
            for element in elements {
                write_identity(out, element, room)?;
            }
            out.push(b']');
        }
        b'n' => out.push(b'n'),
        _ => match number(value) {
            Some(number) => write_number_identity(out, number),
            None => write_sized(out, b'#', value),
        },
    }
    Ok(())
}

/// Whether a value equals no value, itself included.
pub(crate) fn is_unequal(value: &[u8]) -> bool {
    value == b"NaN"
}

fn write_number_identity(out: &mut Vec<u8>, number: Number) {
    if let Number::Float(value) = number
        && (value.fract() != 0.0 || !value.is_finite())
    {
        return write_sized(out, b'.', &value.to_bits().to_le_bytes());
    }
    let mut digits = Vec::new();
    if let Some(value) = number.truncated() {
        value.write(&mut digits);
    }
    write_sized(out, b'#', &digits);
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
        write_value(&mut out, value.as_bytes(), Room::POINT).unwrap();
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
            ("NaN", "null"),
            ("-Infinity", "null"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(written(value), expected);
        }
        let too_large = write_value(&mut Vec::new(), b"18446744073709551616", Room::POINT);
        assert_eq!(too_large, Err(Unwritable::IntegerOutOfRange));
    }

    #[test]
    fn strings_lose_needless_escapes_only() {
        assert_eq!(
            written(r#""\u0041\/\u00e9\ud83d\udc19\u0001\u007f""#),
            "\"A/é🐙\\u0001\u{7f}\""
        );
        let lone = write_value(&mut Vec::new(), br#""\ud800""#, Room::POINT);
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
            write_identity(&mut one, left.as_bytes(), Room::SERIES).unwrap();
            write_identity(&mut two, right.as_bytes(), Room::SERIES).unwrap();
            one == two
        };
        assert!(same("1", "1.0") && same("1", "true") && same("0", "-0.0") && same("1e2", "100"));
        assert!(same(r#"{"a":1,"b":[true]}"#, r#"{"b":[1.0],"a":1}"#));
        assert!(same(r#""A""#, r#""\u0041""#));
        assert!(!same("null", r#""null""#) && !same("1", r#""1""#) && !same("1.5", "1"));
        assert!(!same(r#"["a","b"]"#, r#"["ab"]"#));
        assert!(same("[NaN]", "[NaN]") && same("Infinity", "1e999") && !same("Infinity", "-1e999"));
        let exact = "1000000000000000052504760255204420248704468581108159154915854115111802457988\
            908195786371375080447854045104128";
        assert!(same("1e108", exact) || !same("1e108", &format!("1{}", "0".repeat(108))));
        assert!(same("1e300", &format!("{:.0}", 1e300)));
        assert!(!same("1e300", &format!("1{}", "0".repeat(300))));
        assert!(!same(r#""\ud800""#, r#""\ud801""#));
    }

    #[test]
    fn values_nest_as_deep_as_the_serialiser_takes() {
        let fits = |open: &str, depth: usize, inside: &str, close: &str| {
            let value = format!("{}{inside}{}", open.repeat(depth), close.repeat(depth));
            write_value(&mut Vec::new(), value.as_bytes(), Room::POINT).is_ok()
        };
        assert!(fits("[", 248, "1", "]") && !fits("[", 249, "1", "]"));
        assert!(fits("[", 248, "[]", "]") && !fits("[", 248, "{}", "]"));
        assert!(fits("{\"a\":", 248, "1", "}") && !fits("{\"a\":", 249, "1", "}"));
        assert!(fits("{\"a\":", 248, "[ ]", "}") && !fits("{\"a\":", 248, "{}", "}"));
        assert!(!fits("[", 5_000, "", "]"));
    }
}
