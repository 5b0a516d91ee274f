//! The conversions of the rules, `S` and `INT` (data-series specification, section 0).

use super::field::{Fields, Refused, TOO_LARGE, refuse};
use crate::scan::integer::Integer;
use crate::scan::number::{Number, number};
use crate::scan::python::decimal_digit;
use crate::scan::skip::MAX_INTEGER_DIGITS;
use crate::scan::sum::Sum;
use crate::scan::text::{string_text, utf8};

/// `S`: the sum of the values that are numbers or bools (section 0).
pub(super) fn sum(members: Fields<'_, '_>, path: &str) -> Result<Number, Refused> {
    let mut sum = Sum::ZERO;
    for number in members.iter().filter_map(|(_, value)| number(value)) {
        match sum.add(&number) {
            Some(next) => sum = next,
            None => return refuse(path, TOO_LARGE),
        }
    }
    Ok(sum.total())
}

/// `INT`: a number truncated towards zero, or the text of a base-10 integer (section 0).
pub(super) fn integer(value: &[u8]) -> Option<Integer> {
    if value[0] == b'"' {
        integer_text(utf8(&string_text(value))?)
    } else {
        number(value)?.truncated()
    }
}

/// The text of an integer as Python's `int()` reads it: white space around it, but not U+001C to
/// U+001F, which only `str.strip()` counts as such; a sign; digits of any script, with single
/// underscores between them.
fn integer_text(text: &str) -> Option<Integer> {
    let text = text.trim();
    let (sign, groups) = match text.strip_prefix('-') {
        Some(groups) => ("-", groups),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let mut digits = String::from(sign);
    for group in groups.split('_') {
        if group.is_empty() {
            return None;
        }
        for character in group.chars() {
            digits.push(char::from_digit(decimal_digit(character)?, 10)?);
        }
    }
    if digits.len() - sign.len() > MAX_INTEGER_DIGITS {
        return None;
    }
    Integer::parse(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_from_text_as_python_does() {
        for (text, expected) in [
            (" 7 ", Some(7)),
            ("1_000", Some(1000)),
            ("+5", Some(5)),
            ("-12", Some(-12)),
            ("٣", Some(3)),
            ("7.5", None),
            ("", None),
            ("_1", None),
            ("1__0", None),
            ("- 1", None),
            ("--1", None),
            ("0007", Some(7)),
            ("\u{85}\u{a0}\u{2003}7\u{3000}\u{b}\u{c}", Some(7)),
            ("\u{1c}7", None),
            ("7\u{1f}", None),
            ("\u{a0}\u{1c}٣", None),
            ("7\0", None),
            ("\u{200b}7", None),
            ("\u{feff}7", None),
            ("−7", None),
        ] {
            assert_eq!(integer_text(text), expected.map(Integer::Small), "{text:?}");
        }
    }

    #[test]
    fn texts_of_integers_have_as_many_digits_as_python_allows() {
        for zeros in ["", "0"] {
            let most = format!("{zeros}{}", "7".repeat(4_300 - zeros.len()));
            assert!(integer_text(&format!(" -{most} ")).is_some());
            assert!(integer_text(&format!("{most}_7")).is_none());
        }
    }
}
