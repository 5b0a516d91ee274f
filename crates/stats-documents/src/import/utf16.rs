//! UTF-16, as some tools of Windows write it, read as UTF-8.

use std::io::{self, Read};

/// Reads UTF-16 as UTF-8. What is not UTF-16 is an error, never another character.
pub(crate) struct Utf16<R> {
    raw: R,
    little: bool,
    /// Bytes that do not make a character yet.
    rest: Vec<u8>,
    plain: Vec<u8>,
    at: usize,
}

const CHUNK: usize = 64 * 1024;

impl<R: Read> Utf16<R> {
    pub(crate) fn new(raw: R, little: bool) -> Self {
        Self { raw, little, rest: Vec::new(), plain: Vec::new(), at: 0 }
    }

    /// Decodes the next bytes; whether there were any.
    fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = std::mem::take(&mut self.rest);
        let before = chunk.len();
        self.raw.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        let ended = chunk.len() - before < CHUNK;
        let unit = |pair: &[u8]| {
            let pair = [pair[0], pair[1]];
            if self.little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
        };
        let mut whole = chunk.len() & !1;
        // The second half of a character may be in the next chunk.
        let is_first_half = |unit| (0xd800..0xdc00).contains(&unit);
        if !ended && whole >= 2 && is_first_half(unit(&chunk[whole - 2..])) {
            whole -= 2;
        }
        let invalid = |_| io::Error::new(io::ErrorKind::InvalidData, "invalid UTF-16");
        let text: Result<String, _> =
            char::decode_utf16(chunk[..whole].chunks_exact(2).map(unit)).collect();
        self.plain = text.map_err(invalid)?.into_bytes();
        self.at = 0;
        self.rest = chunk.split_off(whole);
        if ended && !self.rest.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "half of a character at the end",
            ));
        }
        Ok(!self.plain.is_empty() || !ended)
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let length = buffer.len().min(self.plain.len() - self.at);
        buffer[..length].copy_from_slice(&self.plain[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_and_what_is_cut_is_an_error() {
        for text in ["", "a", "\u{feff}{\"a\":\"ü😀\"}\r\n", &"😀x".repeat(CHUNK / 3)] {
            for little in [true, false] {
                let encode =
                    |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
                let bytes: Vec<u8> = text.encode_utf16().flat_map(encode).collect();
                let mut read = String::new();
                Utf16::new(&bytes[..], little).read_to_string(&mut read).unwrap();
                assert_eq!(read, text);
                if !bytes.is_empty() {
                    let cut = &bytes[..bytes.len() - 1];
                    assert!(Utf16::new(cut, little).read_to_string(&mut String::new()).is_err());
                }
            }
        }
        let half = 0xd83d_u16.to_le_bytes();
        assert!(Utf16::new(&half[..], true).read_to_string(&mut String::new()).is_err());
    }
}
