//! Reads a page of hits as it arrives, hit by hit, without building a tree.
//!
//! The requests sort by day and sequence number, so every hit that comes as a node writes it ends
//! in `"sort":[<day>,<its own _seq_no>]}`. That end is searched for, as quickly as memory can be
//! read, instead of walking through the document. Should a document contain such an end itself,
//! what is handed over is not balanced, so no reader takes it for a document.
//!
//! What stands between may write the same JSON anew, with white space, another order, or escapes:
//! then the end of a document is found by walking through it.

mod window;

use std::borrow::Cow;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memmem;
use serde::de::DeserializeOwned;

use self::window::{Window, malformed};
use super::answer::Summary;
use super::body::{LARGEST_ANSWER, Room};
use super::failure::Failure;
use super::json::{Signed, Whole};

const END: &[u8] = b",\"sort\":[";
const SOURCE: &[u8] = b",\"_source\":";

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

/// Whether answers come as a node writes them. Something between may write them anew; then no time
/// is lost any more with looking for what a node writes.
#[derive(Debug, Default)]
pub(super) struct Style(AtomicBool);

impl Style {
    fn is_anew(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn note_anew(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads a search answer piece by piece.
pub(super) struct HitReader<'a, R> {
    window: Window<'a, R>,
    style: &'a Style,
    place: Place,
    rest: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    Hits,
    Rest,
}

/// The members of a hit that were read so far.
#[derive(Default)]
struct Members {
    index: bool,
    score: bool,
    id: Option<(u64, u64)>,
    sequence: Option<u64>,
    millis: Option<i64>,
    source: Option<(u64, u64)>,
    /// Whether the end of the document was found by walking through it.
    walked: bool,
}

impl<'a, R: Read> HitReader<'a, R> {
    pub(super) fn new(reader: R, room: Room<'a>, style: &'a Style) -> Self {
        let window = Window::new(reader, room);
        Self { window, style, place: Place::Head, rest: b"{".to_vec() }
    }

    /// The next hit, or `None` after the last one.
    pub(super) fn next_hit(&mut self) -> Result<Option<Hit>, Failure> {
        match self.place {
            Place::Head => self.open()?,
            Place::Hits => match self.window.token()? {
                b']' => self.place = Place::Rest,
                b',' => {
                    self.window.expect(b'{')?;
                    return self.hit().map(Some);
                }
                _ => return Err(malformed("a list of hits")),
            },
            Place::Rest => {}
        }
        if self.place == Place::Rest {
            return Ok(None);
        }
        match self.window.token()? {
            b']' => {
                self.place = Place::Rest;
                Ok(None)
            }
            b'{' => self.hit().map(Some),
            _ => Err(malformed("a list of hits")),
        }
    }

    /// The `_id` of a hit that was not released yet.
    pub(super) fn id(&self, hit: &Hit) -> Result<Cow<'_, str>, Failure> {
        text(self.window.bytes(hit.id)).ok_or_else(|| malformed("an _id"))
    }

    /// The `_source` of a hit that was not released yet; empty if the hit has none.
    pub(super) fn source(&self, hit: &Hit) -> &[u8] {
        self.window.bytes(hit.source)
    }

    /// Forget everything before this hit.
    pub(super) const fn release_before(&mut self, hit: &Hit) {
        self.window.pin = hit.start;
    }

    /// Forget everything up to what is read next.
    pub(super) const fn release(&mut self) {
        self.window.pin = self.window.at;
    }

    /// Reads what follows the hits, to the end, and checks that the answer is whole. What was not
    /// released before stays where it is.
    pub(super) fn finish<A: DeserializeOwned>(&mut self) -> Result<Summary<A>, Failure> {
        if self.place != Place::Rest {
            return Err(malformed("no more hits than were asked for"));
        }
        // The end of the object `hits`, then the other members, up to the end of the answer.
        self.members(false)?;
        self.members(true)?;
        if self.rest.len() > 1 {
            self.rest.pop();
        }
        self.rest.push(b'}');
        self.nothing_more()?;
        let summary: Summary<A> =
            serde_json::from_slice(&self.rest).map_err(|error| Failure::not_expected(&error))?;
        summary.check()?;
        if summary.has_hits() {
            return Err(malformed("hits once"));
        }
        Ok(summary)
    }

    /// Reads up to the first hit: into the member `hits` of the answer, and in that of `hits`.
    fn open(&mut self) -> Result<(), Failure> {
        self.window.expect(b'{')?;
        self.enter("hits", true)?;
        self.window.expect(b'{')?;
        self.enter("hits", false)?;
        self.window.expect(b'[')?;
        self.place = Place::Hits;
        self.release();
        Ok(())
    }

    /// Reads members up to the value of the one with this name; keeps the others if asked to.
    fn enter(&mut self, name: &str, keep: bool) -> Result<(), Failure> {
        let mut first = true;
        loop {
            match self.window.token()? {
                b',' if !first => self.window.expect(b'"')?,
                b'"' if first => {}
                _ => return Err(malformed("hits")),
            }
            first = false;
            let key = self.window.string()?;
            self.window.expect(b':')?;
            if text(self.window.bytes(key)).as_deref() == Some(name) {
                return Ok(());
            }
            self.member(key, keep)?;
        }
    }

    /// Reads the remaining members of an object, up to its end; keeps them if asked to.
    fn members(&mut self, keep: bool) -> Result<(), Failure> {
        loop {
            match self.window.token()? {
                b'}' => return Ok(()),
                b',' => {
                    self.window.expect(b'"')?;
                    let key = self.window.string()?;
                    self.window.expect(b':')?;
                    if text(self.window.bytes(key)).as_deref() == Some("hits") {
                        return Err(malformed("hits once"));
                    }
                    self.member(key, keep)?;
                }
                _ => return Err(malformed("the end of an answer")),
            }
        }
    }

    /// Reads the value of a member, and keeps it if asked to.
    fn member(&mut self, key: (u64, u64), keep: bool) -> Result<(), Failure> {
        let value = self.window.value()?;
        if !keep {
            return Ok(());
        }
        let length = (value.1 - value.0) + (key.1 - key.0);
        if self.rest.len() as u64 + length > LARGEST_ANSWER {
            return Err(Failure::TooLarge("more beside the hits than was asked for".to_owned()));
        }
        self.rest.extend_from_slice(self.window.bytes(key));
        self.rest.push(b':');
        self.rest.extend_from_slice(self.window.bytes(value));
        self.rest.push(b',');
        Ok(())
    }

    /// Reads to the end of the answer: what is packed has its checksum there.
    fn nothing_more(&mut self) -> Result<(), Failure> {
        loop {
            if !self.window.from(self.window.at).iter().all(u8::is_ascii_whitespace) {
                return Err(malformed("one answer"));
            }
            self.window.at = self.window.end();
            if self.window.fill()? == 0 {
                return Ok(());
            }
        }
    }

    /// Reads the members of a hit, after its brace.
    fn hit(&mut self) -> Result<Hit, Failure> {
        let start = self.window.at - 1;
        let mut members = Members::default();
        let mut first = true;
        loop {
            match self.window.token()? {
                b'}' => break,
                b',' if !first => self.window.expect(b'"')?,
                b'"' if first => {}
                _ => return Err(malformed("a hit")),
            }
            first = false;
            let key = self.window.string()?;
            self.window.expect(b':')?;
            self.member_of_hit(key, &mut members)?;
        }
        let Members { id, sequence, millis, source, walked, .. } = members;
        if walked {
            self.style.note_anew();
        }
        match (id, sequence, millis) {
            (Some(id), Some(sequence), Some(millis)) => {
                Ok(Hit { start, id, source: source.unwrap_or((start, start)), millis, sequence })
            }
            _ => Err(malformed("a hit with _id, _seq_no and sort")),
        }
    }

    fn member_of_hit(&mut self, key: (u64, u64), members: &mut Members) -> Result<(), Failure> {
        let name = text(self.window.bytes(key)).ok_or_else(|| malformed("a name"))?;
        match &*name {
            "_id" => {
                let value = self.window.value()?;
                let bytes = self.window.bytes(value);
                if bytes.len() <= 2 || bytes[0] != b'"' {
                    return Err(malformed("an _id"));
                }
                once(&mut members.id, value)
            }
            "_seq_no" => {
                let value = self.window.value()?;
                let number = serde_json::from_slice(self.window.bytes(value));
                let Whole(sequence) = number.map_err(|_| malformed("a _seq_no below 2^53"))?;
                once(&mut members.sequence, sequence)
            }
            "_source" => {
                let source = self.document(key, members)?;
                once(&mut members.source, source)
            }
            "sort" => {
                let value = self.window.value()?;
                let millis = millis(self.window.bytes(value)).ok_or_else(|| malformed("a day"))?;
                once(&mut members.millis, millis)
            }
            name => {
                members.index |= name == "_index";
                members.score |= name == "_score";
                self.window.value().map(drop)
            }
        }
    }

    /// The range of a `_source`.
    fn document(&mut self, key: (u64, u64), members: &mut Members) -> Result<(u64, u64), Failure> {
        // What a node writes after it is the sort alone.
        let written_by_node = members.index
            && members.score
            && members.id.is_some()
            && members.millis.is_none()
            && self.window.bytes((key.0 - 1, self.window.at)) == SOURCE;
        if let (true, Some(sequence), false) =
            (written_by_node, members.sequence, self.style.is_anew())
        {
            let start = self.window.at;
            if let Some(source) = self.until_sort(sequence)? {
                return Ok(source);
            }
            self.window.at = start;
        }
        members.walked = true;
        self.window.value()
    }

    /// The same, found by the end that its hit must have; `None` if it has another one.
    fn until_sort(&mut self, sequence: u64) -> Result<Option<(u64, u64)>, Failure> {
        let tail = format!(",{sequence}]}}");
        let start = self.window.at;
        let mut from = start;
        loop {
            if let Some(found) = memmem::find(self.window.from(from), END) {
                let end = from + found as u64;
                let after = end + END.len() as u64;
                self.window.fill_to(after + 20 + tail.len() as u64)?;
                let bytes = self.window.from(after);
                let digits =
                    bytes.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
                if bytes[digits..].starts_with(tail.as_bytes()) {
                    self.window.at = end;
                    let whole = self.window.bytes((end - 1, end)) == b"}";
                    return Ok(whole.then_some((start, end)));
                }
                from = after;
            } else {
                from = from.max(self.window.end().saturating_sub(END.len() as u64));
                match self.window.fill() {
                    Ok(0) | Err(Failure::TooLarge(_)) => return Ok(None),
                    Ok(_) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
}

/// A text in quotes, without them.
fn text(quoted: &[u8]) -> Option<Cow<'_, str>> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1))?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice(quoted).ok().map(Cow::Owned)
}

/// The day among what a hit is sorted by.
fn millis(list: &[u8]) -> Option<i64> {
    let inner = list.strip_prefix(b"[")?;
    let first = inner.split(|byte| matches!(byte, b',' | b']')).next()?;
    serde_json::from_slice(first).ok().map(|Signed(millis)| millis)
}

/// Takes what may stand only once.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Failure> {
    if place.replace(value).is_some() {
        Err(malformed("each member of a hit once"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
