//! Looking at a text byte by byte, and copying JSON values out of it as they stand.

use std::io::{self, Read};

/// A text that is read byte by byte.
pub(crate) struct Bytes<R> {
    raw: R,
    buffer: Vec<u8>,
    at: usize,
    ended: bool,
}

const CHUNK: usize = 64 * 1024;

impl<R: Read> Bytes<R> {
    pub(crate) fn new(raw: R) -> Self {
        Self { raw, buffer: Vec::new(), at: 0, ended: false }
    }

    /// What is read but not used up; empty only at the end.
    fn ahead(&mut self) -> io::Result<&[u8]> {
        if self.at == self.buffer.len() && !self.ended {
            self.buffer.clear();
            self.at = 0;
            let read = self.raw.by_ref().take(CHUNK as u64).read_to_end(&mut self.buffer)?;
            self.ended = read == 0;
        }
        Ok(&self.buffer[self.at..])
    }

    /// The next byte.
    pub(crate) fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.ahead()?.first().copied())
    }

    /// Leaves the next byte, which was looked at, behind.
    pub(crate) fn bump(&mut self) {
        self.at += 1;
    }

    pub(crate) fn skip_space_and_commas(&mut self) -> io::Result<()> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n' | b',') = self.peek()? {
            self.bump();
        }
        Ok(())
    }

    /// The first byte of the value of a member, after its colon.
    pub(crate) fn after_colon(&mut self) -> io::Result<u8> {
        for wanted in [Some(b':'), None] {
            while self.peek()?.is_some_and(|byte| byte.is_ascii_whitespace()) {
                self.bump();
            }
            let Some(next) = self.peek()? else { break };
            match wanted {
                Some(wanted) if wanted == next => self.bump(),
                Some(_) => {
                    let text = format!("not JSON: unexpected '{}'", next.escape_ascii());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
                None => return Ok(next),
            }
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the JSON breaks off"))
    }

    /// Adds the next value to `out`, which may be `limit` bytes long then. Ends of lines, which in
    /// JSON are white space, become spaces.
    pub(crate) fn copy_value(&mut self, out: &mut Vec<u8>, limit: usize) -> io::Result<()> {
        self.value(&mut |bytes| {
            if out.len() + bytes.len() > limit {
                let text = format!("a value of more than {limit} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            out.extend(bytes.iter().map(|byte| match byte {
                b'\n' | b'\r' => b' ',
                other => *other,
            }));
            Ok(())
        })
    }

    pub(crate) fn skip_value(&mut self) -> io::Result<()> {
        self.value(&mut |_| Ok(()))
    }

    /// Hands out the bytes of the next value, part by part.
    fn value(&mut self, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut scan = Scan::default();
        loop {
            let ahead = self.ahead()?;
            if ahead.is_empty() {
                return if scan.is_scalar() {
                    Ok(())
                } else {
                    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the JSON breaks off"))
                };
            }
            let (length, ended) = scan.over(ahead);
            if scan.broken {
                let text = "not JSON: the end of a line in a text";
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            take(&ahead[..length])?;
            self.at += length;
            if ended {
                return Ok(());
            }
        }
    }

    /// The next line without its end, at most `limit` bytes; `None` at the end.
    pub(crate) fn line(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if self.peek()?.is_none() {
            return Ok(None);
        }
        loop {
            let ahead = self.ahead()?;
            let end = memchr::memchr(b'\n', ahead);
            let length = end.unwrap_or(ahead.len());
            if line.len() + length > limit {
                let text = format!("a line of more than {limit} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            line.extend_from_slice(&ahead[..length]);
            let last = ahead.is_empty();
            self.at += length + usize::from(end.is_some());
            if end.is_some() || last {
                return Ok(Some(line));
            }
        }
    }
}

/// How much of a value was seen.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_text: bool,
    escaped: bool,
    begun: bool,
    /// A line ends in a text.
    broken: bool,
}

impl Scan {
    /// A number or a word, which ends where something else begins.
    fn is_scalar(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_text
    }

    /// How many of these bytes belong to the value, and whether it ends there.
    fn over(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, byte) in bytes.iter().enumerate() {
            if self.in_text {
                match byte {
                    b'\n' | b'\r' => self.broken = true,
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_text = false;
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            let scalar = self.is_scalar();
            match byte {
                b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' if scalar => return (at, true),
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                _ => {}
            }
            self.begun = true;
        }
        (bytes.len(), false)
    }
}
