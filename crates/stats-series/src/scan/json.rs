//! Walking over JSON text without building anything: members, strings, keys.

use std::borrow::Cow;

use super::text::string_text;

/// Where and why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Offset in bytes from the start of the document.
    pub(crate) at: usize,
    /// What was expected or found there.
    pub(crate) what: &'static str,
}

pub(crate) type Parsed<T> = Result<T, Malformed>;

pub(super) const fn malformed<T>(at: usize, what: &'static str) -> Parsed<T> {
    Err(Malformed { at, what })
}

#[inline]
pub(crate) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
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
    Ok((Key(string_text(&bytes[at..end])), end))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
