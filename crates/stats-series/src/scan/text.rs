//! The text of JSON strings as Python holds it: code points, halves of surrogate pairs among them.
//!
//! Such texts are bytes in UTF-8 in which half of a pair may stand like any other code point, so
//! two texts are equal exactly when Python finds them equal. Whole pairs are always joined.

use std::borrow::Cow;

/// The text between the quotes of a valid string, escapes resolved.
pub(crate) fn string_text(quoted: &[u8]) -> Cow<'_, [u8]> {
    let inner = &quoted[1..quoted.len() - 1];
    let Some(first) = memchr::memchr(b'\\', inner) else {
        return Cow::Borrowed(inner);
    };
    let mut text = Vec::with_capacity(inner.len());
    let mut at = 0;
    let mut next = Some(first);
    while let Some(backslash) = next {
        text.extend_from_slice(&inner[at..backslash]);
        at = unescape(&mut text, inner, backslash);
        next = memchr::memchr(b'\\', &inner[at..]).map(|offset| at + offset);
    }
    text.extend_from_slice(&inner[at..]);
    Cow::Owned(text)
}

/// The text as UTF-8; `None` when it holds half of a surrogate pair, which is no character.
pub(crate) fn utf8(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

/// The code points of a text.
pub(crate) fn code_points(text: &[u8]) -> impl Iterator<Item = u32> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (first, behind) = rest.split_first()?;
        let (mut code, more) = match first {
            0..0x80 => (u32::from(*first), 0),
            0x80..0xe0 => (u32::from(first & 0x1f), 1),
            0xe0..0xf0 => (u32::from(first & 0x0f), 2),
            _ => (u32::from(first & 0x07), 3),
        };
        let (more, behind) = behind.split_at(more.min(behind.len()));
        for byte in more {
            code = (code << 6) | u32::from(byte & 0x3f);
        }
        rest = behind;
        Some(code)
    })
}

/// Appends what the escape at `backslash` stands for; returns the offset behind it.
fn unescape(text: &mut Vec<u8>, inner: &[u8], backslash: usize) -> usize {
    let simple = match inner[backslash + 1] {
        b'b' => 0x8,
        b'f' => 0xc,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let (code, end) = unescape_unit(inner, backslash);
            push_code_point(text, code);
            return end;
        }
        other => other,
    };
    text.push(simple);
    backslash + 2
}

/// The code point of one `\u` escape, or of two that are a surrogate pair.
fn unescape_unit(inner: &[u8], backslash: usize) -> (u32, usize) {
    let unit = hex_unit(inner, backslash);
    let end = backslash + 6;
    if (0xd800..0xdc00).contains(&unit) && inner[end..].starts_with(b"\\u") {
        let low = hex_unit(inner, end);
        if (0xdc00..0xe000).contains(&low) {
            return (0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), end + 6);
        }
    }
    (unit, end)
}

/// The four hexadecimal digits behind `\u` at `backslash`.
fn hex_unit(inner: &[u8], backslash: usize) -> u32 {
    let digits = inner.get(backslash + 2..backslash + 6).unwrap_or_default();
    digits
        .iter()
        .fold(0, |unit, digit| (unit << 4) | char::from(*digit).to_digit(16).unwrap_or_default())
}

fn push_code_point(text: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(character) => {
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        None => {
            let low = |shift: u32| 0x80 | ((code >> shift) & 0x3f) as u8;
            text.extend_from_slice(&[0xe0 | (code >> 12) as u8, low(6), low(0)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(quoted: &str) -> Vec<u32> {
        code_points(&string_text(quoted.as_bytes())).collect()
    }

    #[test]
    fn pairs_are_joined_and_halves_are_kept() {
        assert_eq!(points(r#""\ud83d\udc19""#), [0x1f419]);
        assert_eq!(points(r#""\ud83d""#), [0xd83d]);
        assert_eq!(points(r#""\udc19\ud83d""#), [0xdc19, 0xd83d]);
        assert_eq!(points(r#""\ud83d\ud83d\udc19x""#), [0xd83d, 0x1f419, 0x78]);
        assert_eq!(points(r#""\ud83d\n\/é🐙\\""#), [0xd83d, 0xa, 0x2f, 0xe9, 0x1f419, 0x5c]);
        assert_eq!(utf8(&string_text(br#""\ud800""#)), None);
        assert_eq!(utf8(&string_text(br#""\u00e9""#)), Some("é"));
    }
}
