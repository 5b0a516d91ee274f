//! Walking over JSON text without building anything: validating skips, strings, objects.

use std::borrow::Cow;

/// Nesting beyond this is refused; the reference's parser gives up near the same depth.
const MAX_DEPTH: u32 = 512;

/// Where and why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Offset in bytes from the start of the document.
    pub(crate) at: usize,
    /// What was expected or found there.
    pub(crate) what: &'static str,
}

pub(crate) type Parsed<T> = Result<T, Malformed>;

const fn malformed<T>(at: usize, what: &'static str) -> Parsed<T> {
    Err(Malformed { at, what })
}

#[inline]
pub(crate) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Skips a value and returns the offset behind it. `at` is its first byte.
pub(crate) fn skip_value(bytes: &[u8], at: usize) -> Parsed<usize> {
    skip_nested(bytes, at, 0)
}

fn skip_nested(bytes: &[u8], at: usize, depth: u32) -> Parsed<usize> {
    match bytes.get(at) {
        Some(b'"') => skip_string(bytes, at),
        Some(b'{') => {
            if depth == MAX_DEPTH {
                return malformed(at, "nested too deeply");
            }
            let mut at = skip_space(bytes, at + 1);
            if bytes.get(at) == Some(&b'}') {
                return Ok(at + 1);
            }
            loop {
                at = skip_string(bytes, at)?;
                at = expect_colon(bytes, at)?;
                at = skip_nested(bytes, at, depth + 1)?;
                match after_member(bytes, at, b'}')? {
                    Next::Member(next) => at = next,
                    Next::End(end) => return Ok(end),
                }
            }
        }
        Some(b'[') => {
            if depth == MAX_DEPTH {
                return malformed(at, "nested too deeply");
            }
            let mut at = skip_space(bytes, at + 1);
            if bytes.get(at) == Some(&b']') {
                return Ok(at + 1);
            }
            loop {
                at = skip_nested(bytes, at, depth + 1)?;
                match after_member(bytes, at, b']')? {
                    Next::Member(next) => at = next,
                    Next::End(end) => return Ok(end),
                }
            }
        }
        Some(b't') => literal(bytes, at, b"true"),
        Some(b'f') => literal(bytes, at, b"false"),
        Some(b'n') => literal(bytes, at, b"null"),
        Some(b'-' | b'0'..=b'9') => skip_number(bytes, at),
        Some(_) => malformed(at, "expected a JSON value"),
        None => malformed(at, "the document ends in the middle"),
    }
}

/// What follows a member of an object or array.
pub(crate) enum Next {
    /// Another member starts at this offset.
    Member(usize),
    /// The container ended; this is the offset behind it.
    End(usize),
}

/// After a member: a comma (the next member starts at the returned offset) or the end.
#[inline]
pub(crate) fn after_member(bytes: &[u8], at: usize, close: u8) -> Parsed<Next> {
    let at = skip_space(bytes, at);
    match bytes.get(at) {
        Some(b',') => Ok(Next::Member(skip_space(bytes, at + 1))),
        Some(byte) if *byte == close => Ok(Next::End(at + 1)),
        Some(_) => malformed(at, "expected a comma or the end of the list or object"),
        None => malformed(at, "the document ends in the middle"),
    }
}

/// After a key: the colon; returns the offset of the value.
#[inline]
pub(crate) fn expect_colon(bytes: &[u8], at: usize) -> Parsed<usize> {
    let at = skip_space(bytes, at);
    match bytes.get(at) {
        Some(b':') => Ok(skip_space(bytes, at + 1)),
        _ => malformed(at, "expected a colon"),
    }
}

fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Parsed<usize> {
    if bytes[at..].starts_with(word) {
        Ok(at + word.len())
    } else {
        malformed(at, "expected a JSON value")
    }
}

fn skip_number(bytes: &[u8], start: usize) -> Parsed<usize> {
    let digits = |mut at: usize| {
        while let Some(b'0'..=b'9') = bytes.get(at) {
            at += 1;
        }
        at
    };
    let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
    let whole = digits(at);
    if whole == at {
        return malformed(at, "expected a digit");
    }
    if bytes[at] == b'0' && whole > at + 1 {
        return malformed(at, "a number must not start with 0");
    }
    at = whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == at + 1 {
            return malformed(fraction, "expected a digit");
        }
        at = fraction;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == at {
            return malformed(exponent, "expected a digit");
        }
        at = exponent;
    }
    Ok(at)
}

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A mask with the high bit set in the first byte that ends plain string text: a quote, a
/// backslash or a control character. Bits above the first may be wrong.
#[inline]
const fn string_stops(word: u64) -> u64 {
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let stops = (quote.wrapping_sub(EACH) & !quote)
        | (backslash.wrapping_sub(EACH) & !backslash)
        | (word.wrapping_sub(EACH * 0x20) & !word);
    stops & HIGH
}

/// The offset of the first quote, backslash or control character at or after `at`.
#[inline]
pub(crate) fn string_stop(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let stops = string_stops(u64::from_le_bytes(*chunk));
        if stops != 0 {
            return at + (stops.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if *byte == b'"' || *byte == b'\\' || *byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

/// Skips a string; `at` is its opening quote.
pub(crate) fn skip_string(bytes: &[u8], at: usize) -> Parsed<usize> {
    match bytes.get(at) {
        Some(b'"') => {}
        Some(_) => return malformed(at, "expected a string"),
        None => return malformed(at, "the document ends in the middle"),
    }
    let mut at = at + 1;
    loop {
        at = string_stop(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => match bytes.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                Some(b'u') => {
                    let hex = bytes.get(at + 2..at + 6);
                    if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
                        return malformed(at, "expected four hexadecimal digits");
                    }
                    at += 6;
                }
                _ => return malformed(at, "unknown escape in a string"),
            },
            Some(_) => return malformed(at, "a control character in a string"),
            None => return malformed(at, "the document ends in the middle of a string"),
        }
    }
}

/// The text between the quotes of a valid string, escapes resolved. `None` when it holds half of
/// a surrogate pair, which is no character.
pub(crate) fn string_text(quoted: &[u8]) -> Option<Cow<'_, str>> {
    let inner = &quoted[1..quoted.len() - 1];
    let Some(first) = memchr::memchr(b'\\', inner) else {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    };
    let mut text = String::with_capacity(inner.len());
    let mut at = 0;
    let mut next = Some(first);
    while let Some(backslash) = next {
        text.push_str(std::str::from_utf8(&inner[at..backslash]).ok()?);
        let (character, end) = unescape(inner, backslash)?;
        text.push(character);
        at = end;
        next = memchr::memchr(b'\\', &inner[at..]).map(|offset| at + offset);
    }
    text.push_str(std::str::from_utf8(&inner[at..]).ok()?);
    Some(Cow::Owned(text))
}

fn unescape(inner: &[u8], backslash: usize) -> Option<(char, usize)> {
    let simple = |character| Some((character, backslash + 2));
    match inner[backslash + 1] {
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'u' => {
            let unit = hex_unit(inner, backslash + 2)?;
            if !(0xD800..0xDC00).contains(&unit) {
                return Some((char::from_u32(unit)?, backslash + 6));
            }
            if inner.get(backslash + 6..backslash + 8) != Some(b"\\u") {
                return None;
            }
            let low = hex_unit(inner, backslash + 8)?;
            if !(0xDC00..0xE000).contains(&low) {
                return None;
            }
            let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            Some((char::from_u32(code)?, backslash + 12))
        }
        other => simple(char::from(other)),
    }
}

fn hex_unit(inner: &[u8], at: usize) -> Option<u32> {
    let hex = std::str::from_utf8(inner.get(at..at + 4)?).ok()?;
    u32::from_str_radix(hex, 16).ok()
}

/// Stands for a key with half of a surrogate pair, which is no text.
pub(crate) const UNWRITABLE_KEY: &str = "\u{0}half of a surrogate pair\u{0}";

/// A key of an object.
pub(crate) fn key_text(quoted: &[u8]) -> Cow<'_, str> {
    string_text(quoted).unwrap_or(Cow::Borrowed(UNWRITABLE_KEY))
}

/// A key of an object, escapes resolved.
#[derive(Debug)]
pub(crate) struct Key<'a>(Cow<'a, [u8]>);

impl Key<'_> {
    #[inline]
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0.as_ref() == name.as_bytes()
    }
}

/// Reads the key at `at`; returns it and the offset behind it.
#[inline]
pub(crate) fn read_key(bytes: &[u8], at: usize) -> Parsed<(Key<'_>, usize)> {
    if bytes.get(at) == Some(&b'"') {
        let stop = string_stop(bytes, at + 1);
        if bytes.get(stop) == Some(&b'"') {
            return Ok((Key(Cow::Borrowed(&bytes[at + 1..stop])), stop + 1));
        }
    }
    let end = skip_string(bytes, at)?;
    Ok((Key(Cow::Owned(key_text(&bytes[at..end]).into_owned().into_bytes())), end))
}

/// The members of a valid object, each key once: the place of its first and the value of its last
/// occurrence, as Python reads it.
pub(crate) fn members(object: &[u8]) -> Parsed<Vec<(Cow<'_, str>, &[u8])>> {
    let mut members: Vec<(Cow<'_, str>, &[u8])> = Vec::new();
    let mut at = skip_space(object, 1);
    if object.get(at) == Some(&b'}') {
        return Ok(members);
    }
    loop {
        let key_end = skip_string(object, at)?;
        let key = key_text(&object[at..key_end]);
        let start = expect_colon(object, key_end)?;
        let end = skip_value(object, start)?;
        let value = &object[start..end];
        match members.iter_mut().find(|(known, _)| *known == key) {
            Some(member) => member.1 = value,
            None => members.push((key, value)),
        }
        match after_member(object, end, b'}')? {
            Next::Member(next) => at = next,
            Next::End(_) => return Ok(members),
        }
    }
}

/// The elements of a valid array.
pub(crate) fn elements(array: &[u8]) -> Parsed<Vec<&[u8]>> {
    let mut elements = Vec::new();
    let mut at = skip_space(array, 1);
    if array.get(at) == Some(&b']') {
        return Ok(elements);
    }
    loop {
        let end = skip_value(array, at)?;
        elements.push(&array[at..end]);
        match after_member(array, end, b']')? {
            Next::Member(next) => at = next,
            Next::End(_) => return Ok(elements),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_what_python_reads_and_refuses_the_rest() {
        for good in [r#"{"a":[1,-0.5e+3,{"b":null}],"\u00e9":"\"x"}"#, " 1", "[ ]", "\"\u{7f}\""] {
            let bytes = good.as_bytes();
            let start = skip_space(bytes, 0);
            assert_eq!(skip_value(bytes, start), Ok(bytes.len()), "{good}");
        }
        for bad in ["01", "1.", "-", "tru", "\"a", "{\"a\" 1}", "[1,]", "{,}", "\"\n\"", "\"\\x\""]
        {
            let end = skip_value(bad.as_bytes(), 0);
            assert!(end.is_err() || end != Ok(bad.len()), "{bad}");
        }
        let deep = "[".repeat(2000);
        assert_eq!(skip_value(deep.as_bytes(), 0).unwrap_err().what, "nested too deeply");
    }

    #[test]
    fn string_stop_finds_every_stop_at_every_offset() {
        for stop in [b'"', b'\\', 0x00, 0x1f] {
            for before in 0..20 {
                let mut text = vec![0xc3; before];
                text.push(stop);
                text.extend_from_slice(b"abcdefghijkl");
                assert_eq!(string_stop(&text, 0), before);
            }
        }
    }

    #[test]
    fn the_last_of_equal_keys_wins_in_the_first_place() {
        let members = members(br#"{"a":1,"b":2,"\u0061":3}"#).unwrap();
        let shown: Vec<_> = members.iter().map(|(key, value)| (key.as_ref(), *value)).collect();
        assert_eq!(shown, [("a", b"3".as_slice()), ("b", b"2".as_slice())]);
    }
}
