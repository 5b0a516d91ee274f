//! The part of an answer that is in memory, and the tokens in it.

use std::io::Read;

use memchr::{memchr2, memchr3};

use super::super::body::{Room, SMALL};
use super::super::failure::Failure;

/// Room for so much must be left before more is read.
pub(super) const PIECE: usize = 128 << 10;
/// The buffer at first: what is moved to its start again and again, the rest of one hit, should be
/// little beside it.
const ROOM: usize = 512 << 10;
/// The documents of one day, which are kept until the day is over, are smaller; so is whatever
/// stands between two tokens.
const LARGEST: usize = 24 << 20;

/// Reads an answer piece by piece. Positions count from the start of the answer; what lies before
/// the pin is forgotten.
pub(super) struct Window<'a, R> {
    reader: R,
    room: Room<'a>,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are filled.
    filled: usize,
    /// The position of the first byte of `buffer`.
    base: u64,
    /// The first position that is still needed.
    pub(super) pin: u64,
    /// The position that is read next.
    pub(super) at: u64,
}

impl<'a, R: Read> Window<'a, R> {
    pub(super) fn new(reader: R, room: Room<'a>) -> Self {
        Self { reader, room, buffer: vec![0; ROOM], filled: 0, base: 0, pin: 0, at: 0 }
    }

    /// What lies between two positions that are not forgotten.
    pub(super) fn bytes(&self, (start, end): (u64, u64)) -> &[u8] {
        &self.buffer[(start - self.base) as usize..(end - self.base) as usize]
    }

    /// What is in memory from a position on.
    pub(super) fn from(&self, start: u64) -> &[u8] {
        &self.buffer[(start - self.base) as usize..self.filled]
    }

    /// The position after what is in memory.
    pub(super) const fn end(&self) -> u64 {
        self.base + self.filled as u64
    }

    /// The range of the JSON value that starts here; only its end is looked for.
    pub(super) fn value(&mut self) -> Result<(u64, u64), Failure> {
        let first = self.token()?;
        let start = self.at - 1;
        match first {
            b'"' => {
                self.string()?;
            }
            b'{' => self.nested(b'{', b'}')?,
            b'[' => self.nested(b'[', b']')?,
            b',' | b'}' | b']' | b':' => return Err(malformed("a value")),
            _ => loop {
                match self.peek()? {
                    b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' => break,
                    _ => self.at += 1,
                }
            },
        }
        Ok((start, self.at))
    }

    /// Reads to the end of an object or array, after its opening byte.
    fn nested(&mut self, open: u8, close: u8) -> Result<(), Failure> {
        let mut depth: u64 = 1;
        while depth > 0 {
            let window = self.from(self.at);
            let Some(found) = memchr3(b'"', open, close, window) else {
                self.at = self.end();
                self.more()?;
                continue;
            };
            let byte = window[found];
            self.at += found as u64 + 1;
            match byte {
                b'"' => {
                    self.string()?;
                }
                byte if byte == open => depth += 1,
                _ => depth -= 1,
            }
        }
        Ok(())
    }

    /// The range of a string with its quotes, after its opening quote.
    pub(super) fn string(&mut self) -> Result<(u64, u64), Failure> {
        let start = self.at - 1;
        loop {
            let window = self.from(self.at);
            match memchr2(b'"', b'\\', window) {
                None => {
                    self.at = self.end();
                    self.more()?;
                }
                Some(found) if window[found] == b'"' => {
                    self.at += found as u64 + 1;
                    return Ok((start, self.at));
                }
                Some(found) => {
                    self.at += found as u64 + 1;
                    self.peek()?;
                    self.at += 1;
                }
            }
        }
    }

    /// The next byte that is not white space, read.
    pub(super) fn token(&mut self) -> Result<u8, Failure> {
        loop {
            let byte = self.peek()?;
            self.at += 1;
            if !byte.is_ascii_whitespace() {
                return Ok(byte);
            }
        }
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        if self.token()? == byte { Ok(()) } else { Err(malformed("a search answer")) }
    }

    fn peek(&mut self) -> Result<u8, Failure> {
        if self.at >= self.end() {
            self.more()?;
        }
        Ok(self.buffer[(self.at - self.base) as usize])
    }

    fn more(&mut self) -> Result<(), Failure> {
        if self.fill()? == 0 { Err(early()) } else { Ok(()) }
    }

    /// Reads until this position is in memory, or the answer is at its end.
    pub(super) fn fill_to(&mut self, position: u64) -> Result<(), Failure> {
        while self.end() < position {
            if self.fill()? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Reads another piece, moving or growing the buffer if it must; 0 at the end.
    pub(super) fn fill(&mut self) -> Result<usize, Failure> {
        if self.buffer.len() - self.filled < PIECE {
            let keep = (self.pin - self.base) as usize;
            if keep > 0 {
                self.buffer.copy_within(keep..self.filled, 0);
                self.base = self.pin;
                self.filled -= keep;
            }
            if self.buffer.len() - self.filled < PIECE {
                self.grow()?;
            }
        }
        let length = self.reader.read(&mut self.buffer[self.filled..])?;
        self.filled += length;
        Ok(length)
    }

    fn grow(&mut self) -> Result<(), Failure> {
        if self.filled >= LARGEST {
            let limit = LARGEST >> 20;
            let what = format!("more than {limit} MiB in one hit, or in the documents of one day");
            return Err(Failure::TooLarge(what));
        }
        let length = (self.buffer.len() * 2).min(LARGEST + PIECE);
        if length > SMALL {
            self.room.take();
        }
        self.buffer.reserve_exact(length - self.buffer.len());
        self.buffer.resize(length, 0);
        Ok(())
    }
}

pub(super) fn malformed(what: &str) -> Failure {
    Failure::Malformed(format!("expected {what}"))
}

pub(super) fn early() -> Failure {
    Failure::Body(std::io::ErrorKind::UnexpectedEof.into())
}
