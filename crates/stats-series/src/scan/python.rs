//! The text that Python's `str()` makes of a JSON value: labels that are neither text nor object
//! (data-series specification, section 4.2).

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::json::{elements, members, string_text};
use super::number::{Number, number};

/// The text form of a valid JSON value. `None` for strings with half of a surrogate pair.
pub(crate) fn python_text(value: &[u8]) -> Option<String> {
    let mut out = String::new();
    write_repr(&mut out, value)?;
    Some(out)
}

fn write_repr(out: &mut String, value: &[u8]) -> Option<()> {
    match value[0] {
        b'"' => write_string(out, &string_text(value)?),
        b'{' => {
            out.push('{');
            for (index, (key, member)) in members(value).ok()?.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_string(out, key);
                out.push_str(": ");
                write_repr(out, member)?;
            }
            out.push('}');
        }
        b'[' => {
            out.push('[');
            for (index, element) in elements(value).ok()?.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_repr(out, element)?;
            }
            out.push(']');
        }
        b'n' => out.push_str("None"),
        b't' => out.push_str("True"),
        b'f' => out.push_str("False"),
        _ => match number(value) {
            Some(Number::Int(value)) => out.push_str(itoa::Buffer::new().format(value)),
            Some(Number::Float(value)) => out.push_str(&float_text(value)),
            None => out.push_str(std::str::from_utf8(value).ok()?),
        },
    }
    Some(())
}

/// `repr` of a float: the shortest digits, plain between 1e-4 and 1e16.
fn float_text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = value.abs();
    if value == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

fn write_string(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            other if other == quote => {
                out.push('\\');
                out.push(other);
            }
            other if is_printable(other) => out.push(other),
            other => out.push_str(&escaped(u32::from(other))),
        }
    }
    out.push(quote);
}

fn escaped(code: u32) -> String {
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

fn is_printable(character: char) -> bool {
    character == ' '
        || !matches!(
            character.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::SpaceSeparator
        )
}

/// The digit that a character of any script stands for, as Python's `int()` reads it.
pub(crate) fn decimal_digit(character: char) -> Option<u32> {
    if character.is_ascii() {
        return character.to_digit(10);
    }
    let is_digit = |code: u32| {
        char::from_u32(code)
            .is_some_and(|other| other.general_category() == GeneralCategory::DecimalNumber)
    };
    let code = u32::from(character);
    if !is_digit(code) {
        return None;
    }
    // Decimal digits stand in runs of ten, from zero to nine.
    let before = (1..).take_while(|step| is_digit(code - step)).count() as u32;
    Some(before % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_python_prints_them() {
        for (value, expected) in [
            ("null", "None"),
            ("true", "True"),
            ("5", "5"),
            ("-0", "0"),
            ("1.0", "1.0"),
            ("1e16", "1e+16"),
            ("1.5e-7", "1.5e-07"),
            ("0.0001", "0.0001"),
            ("123456789012345.6", "123456789012345.6"),
            (r#"["x","y"]"#, "['x', 'y']"),
            (r#"["it's",{"a":[null,1.5]}]"#, r#"["it's", {'a': [None, 1.5]}]"#),
            (r#"["\n\u0001\u00a0\u200b\\"]"#, r"['\n\x01\xa0\u200b\\']"),
        ] {
            assert_eq!(python_text(value.as_bytes()).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn digits_of_any_script_have_their_value() {
        for (character, digit) in [('7', 7), ('٣', 3), ('९', 9), ('𝟘', 0), ('𝟿', 9)] {
            assert_eq!(decimal_digit(character), Some(digit), "{character}");
        }
        assert_eq!(decimal_digit('²'), None);
    }
}
