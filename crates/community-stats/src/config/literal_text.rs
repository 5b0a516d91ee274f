//! The smallest parts of a Python literal: space, numbers, texts.

use super::literal::{Literal, LiteralError};

/// Reads a text from left to right.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn error(&self, reason: &'static str) -> LiteralError {
        LiteralError { offset: self.at, reason }
    }

    /// Space within a line, continued lines included.
    pub(super) fn skip_space(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | 0x0c) => self.at += 1,
                Some(b'\\') if self.rest().starts_with("\\\n") => self.at += 2,
                Some(b'\\') if self.rest().starts_with("\\\r\n") => self.at += 3,
                _ => return,
            }
        }
    }

    /// Space, line ends and comments.
    pub(super) fn skip_lines(&mut self) {
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'\n' | b'\r') => self.at += 1,
                Some(b'#') => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => return,
            }
        }
    }

    /// The name that begins here; empty when none does.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let part = |letter: char| letter.is_alphanumeric() || letter == '_';
        let end = rest.find(|letter| !part(letter)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Whether a text begins here: a quote after at most two letters.
    pub(super) fn at_text(&self) -> bool {
        let rest = self.rest();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        letters <= 2 && matches!(rest.as_bytes().get(letters), Some(b'"' | b'\''))
    }

    /// A number without a sign.
    pub(super) fn number(&mut self) -> Result<Literal, LiteralError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut end = 0;
        while let Some(byte) = bytes.get(end) {
            let exponent_sign = matches!(byte, b'+' | b'-')
                && matches!(bytes[end - 1], b'e' | b'E')
                && !rest.starts_with("0x")
                && !rest.starts_with("0X");
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || exponent_sign) {
                break;
            }
            end += 1;
        }
        let number = number_from(&rest[..end]).map_err(|reason| self.error(reason))?;
        self.at += end;
        Ok(number)
    }

    /// One text with its prefix; appends its content.
    pub(super) fn text(&mut self, content: &mut String) -> Result<(), LiteralError> {
        let prefix = self.word().to_ascii_lowercase();
        let raw = match prefix.as_str() {
            "" | "u" => false,
            "r" => true,
            "b" | "br" | "rb" => return Err(self.error("bytes")),
            "f" | "fr" | "rf" => return Err(self.error("a text with expressions in it")),
            _ => return Err(self.error("a text with an unknown prefix")),
        };
        let rest = self.rest();
        let quote = if rest.starts_with("\"\"\"") || rest.starts_with("'''") {
            &rest[..3]
        } else {
            &rest[..1]
        };
        self.at += quote.len();
        loop {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += quote.len();
                return Ok(());
            }
            let Some(letter) = rest.chars().next() else {
                return Err(self.error("a text without an end"));
            };
            match letter {
                '\0' => return Err(self.error("a zero byte")),
                '\n' if quote.len() == 1 => return Err(self.error("a text without an end")),
                '\r' if rest.starts_with("\r\n") => self.at += 1,
                '\\' if raw => self.raw_escape(content),
                '\\' => self.escape(content)?,
                letter => {
                    content.push(letter);
                    self.at += letter.len_utf8();
                }
            }
        }
    }

    /// In a raw text a backslash stays and keeps what follows from ending the text.
    fn raw_escape(&mut self, content: &mut String) {
        let taken: String = self.rest().chars().take(2).collect();
        self.at += taken.len();
        content.push_str(&taken);
    }

    fn escape(&mut self, content: &mut String) -> Result<(), LiteralError> {
        self.at += 1;
        let Some(letter) = self.rest().chars().next() else {
            return Err(self.error("a text without an end"));
        };
        if letter.is_digit(8) {
            let digits = self.rest().chars().take(3).take_while(|digit| digit.is_digit(8)).count();
            return self.code(0, digits, 8, content);
        }
        match letter {
            'x' => return self.code(1, 2, 16, content),
            'u' => return self.code(1, 4, 16, content),
            'U' => return self.code(1, 8, 16, content),
            'N' => return Err(self.error("a letter by its name")),
            '\n' => {}
            '\r' => self.at += usize::from(self.rest().starts_with("\r\n")),
            'a' => content.push('\x07'),
            'b' => content.push('\x08'),
            'f' => content.push('\x0c'),
            'n' => content.push('\n'),
            'r' => content.push('\r'),
            't' => content.push('\t'),
            'v' => content.push('\x0b'),
            '\\' | '\'' | '"' => content.push(letter),
            other => content.extend(['\\', other]),
        }
        self.at += letter.len_utf8();
        Ok(())
    }

    /// A letter by its number: exactly `count` digits after `skip` bytes.
    fn code(
        &mut self,
        skip: usize,
        count: usize,
        radix: u32,
        content: &mut String,
    ) -> Result<(), LiteralError> {
        let digits = self.rest().get(skip..skip + count).filter(|digits| {
            !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))
        });
        let letter = digits
            .and_then(|digits| u32::from_str_radix(digits, radix).ok())
            .and_then(char::from_u32)
            .ok_or_else(|| self.error("a letter by an impossible number"))?;
        content.push(letter);
        self.at += skip + count;
        Ok(())
    }
}

fn number_from(written: &str) -> Result<Literal, &'static str> {
    const WRONG: &str = "a number that cannot be read";
    let lower = written.to_ascii_lowercase();
    if !underscores_stand_between_digits(&lower) {
        return Err(WRONG);
    }
    let plain = lower.replace('_', "");
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            return i64::from_str_radix(digits, radix).map(Literal::Int).map_err(|_| WRONG);
        }
    }
    if plain.bytes().all(|byte| byte.is_ascii_digit()) {
        if plain.starts_with('0') && plain.bytes().any(|byte| byte != b'0') {
            return Err(WRONG);
        }
        return plain.parse().map(Literal::Int).map_err(|_| "a number beyond 64 bits");
    }
    // Rust also reads words such as `inf`, which cannot get here: a number begins with a digit or
    // a point.
    let is_float = plain.bytes().all(|byte| byte.is_ascii_digit() || b".e+-".contains(&byte));
    match plain.parse() {
        Ok(number) if is_float && plain != "." => Ok(Literal::Float(number)),
        _ => Err(WRONG),
    }
}

/// `1_000`, also `0x_ff`; not `1__0`, `1_`, `1_.5`.
fn underscores_stand_between_digits(written: &str) -> bool {
    let bytes = written.as_bytes();
    let based = matches!(bytes.get(1), Some(b'x' | b'o' | b'b'));
    let digit = |at: usize| {
        bytes.get(at).is_some_and(|byte| {
            if based { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() }
        })
    };
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(|(at, _)| {
        let before = at.checked_sub(1).is_some_and(digit) || (based && at == 2);
        before && digit(at + 1)
    })
}
