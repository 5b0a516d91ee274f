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
    for _ in 0..=stream.pick(2) {
        if text.is_empty() {
            break;
        }
        let length = text.len() as u32;
        let at = stream.pick(length) as usize;
        let end = (at + stream.pick(40) as usize).min(text.len());
        match stream.pick(8) {
            0 => text[at] = stream.next() as u8,
            1 => insert_token(&mut text, at, stream),
            2 => {
                let at = comma_from(&text, at).map_or(at, |comma| comma + 1);
                insert_token(&mut text, at, stream);
            }
            3 => {
                text.drain(at..end);
            }
            4 => {
                let copy = text[at..end].to_vec();
                let to = stream.pick(length) as usize;
                text.splice(to..to, copy);
            }
            5 => repeat_member(&mut text, at),
            6 => text.truncate(at),
            _ => replace_digit(&mut text, at, stream),
        }
    }
    text
}

/// Where the next comma is: behind it another member could begin.
fn comma_from(text: &[u8], at: usize) -> Option<usize> {
    text[at..].iter().position(|byte| *byte == b',').map(|to| at + to)
}

fn insert_token(text: &mut Vec<u8>, at: usize, stream: &mut Stream) {
    let token = TOKENS[stream.pick(TOKENS.len() as u32) as usize].bytes();
    text.splice(at..at, token);
}

/// A member again, where it ends.
fn repeat_member(text: &mut Vec<u8>, at: usize) {
    let from = comma_from(text, at).unwrap_or(at);
    let behind = text.get(from + 1..).unwrap_or_default();
    let length = behind.iter().position(|byte| *byte == b',').unwrap_or(0);
    let again = [b",".as_slice(), &behind[..length]].concat();
    text.splice(from..from, again);
}

/// Another number, or none, in the place of a digit.
fn replace_digit(text: &mut Vec<u8>, at: usize, stream: &mut Stream) {
    let Some(digit) = text[at..].iter().position(u8::is_ascii_digit) else { return };
    let numbers = ["-", "00", "1.5", "", "123456789012345678", "-0", "1e5"];
    let number = numbers[stream.pick(7) as usize];
    text.splice(at + digit..=at + digit, number.bytes());
}
