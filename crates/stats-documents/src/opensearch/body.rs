//! An answer's body: unpacked if that was asked for, and never larger than it may be.

use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flate2::read::MultiGzDecoder;

use super::breaker::Breaker;
use super::failure::TooMuch;
use super::lanes::Stream;
use super::time::Time;

/// So much of an answer, or of a page of one, may wait in memory beside that of other answers;
/// what needs more waits until no other one does.
pub(super) const SMALL: usize = 1 << 20;
/// What indices are, and how far they have come, fits into so much.
pub(super) const SMALL_ANSWER: u64 = 2 << 20;
/// Any other answer that is read as a whole is smaller. It bounds memory, not the cluster.
pub(super) const LARGEST_ANSWER: u64 = 8 << 20;
/// A page of documents is smaller, all of them together.
pub(super) const LARGEST_PAGE: u64 = 4 << 30;
/// Nothing that a node writes is packed better than so many to one; what is, is meant to do harm.
const RATIO: u64 = 250;
/// So much may be packed better.
const ANY_RATIO: u64 = 8 << 20;

/// An answer's body.
pub(super) struct Body<'a> {
    reader: Reader<'a>,
    pub(super) room: Room<'a>,
    time: &'a Time,
    end: Duration,
    breaker: &'a Breaker,
    limit: u64,
    /// Bytes that were read, unpacked.
    read: u64,
}

enum Reader<'a> {
    Plain(Box<Stream<'a>>),
    Packed(Box<MultiGzDecoder<Counted<Stream<'a>>>>),
}

/// What bounds a body.
pub(super) struct Bounds<'a> {
    pub(super) time: &'a Time,
    /// When the question ends.
    pub(super) end: Duration,
    /// How many bytes there may be, unpacked.
    pub(super) limit: u64,
    pub(super) breaker: &'a Breaker,
    pub(super) room: Room<'a>,
}

impl<'a> Body<'a> {
    pub(super) fn new(stream: Stream<'a>, packed: bool, bounds: Bounds<'a>) -> Self {
        let Bounds { time, end, limit, breaker, room } = bounds;
        let reader = if packed {
            Reader::Packed(Box::new(MultiGzDecoder::new(Counted { stream, bytes: 0 })))
        } else {
            Reader::Plain(Box::new(stream))
        };
        Self { reader, room, time, end, breaker, limit, read: 0 }
    }

    /// An error once there is more than there may be.
    fn check(&self) -> io::Result<()> {
        if self.read > self.limit {
            let limit = self.limit >> 20;
            let what = format!("the answer is larger than {limit} MiB, which no answer should be");
            return Err(io::Error::other(TooMuch(what)));
        }
        if let Reader::Packed(decoder) = &self.reader
            && self.read > ANY_RATIO + RATIO * decoder.get_ref().bytes
        {
            let what = format!("the answer is packed more than {RATIO} to one");
            return Err(io::Error::other(TooMuch(what)));
        }
        Ok(())
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.time.now() >= self.end {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the question took too long"));
        }
        let length = match &mut self.reader {
            Reader::Plain(stream) => stream.read(buffer)?,
            Reader::Packed(decoder) => decoder.read(buffer)?,
        };
        self.read += length as u64;
        self.check()?;
        if length == 0 && !buffer.is_empty() {
            self.breaker.succeeded();
        }
        Ok(length)
    }
}

/// Counts the bytes that were read.
struct Counted<R> {
    stream: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.bytes += length as u64;
        Ok(length)
    }
}

/// The room for one answer that is not [small](SMALL): several of them at once would need several
/// times as much.
#[derive(Default)]
pub(super) struct Room<'a> {
    shared: Option<&'a Mutex<()>>,
    taken: Option<MutexGuard<'a, ()>>,
}

impl<'a> Room<'a> {
    pub(super) const fn of(shared: &'a Mutex<()>) -> Self {
        Self { shared: Some(shared), taken: None }
    }

    /// Waits until nobody else has it. It is given back when this is dropped.
    pub(super) fn take(&mut self) {
        if let (None, Some(shared)) = (&self.taken, self.shared) {
            self.taken = Some(shared.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
