//! Damage at the level of bytes.

use super::choices::Stream;

const TOKENS: [&str; 24] = [
    ",",
    "{",
    "}",
    "[",
    "]",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    " ",
    "\n",
    ".",
    "-",
    "0",
    "1e400",
    "NaN",
    "null",
    "\"view\":{},",
    "\"by_view\":{},\"by_download\":{},",
    "\"id\":\"a\",",
    "{},",
    ".0",
    "\"view.total_events\":1,",
];

/// `text` with one or two changes.
pub(super) fn mutated(text: &[u8], stream: &mut Stream) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=stream.pick(1) {
        if text.is_empty() {
            break;
        }
        let length = text.len() as u32;
        let at = stream.pick(length) as usize;
        let end = (at + stream.pick(40) as usize).min(text.len());
        match stream.pick(7) {
            0 => text[at] = stream.next() as u8,
            1 => {
                let token = TOKENS[stream.pick(TOKENS.len() as u32) as usize].bytes();
                text.splice(at..at, token);
            }
            2 => {
                // A token where another member could begin.
                let at =
                    text[at..].iter().position(|byte| *byte == b',').map_or(at, |to| at + to + 1);
                let token = TOKENS[stream.pick(TOKENS.len() as u32) as usize].bytes();
                text.splice(at..at, token);
            }
            3 => {
                text.drain(at..end);
            }
            4 => {
                let copy = text[at..end].to_vec();
                let to = stream.pick(length) as usize;
                text.splice(to..to, copy);
            }
            5 => {
                // A member again, where it ends.
                let from =
                    text[at..].iter().position(|byte| *byte == b',').map_or(at, |to| at + to);
                let behind = text.get(from + 1..).unwrap_or_default();
                let length = behind.iter().position(|byte| *byte == b',').unwrap_or(0);
                let copy = behind[..length].to_vec();
                let again = [b",".as_slice(), &copy].concat();
                text.splice(from..from, again);
            }
            6 => text.truncate(at),
            _ => {
                let digit = text[at..].iter().position(u8::is_ascii_digit);
                if let Some(digit) = digit {
                    let token = ["-", "00", "1.5", "", "123456789012345678", "-0", "1e5"]
                        [stream.pick(7) as usize];
                    text.splice(at + digit..=at + digit, token.bytes());
                }
            }
        }
    }
    text
}
