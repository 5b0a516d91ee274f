//! Finding the end of a value, and whether it is one.
//!
//! What is valid is what Python's `json` reads: JSON, and `NaN`, `Infinity` and `-Infinity`.

use super::json::{Next, Parsed, after_member, expect_colon, malformed, skip_space, skip_string};

/// The document itself and what nests inside it: beyond this, the reference's parser refuses. It
/// allows 10,000 levels of C calls on Linux; three are spent before the first value, and four of
/// the search answer stand around a document.
pub(crate) const MAX_DEPTH: u32 = 9_993;

/// Python refuses integers of more digits.
pub(crate) const MAX_INTEGER_DIGITS: usize = 4_300;

/// Skips a value and returns the offset behind it. `at` is its first byte; `outer` objects and
/// lists stand around it. Uses no stack, however deep the value nests.
#[inline]
pub(crate) fn skip_value(bytes: &[u8], at: usize, outer: u32) -> Parsed<usize> {
    match bytes.get(at) {
        Some(b'{' | b'[') => skip_container(bytes, at, outer),
        _ => skip_scalar(bytes, at),
    }
}

fn skip_container(bytes: &[u8], mut at: usize, outer: u32) -> Parsed<usize> {
    let mut open = Open::default();
    loop {
        let mut end = match bytes.get(at) {
            Some(b'{' | b'[') => {
                if outer + open.depth >= MAX_DEPTH {
                    return malformed(at, "nested too deeply");
                }
                let is_object = bytes[at] == b'{';
                let inside = skip_space(bytes, at + 1);
                if bytes.get(inside) == Some(&closing(is_object)) {
                    inside + 1
                } else {
                    open.push(is_object);
                    at = if is_object { skip_key(bytes, inside)? } else { inside };
                    continue;
                }
            }
            _ => skip_scalar(bytes, at)?,
        };
        loop {
            let Some(is_object) = open.innermost() else { return Ok(end) };
            match after_member(bytes, end, closing(is_object))? {
                Next::Member(next) => {
                    at = if is_object { skip_key(bytes, next)? } else { next };
                    break;
                }
                Next::End(behind) => {
                    open.pop();
                    end = behind;
                }
            }
        }
    }
}

const fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

/// The containers around a place, one bit each: whether it is an object.
#[derive(Default)]
struct Open {
    depth: u32,
    /// The innermost ones, the last in the lowest bit.
    bits: u64,
    /// Those around them, 64 at a time.
    outer: Vec<u64>,
}

impl Open {
    #[inline]
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = (self.bits << 1) | u64::from(is_object);
        self.depth += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    #[inline]
    const fn innermost(&self) -> Option<bool> {
        if self.depth == 0 { None } else { Some(self.bits & 1 == 1) }
    }
}

fn skip_scalar(bytes: &[u8], at: usize) -> Parsed<usize> {
    match bytes.get(at) {
        Some(b'"') => skip_string(bytes, at),
        Some(b'-' | b'0'..=b'9') => skip_number(bytes, at),
        Some(b't') => literal(bytes, at, b"true"),
        Some(b'f') => literal(bytes, at, b"false"),
        Some(b'n') => literal(bytes, at, b"null"),
        Some(b'N') => literal(bytes, at, b"NaN"),
        Some(b'I') => literal(bytes, at, b"Infinity"),
        Some(_) => malformed(at, "expected a JSON value"),
        None => malformed(at, "the document ends in the middle"),
    }
}

/// Skips a key and its colon; returns the offset of the value.
fn skip_key(bytes: &[u8], at: usize) -> Parsed<usize> {
    let end = skip_string(bytes, at)?;
    expect_colon(bytes, end)
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
    if at > start && bytes.get(at) == Some(&b'I') {
        return literal(bytes, at, b"Infinity");
    }
    let first = at;
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
    if at == whole && whole - first > MAX_INTEGER_DIGITS {
        return malformed(start, "an integer of more than 4300 digits");
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_what_python_reads_and_refuses_the_rest() {
        for good in [
            r#"{"a":[1,-0.5e+3,{"b":null}],"\u00e9":"\"x"}"#,
            " 1",
            "[ ]",
            "\"\u{7f}\"",
            "[NaN,Infinity,-Infinity]",
        ] {
            let bytes = good.as_bytes();
            let start = skip_space(bytes, 0);
            assert_eq!(skip_value(bytes, start, 0), Ok(bytes.len()), "{good}");
        }
        for bad in [
            "01",
            "1.",
            "-",
            "-NaN",
            "Inf",
            "tru",
            "\"a",
            "{\"a\" 1}",
            "[1,]",
            "{,}",
            "\"\n\"",
            "\"\\x\"",
        ] {
            let end = skip_value(bad.as_bytes(), 0, 0);
            assert!(end.is_err() || end != Ok(bad.len()), "{bad}");
        }
    }

    #[test]
    fn depth_ends_where_python_ends_and_costs_no_stack() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let deepest = MAX_DEPTH as usize;
        let text = nested(deepest);
        assert_eq!(skip_value(text.as_bytes(), 0, 0), Ok(text.len()));
        assert_eq!(skip_value(text.as_bytes(), 0, 1).unwrap_err().what, "nested too deeply");
        for (text, at) in [
            (nested(deepest + 1), deepest),
            ("[".repeat(1 << 20), deepest),
            ("{\"a\":".repeat(1 << 18), 5 * deepest),
        ] {
            let error = skip_value(text.as_bytes(), 0, 0).unwrap_err();
            assert_eq!((error.at, error.what), (at, "nested too deeply"));
        }
        let mixed = format!("{}1{}", "[{\"a\":".repeat(150), "}]".repeat(150));
        assert_eq!(skip_value(mixed.as_bytes(), 0, 0), Ok(mixed.len()));
        let wrong = mixed.replacen("1}]", "1]}", 1);
        assert!(skip_value(wrong.as_bytes(), 0, 0).is_err());
    }

    #[test]
    fn integers_have_as_many_digits_as_python_allows() {
        let most = "9".repeat(MAX_INTEGER_DIGITS);
        for good in [most.clone(), format!("-{most}"), format!("{most}9.5"), format!("{most}9e1")] {
            assert_eq!(skip_value(good.as_bytes(), 0, 0), Ok(good.len()));
        }
        assert!(skip_value(format!("{most}9").as_bytes(), 0, 0).is_err());
    }
}
