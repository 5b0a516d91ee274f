//! The text that Python's `str()` makes of a JSON value: labels that are neither text nor object
//! (data-series specification, section 4.2). And what Python takes for digits.

use std::borrow::Cow;

use hashbrown::HashMap;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::json::{Next, after_member, expect_colon, skip_space, skip_string};
use super::members::Unique;
use super::number::{Number, number};
use super::skip::skip_value;
use super::text::{code_points, string_text};
use super::unicode::is_newer;

/// The text form of a valid JSON value, however deep it nests. `None` for what is not valid.
pub(crate) fn python_text(value: &[u8]) -> Option<String> {
    let mut printer = Printer { value, ends: container_ends(value), out: String::new() };
    printer.print()?;
    Some(printer.out)
}

/// A container being printed, and what of it still has to be.
enum Open<'a> {
    /// The offset of the next element.
    List(Option<usize>),
    /// The members with the offsets of their values.
    Object(std::vec::IntoIter<(Cow<'a, [u8]>, usize)>),
}

/// Prints a value without recursion. Where containers end was found beforehand, so that what is
/// deep inside is not looked at again for each level around it.
struct Printer<'a> {
    value: &'a [u8],
    ends: HashMap<usize, usize>,
    out: String,
}

impl<'a> Printer<'a> {
    fn print(&mut self) -> Option<()> {
        let mut open = Vec::new();
        self.start(0, &mut open)?;
        while let Some(innermost) = open.pop() {
            match innermost {
                Open::List(None) => self.out.push(']'),
                Open::List(Some(at)) => {
                    self.separate('[');
                    open.push(Open::List(self.next_element(at)?));
                    self.start(at, &mut open)?;
                }
                Open::Object(mut members) => match members.next() {
                    None => self.out.push('}'),
                    Some((key, at)) => {
                        self.separate('{');
                        write_string(&mut self.out, &key);
                        self.out.push_str(": ");
                        open.push(Open::Object(members));
                        self.start(at, &mut open)?;
                    }
                },
            }
        }
        Some(())
    }

    /// The comma between two elements. Only what was just opened ends with its bracket: the text of
    /// a string ends with a quote.
    fn separate(&mut self, opening: char) {
        if !self.out.ends_with(opening) {
            self.out.push_str(", ");
        }
    }

    /// Prints the value at `at`, or opens it.
    fn start(&mut self, at: usize, open: &mut Vec<Open<'a>>) -> Option<()> {
        match self.value.get(at)? {
            b'{' => {
                self.out.push('{');
                open.push(Open::Object(self.members(at)?.into_iter()));
            }
            b'[' => {
                self.out.push('[');
                let first = skip_space(self.value, at + 1);
                let is_empty = self.value.get(first) == Some(&b']');
                open.push(Open::List((!is_empty).then_some(first)));
            }
            _ => {
                let end = self.end(at)?;
                write_scalar(&mut self.out, &self.value[at..end])?;
            }
        }
        Some(())
    }

    fn end(&self, at: usize) -> Option<usize> {
        match self.ends.get(&at) {
            Some(end) => Some(*end),
            None => skip_value(self.value, at, 0).ok(),
        }
    }

    /// The offset of the element behind the one at `at`, if there is one.
    fn next_element(&self, at: usize) -> Option<Option<usize>> {
        Some(match after_member(self.value, self.end(at)?, b']').ok()? {
            Next::Member(next) => Some(next),
            Next::End(_) => None,
        })
    }

    /// The members of the object at `at`, each key once, with the offsets of their values.
    fn members(&self, at: usize) -> Option<Vec<(Cow<'a, [u8]>, usize)>> {
        let value: &'a [u8] = self.value;
        let mut members = Unique::default();
        let mut at = skip_space(value, at + 1);
        if value.get(at) == Some(&b'}') {
            return Some(members.into_members());
        }
        loop {
            let key_end = skip_string(value, at).ok()?;
            let start = expect_colon(value, key_end).ok()?;
            members.put(string_text(&value[at..key_end]), start);
            match after_member(value, self.end(start)?, b'}').ok()? {
                Next::Member(next) => at = next,
                Next::End(_) => return Some(members.into_members()),
            }
        }
    }
}

/// Where each object and list of a valid value ends, by where it starts.
fn container_ends(value: &[u8]) -> HashMap<usize, usize> {
    let mut ends = HashMap::new();
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        match byte {
            b'"' => {
                at = skip_string(value, at).unwrap_or(value.len());
                continue;
            }
            b'{' | b'[' => open.push(at),
            b'}' | b']' => {
                if let Some(start) = open.pop() {
                    ends.insert(start, at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    ends
}

fn write_scalar(out: &mut String, value: &[u8]) -> Option<()> {
    match value.first()? {
        b'"' => write_string(out, &string_text(value)),
        b'n' => out.push_str("None"),
        b't' => out.push_str("True"),
        b'f' => out.push_str("False"),
        _ => match number(value)? {
            Number::Int(value) => {
                let mut digits = Vec::new();
                value.write(&mut digits);
                out.push_str(std::str::from_utf8(&digits).ok()?);
            }
            Number::Float(value) => out.push_str(&float_text(value)),
        },
    }
    Some(())
}

/// `repr` of a float: the shortest digits, plain between 1e-4 and 1e16.
fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
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

fn write_string(out: &mut String, text: &[u8]) {
    let quote = if text.contains(&b'\'') && !text.contains(&b'"') { '"' } else { '\'' };
    out.push(quote);
    for code in code_points(text) {
        match char::from_u32(code) {
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\\') => out.push_str("\\\\"),
            Some(other) if other == quote => {
                out.push('\\');
                out.push(other);
            }
            Some(other) if is_printable(other) => out.push(other),
            // Halves of surrogate pairs, too.
            _ => out.push_str(&escaped(code)),
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
        || !is_newer(character.into())
            && !matches!(
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
        !is_newer(code)
            && char::from_u32(code)
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
            (
                r#"["\ud800",{"\udfff\ud800":"\ud83d\udc19"}]"#,
                r"['\ud800', {'\udfff\ud800': '🐙'}]",
            ),
            ("[NaN,-Infinity,1e999,-0.0]", "[nan, -inf, inf, -0.0]"),
            (r#"["\u0558","\ud83e\udedc"]"#, r"['\u0558', '\U0001fadc']"),
            (
                r#"[[],{},[{}],{"a":[],"b":{"a":1,"c":2,"a":[3]}}]"#,
                "[[], {}, [{}], {'a': [], 'b': {'a': [3], 'c': 2}}]",
            ),
            (r#"["[","{",[ "[" , 1 ]]"#, "['[', '{', ['[', 1]]"),
            (
                "100000000000000000000000000000000000000000000",
                "100000000000000000000000000000000000000000000",
            ),
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
        assert_eq!(decimal_digit('\u{10d43}'), None, "a digit since Unicode 16");
    }

    #[test]
    fn deep_values_are_printed_without_stack_and_without_looking_twice() {
        let deep =
            format!("{}{}{}", "[".repeat(9_990), "1,".repeat(100_000) + "2", "]".repeat(9_990));
        assert_eq!(python_text(deep.as_bytes()).unwrap().len(), 2 * 9_990 + 3 * 100_000 + 1);
        let deep = format!("{}1{}", r#"{"a":"#.repeat(9_990), "}".repeat(9_990));
        assert_eq!(python_text(deep.as_bytes()).unwrap().len(), 9_990 * "{'a': }".len() + 1);
    }
}
