//! Cutting files into pieces of whole lines, on a thread of its own.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use super::containers::{Member, open};
use super::files::Found;
use super::report::SkippedFile;
use super::texts::{Lines, Texts, lines_in};

/// What comes next, in the order of reading.
pub(crate) enum Piece {
    /// A file begins.
    Begin(String),
    /// Whole lines of it; only the last line of a file may lack its end.
    Lines(Vec<u8>),
    /// In the place of one line that is longer than allowed.
    TooLong,
    /// The file ends here, as it should or with an error.
    End(Option<io::Error>),
    /// The file is no export, and was not read.
    Skipped(SkippedFile),
    /// There is nothing more.
    Finished,
}

/// Nobody wants more pieces: the import is over.
struct NobodyListens;

/// Sends piece after piece to one worker after the other.
pub(crate) struct Cutter {
    pub(crate) workers: Vec<SyncSender<Piece>>,
    pub(crate) sent: usize,
    pub(crate) texts: Texts,
    pub(crate) cancel: Arc<AtomicBool>,
    pub(crate) read: Arc<AtomicU64>,
}

/// Pieces are about so large, larger only for longer lines.
const PIECE_BYTES: usize = 1024 * 1024;

impl Cutter {
    pub(crate) fn run(mut self, files: Vec<Found>) {
        for file in files {
            if self.file(file).is_err() {
                return;
            }
        }
        let _ = self.send(Piece::Finished);
    }

    fn file(&mut self, file: Found) -> Result<(), NobodyListens> {
        let read = self.read.clone();
        let flow = open(file, &read, &mut |member| match self.member(member) {
            Ok(()) => ControlFlow::Continue(()),
            Err(NobodyListens) => ControlFlow::Break(()),
        });
        if flow.is_break() { Err(NobodyListens) } else { Ok(()) }
    }

    fn member(&mut self, member: Member<'_>) -> Result<(), NobodyListens> {
        let name = member.name.clone();
        match lines_in(member, &self.texts) {
            Lines::Read(reader) => {
                self.send(Piece::Begin(name))?;
                let mut source = Source::new(reader);
                while let Some(cut) = source.next(self.texts.line_limit) {
                    self.send(match cut {
                        Cut::Lines(lines) => Piece::Lines(lines),
                        Cut::TooLong => Piece::TooLong,
                    })?;
                    if self.cancel.load(Ordering::Relaxed) {
                        return Err(NobodyListens);
                    }
                }
                self.send(Piece::End(source.error))
            }
            Lines::Skipped(why) => {
                let why = why.to_owned();
                self.send(Piece::Skipped(SkippedFile { file: name, why }))
            }
            Lines::Failed(error) => {
                self.send(Piece::Begin(name))?;
                self.send(Piece::End(Some(error)))
            }
        }
    }

    fn send(&mut self, piece: Piece) -> Result<(), NobodyListens> {
        let worker = self.sent % self.workers.len();
        self.sent += 1;
        self.workers[worker].send(piece).map_err(|_| NobodyListens)
    }
}

/// A part of a text.
pub(crate) enum Cut {
    /// Whole lines; only the last one may lack its end.
    Lines(Vec<u8>),
    /// In the place of one line that is longer than allowed.
    TooLong,
}

/// A text that is being cut.
pub(crate) struct Source<'a> {
    reader: Box<dyn Read + 'a>,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
    at_start: bool,
    /// Why it ended early.
    pub(crate) error: Option<io::Error>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(reader: Box<dyn Read + 'a>) -> Self {
        Self { reader, rest: Vec::new(), at_start: true, error: None }
    }

    /// The next piece, or nothing at the end. What comes before an error is cut as if the file
    /// ended there, without the line that the error cut off.
    pub(crate) fn next(&mut self, line_limit: usize) -> Option<Cut> {
        let mut buffer = std::mem::take(&mut self.rest);
        let mut searched = 0;
        loop {
            let wanted =
                PIECE_BYTES.max(2 * buffer.len()).min(line_limit + 1).max(buffer.len() + 1);
            let ended = self.fill(&mut buffer, wanted);
            if std::mem::take(&mut self.at_start) && buffer.starts_with(b"\xef\xbb\xbf") {
                buffer.drain(..3);
            }
            if let Some(end) = memchr::memrchr(b'\n', &buffer[searched..]) {
                if !ended || self.error.is_some() {
                    self.rest.extend_from_slice(&buffer[searched + end + 1..]);
                    buffer.truncate(searched + end + 1);
                }
                if self.error.is_some() {
                    self.rest.clear();
                }
                return Some(Cut::Lines(buffer));
            }
            if ended {
                let nothing = buffer.is_empty() || self.error.is_some();
                return (!nothing).then_some(Cut::Lines(buffer));
            }
            if buffer.len() > line_limit {
                self.skip_line(buffer);
                return Some(Cut::TooLong);
            }
            searched = buffer.len();
        }
    }

    /// Reads until `buffer` holds `wanted` bytes; whether the file ended before.
    fn fill(&mut self, buffer: &mut Vec<u8>, wanted: usize) -> bool {
        let missing = wanted.saturating_sub(buffer.len());
        if self.error.is_some() {
            return true;
        }
        buffer.reserve(missing);
        match self.reader.by_ref().take(missing as u64).read_to_end(buffer) {
            Ok(length) => length < missing,
            Err(error) => {
                self.error = Some(error);
                true
            }
        }
    }

    /// Reads on to the end of the present line, keeping nothing of it.
    fn skip_line(&mut self, mut buffer: Vec<u8>) {
        loop {
            buffer.clear();
            let ended = self.fill(&mut buffer, PIECE_BYTES);
            if let Some(end) = memchr::memchr(b'\n', &buffer) {
                self.rest.extend_from_slice(&buffer[end + 1..]);
                return;
            }
            if ended {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines_of;
    use super::*;

    fn cut(content: &[u8], line_limit: usize) -> (Vec<String>, usize) {
        let reader = Box::new(io::Cursor::new(content.to_vec()));
        let mut source = Source::new(reader);
        let (mut lines, mut too_long) = (Vec::new(), 0);
        while let Some(cut) = source.next(line_limit) {
            match cut {
                Cut::Lines(piece) => {
                    lines.extend(lines_of(&piece).map(|line| String::from_utf8_lossy(line).into()));
                }
                Cut::TooLong => too_long += 1,
            }
        }
        (lines, too_long)
    }

    #[test]
    fn every_line_comes_once() {
        assert_eq!(cut(b"", 10), (vec![], 0));
        assert_eq!(cut(b"\xef\xbb\xbfa\nb", 10), (vec!["a".to_owned(), "b".to_owned()], 0));
        let lengths = [0, 1, 10, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 5];
        let expected: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
        for end in ["", "\n"] {
            let content = expected.join("\n") + end;
            assert_eq!(cut(content.as_bytes(), 4 * PIECE_BYTES), (expected.clone(), 0));
        }
    }

    #[test]
    fn long_lines_are_left_out() {
        let long = "y".repeat(3 * PIECE_BYTES);
        let content = format!("a\n{long}\nb\n{long}");
        let (lines, too_long) = cut(content.as_bytes(), 2 * PIECE_BYTES);
        assert_eq!((lines, too_long), (vec!["a".to_owned(), "b".to_owned()], 2));
    }
}
