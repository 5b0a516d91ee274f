//! Texts of others, made harmless for whoever reads them on a terminal.

use std::fmt;

/// A text in which nothing moves the cursor, ends the line or turns the direction of reading: such
/// characters stand as `\u{…}`. For everything that people read; bodies and JSON stay as they are.
pub(crate) fn shown<T: AsRef<str>>(text: T) -> Shown<T> {
    Shown(text)
}

/// See [`shown`].
pub(crate) struct Shown<T>(T);

impl<T: AsRef<str>> fmt::Display for Shown<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_ref();
        while let Some(at) = rest.find(acts) {
            let (before, from) = rest.split_at(at);
            out.write_str(before)?;
            let mut letters = from.chars();
            if let Some(letter) = letters.next() {
                write!(out, "{}", letter.escape_unicode())?;
            }
            rest = letters.as_str();
        }
        out.write_str(rest)
    }
}

/// Whether a terminal does something at this character instead of showing it: control characters,
/// line ends, and marks, embeddings, overrides and isolates of direction.
pub(crate) fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_spelled_out_and_the_rest_is_left() {
        let text = "a\u{1b}[31m\u{7}\r\n\u{85}\u{9b}b\u{202e}\u{2066}\u{200f}\u{7f} größe 日本 👩‍👧";
        assert_eq!(
            shown(text).to_string(),
            "a\\u{1b}[31m\\u{7}\\u{d}\\u{a}\\u{85}\\u{9b}b\\u{202e}\\u{2066}\\u{200f}\\u{7f} größe \
             日本 👩‍👧"
        );
    }
}
