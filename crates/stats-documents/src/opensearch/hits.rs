//! Reads a page of hits as it arrives, hit by hit, without building a tree.
//!
//! The requests sort by day and sequence number, so every hit ends in
//! `"sort":[<day>,<its own _seq_no>]}`. That end is searched for, as quickly as memory can be
//! read, instead of walking through the document. Should a document contain such an end itself,
//! what is handed over is not balanced, so no reader takes it for a document.

use std::borrow::Cow;
use std::io::Read;

use memchr::{memchr2, memchr3, memmem};
use serde::Deserialize;

use super::failure::Failure;

/// Room for so much must be left before more is read.
const PIECE: usize = 128 << 10;
/// The buffer at first: what is moved to its start again and again, the rest of one hit, should be
/// little beside it.
const ROOM: usize = 512 << 10;
/// No document is larger: the search engine refuses requests above 100 MB.
const LARGEST_HIT: usize = 200 << 20;
const END: &[u8] = b",\"sort\":[";

/// A hit whose bytes are still in the reader's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    start: u64,
    id: (u64, u64),
    source: (u64, u64),
    /// The day, as milliseconds since 1970.
    pub(super) millis: i64,
    /// Its `_seq_no`.
    pub(super) sequence: u64,
}

impl Hit {
    /// How long its `_source` is.
    pub(super) const fn length(&self) -> u64 {
        self.source.1 - self.source.0
    }
}

/// What a search says beside its hits.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Summary {
    timed_out: Option<bool>,
    _shards: Option<Shards>,
    /// What was asked to be computed over all matching documents.
    #[serde(default)]
    pub(super) aggregations: serde_json::Value,
    /// The hits of a search for few and small documents.
    #[serde(default)]
    pub(super) hits: Found,
}

/// The hits of an answer that was read as a whole.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Found {
    #[serde(default)]
    pub(super) hits: Vec<FoundHit>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub(super) struct FoundHit {
    #[serde(rename = "_index")]
    pub(super) index: String,
    #[serde(rename = "_id")]
    pub(super) id: String,
    #[serde(rename = "_source")]
    pub(super) source: Box<serde_json::value::RawValue>,
    #[serde(default)]
    pub(super) sort: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Shards {
    total: u64,
    successful: u64,
    failed: u64,
    #[serde(default)]
    failures: serde_json::Value,
}

impl Summary {
    /// An error unless every shard has answered in full.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let incomplete = |reason: String| Err(Failure::Incomplete(reason));
        match (self.timed_out, &self._shards) {
            (Some(false), Some(shards))
                if shards.failed == 0 && shards.successful == shards.total =>
            {
                Ok(())
            }
            (Some(true), _) => incomplete("the search timed out in the cluster".to_owned()),
            (_, Some(shards)) if shards.failed > 0 || shards.successful < shards.total => {
                let reason = &shards.failures[0]["reason"]["reason"];
                let (failed, total) = (shards.total - shards.successful, shards.total);
                incomplete(format!("{failed} of {total} shards failed: {reason}"))
            }
            _ => Err(Failure::Malformed("the answer does not say whether it is whole".to_owned())),
        }
    }
}

/// Reads a search answer piece by piece. Positions count from the start of the answer; what lies
/// before the pin is forgotten.
pub(super) struct HitReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are filled.
    filled: usize,
    /// The position of the first byte of `buffer`.
    base: u64,
    /// The first position that is still needed.
    pin: u64,
    /// The position that is read next.
    at: u64,
    place: Place,
    rest: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    Hits,
    Rest,
}

impl<R: Read> HitReader<R> {
    pub(super) fn new(reader: R) -> Self {
        let rest = b"{".to_vec();
        let (buffer, place) = (vec![0; ROOM], Place::Head);
        Self { reader, buffer, filled: 0, base: 0, pin: 0, at: 0, place, rest }
    }

    /// The next hit, or `None` after the last one.
    pub(super) fn next_hit(&mut self) -> Result<Option<Hit>, Failure> {
        if self.place == Place::Head {
            self.open()?;
        }
        if self.place == Place::Rest {
            return Ok(None);
        }
        match self.token()? {
            b']' => {
                self.place = Place::Rest;
                Ok(None)
            }
            b',' => {
                self.expect(b'{')?;
                self.hit().map(Some)
            }
            b'{' => self.hit().map(Some),
            _ => Err(malformed("a list of hits")),
        }
    }

    /// The `_id` of a hit that was not released yet.
    pub(super) fn id(&self, hit: &Hit) -> Result<Cow<'_, str>, Failure> {
        let bytes = self.bytes(hit.id);
        let inner = &bytes[1..bytes.len() - 1];
        if memchr::memchr(b'\\', inner).is_none() {
            return std::str::from_utf8(inner).map(Cow::Borrowed).map_err(|_| malformed("an _id"));
        }
        serde_json::from_slice(bytes).map(Cow::Owned).map_err(|_| malformed("an _id"))
    }

    /// The `_source` of a hit that was not released yet; empty if the hit has none.
    pub(super) fn source(&self, hit: &Hit) -> &[u8] {
        self.bytes(hit.source)
    }

    /// Forget everything before this hit.
    pub(super) const fn release_before(&mut self, hit: &Hit) {
        self.pin = hit.start;
    }

    /// Forget everything up to what is read next.
    pub(super) fn release(&mut self) {
        self.pin = self.at;
    }

    /// Reads what follows the hits, to the end, and checks that the answer is whole.
    pub(super) fn finish(mut self) -> Result<Summary, Failure> {
        while self.next_hit()?.is_some() {
            self.release();
        }
        // The end of the object `hits`, then the other members, up to the end of the answer.
        self.members(false)?;
        self.members(true)?;
        if self.rest.len() > 1 {
            self.rest.pop();
        }
        self.rest.push(b'}');
        while self.fill()? > 0 {
            self.at = self.base + self.filled as u64;
            self.release();
        }
        let summary: Summary = serde_json::from_slice(&self.rest)
            .map_err(|error| Failure::Malformed(format!("not a search answer: {error}")))?;
        summary.check()?;
        Ok(summary)
    }

    /// How many bytes were read.
    pub(super) const fn position(&self) -> u64 {
        self.at
    }

    /// Reads up to the first hit: into the member `hits` of the answer, and in that of `hits`.
    fn open(&mut self) -> Result<(), Failure> {
        self.expect(b'{')?;
        self.enter("hits", true)?;
        self.expect(b'{')?;
        self.enter("hits", false)?;
        self.expect(b'[')?;
        self.place = Place::Hits;
        self.release();
        Ok(())
    }

    /// Reads members up to the value of the one with this name; keeps the others if asked to.
    fn enter(&mut self, name: &str, keep: bool) -> Result<(), Failure> {
        loop {
            let key = match self.token()? {
                b',' => {
                    self.expect(b'"')?;
                    self.string()?
                }
                b'"' => self.string()?,
                _ => return Err(malformed("hits")),
            };
            self.expect(b':')?;
            if self.bytes(key) == format!("\"{name}\"").as_bytes() {
                return Ok(());
            }
            let value = self.value()?;
            if keep {
                self.keep(key, value);
            }
        }
    }

    /// Reads the remaining members of an object, up to its end; keeps them if asked to.
    fn members(&mut self, keep: bool) -> Result<(), Failure> {
        loop {
            match self.token()? {
                b'}' => return Ok(()),
                b',' => {
                    self.expect(b'"')?;
                    let key = self.string()?;
                    self.expect(b':')?;
                    let value = self.value()?;
                    if keep {
                        self.keep(key, value);
                    }
                }
                _ => return Err(malformed("the end of an answer")),
            }
            self.release();
        }
    }

    fn keep(&mut self, key: (u64, u64), value: (u64, u64)) {
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(self.bytes(key));
        rest.push(b':');
        rest.extend_from_slice(self.bytes(value));
        rest.push(b',');
        self.rest = rest;
    }

    /// Reads the members of a hit, after its brace.
    fn hit(&mut self) -> Result<Hit, Failure> {
        let start = self.at - 1;
        let (mut id, mut sequence, mut millis) = (None, None, None);
        let mut source = (start, start);
        loop {
            match self.token()? {
                b'}' => break,
                b',' => continue,
                b'"' => {}
                _ => return Err(malformed("a hit")),
            }
            let key = self.string()?;
            self.expect(b':')?;
            match self.bytes(key) {
                b"\"_id\"" => id = Some(self.value()?),
                b"\"_seq_no\"" => {
                    let value = self.value()?;
                    sequence = number(self.bytes(value)).and_then(|n| u64::try_from(n).ok());
                }
                b"\"_source\"" => source = self.document(sequence)?,
                b"\"sort\"" => {
                    let value = self.value()?;
                    let list = self.bytes(value);
                    let first = list[1..].split(|byte| matches!(byte, b',' | b']')).next();
                    millis = first.and_then(number);
                }
                _ => {
                    self.value()?;
                }
            }
        }
        match (id, sequence, millis) {
            (Some(id), Some(sequence), Some(millis)) if self.bytes(id).len() > 2 => {
                Ok(Hit { start, id, source, millis, sequence })
            }
            _ => Err(malformed("a hit with _id, _seq_no and sort")),
        }
    }

    /// The range of a `_source`, found by the end that its hit must have.
    fn document(&mut self, sequence: Option<u64>) -> Result<(u64, u64), Failure> {
        let sequence = sequence.ok_or_else(|| malformed("_seq_no before _source"))?;
        let tail = format!(",{sequence}]}}");
        let start = self.at;
        let mut from = start;
        loop {
            let window = &self.buffer[(from - self.base) as usize..self.filled];
            if let Some(found) = memmem::find(window, END) {
                let end = from + found as u64;
                let after = end + END.len() as u64;
                self.fill_to(after + 20 + tail.len() as u64)?;
                let bytes = &self.buffer[(after - self.base) as usize..self.filled];
                let digits =
                    bytes.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
                if bytes[digits..].starts_with(tail.as_bytes()) {
                    self.at = end;
                    return Ok((start, end));
                }
                from = after;
            } else {
                let end = self.base + self.filled as u64;
                from = from.max(end.saturating_sub(END.len() as u64));
                if self.fill()? == 0 {
                    return Err(early());
                }
            }
        }
    }

    /// The range of the JSON value that starts here; only its end is looked for.
    fn value(&mut self) -> Result<(u64, u64), Failure> {
        let first = self.token()?;
        let start = self.at - 1;
        match first {
            b'"' => {
                self.string()?;
            }
            b'{' => self.nested(b'{', b'}')?,
            b'[' => self.nested(b'[', b']')?,
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
        let mut depth = 1;
        while depth > 0 {
            let window = &self.buffer[(self.at - self.base) as usize..self.filled];
            let Some(found) = memchr3(b'"', open, close, window) else {
                self.at = self.base + self.filled as u64;
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
    fn string(&mut self) -> Result<(u64, u64), Failure> {
        let start = self.at - 1;
        loop {
            let window = &self.buffer[(self.at - self.base) as usize..self.filled];
            match memchr2(b'"', b'\\', window) {
                None => {
                    self.at = self.base + self.filled as u64;
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
    fn token(&mut self) -> Result<u8, Failure> {
        loop {
            let byte = self.peek()?;
            self.at += 1;
            if !byte.is_ascii_whitespace() {
                return Ok(byte);
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        if self.token()? == byte { Ok(()) } else { Err(malformed("a search answer")) }
    }

    fn peek(&mut self) -> Result<u8, Failure> {
        if self.at >= self.base + self.filled as u64 {
            self.more()?;
        }
        Ok(self.buffer[(self.at - self.base) as usize])
    }

    fn bytes(&self, (start, end): (u64, u64)) -> &[u8] {
        &self.buffer[(start - self.base) as usize..(end - self.base) as usize]
    }

    fn more(&mut self) -> Result<(), Failure> {
        if self.fill()? == 0 { Err(early()) } else { Ok(()) }
    }

    fn fill_to(&mut self, position: u64) -> Result<(), Failure> {
        while self.base + (self.filled as u64) < position {
            if self.fill()? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Reads another piece, moving or growing the buffer if it must; 0 at the end.
    fn fill(&mut self) -> Result<usize, Failure> {
        if self.buffer.len() - self.filled < PIECE {
            let keep = (self.pin - self.base) as usize;
            if keep > 0 {
                self.buffer.copy_within(keep..self.filled, 0);
                self.base = self.pin;
                self.filled -= keep;
            }
            if self.buffer.len() - self.filled < PIECE {
                if self.buffer.len() > LARGEST_HIT {
                    return Err(Failure::Malformed("a hit larger than any document".to_owned()));
                }
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let length = self.reader.read(&mut self.buffer[self.filled..])?;
        self.filled += length;
        Ok(length)
    }
}

fn number(bytes: &[u8]) -> Option<i64> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

fn malformed(what: &str) -> Failure {
    Failure::Malformed(format!("expected {what}"))
}

fn early() -> Failure {
    Failure::Body(std::io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests;
