//! Reading lines, on threads of their own: everything that costs time and needs no archive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use super::lines::{Item, Reading, Refusal, lines_of, read_line};
use super::listed::OtherPrefixes;
use super::pieces::Piece;
use super::report::{LineKind, Reason};
use crate::archive::Packer;

/// A piece after a worker had it.
pub(crate) enum Worked {
    /// Its lines, read.
    Lines(Batch),
    /// Anything else, as it came.
    Other(Piece),
}

/// What the lines of one piece bring.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    pub(crate) refused: BTreeMap<(LineKind, Reason), u64>,
    /// The first refused lines, each with its place in the piece, from 0.
    pub(crate) refusals: Vec<(u64, Refusal)>,
    /// The prefixes of the lines that bring something, and the lines of others, left out.
    pub(crate) prefixes: BTreeSet<String>,
    pub(crate) others: OtherPrefixes,
    /// All lines, empty ones included.
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
}

/// One of the workers.
pub(crate) struct Worker {
    pub(crate) pieces: Receiver<Piece>,
    pub(crate) done: SyncSender<Worked>,
    pub(crate) packer: Packer,
    pub(crate) reading: Reading,
    pub(crate) line_limit: usize,
    /// So many refusals are told in detail.
    pub(crate) refusals: usize,
    pub(crate) cancel: Arc<AtomicBool>,
}

impl Worker {
    pub(crate) fn run(mut self) {
        while let Ok(piece) = self.pieces.recv() {
            let worked = match piece {
                Piece::Lines(lines) => match self.read(&lines) {
                    Some(batch) => Worked::Lines(batch),
                    None => return,
                },
                other => Worked::Other(other),
            };
            if self.done.send(worked).is_err() {
                return;
            }
        }
    }

    /// All lines of a piece; nothing when the import was cancelled on the way.
    fn read(&mut self, piece: &[u8]) -> Option<Batch> {
        let mut batch = Batch { bytes: piece.len() as u64, ..Batch::default() };
        for line in lines_of(piece) {
            if self.cancel.load(Ordering::Relaxed) {
                return None;
            }
            let place = batch.lines;
            batch.lines += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            match self.read_line(line) {
                Ok(item) => batch.items.extend(item),
                Err(refusal) => {
                    *batch.refused.entry((refusal.kind, refusal.reason)).or_default() += 1;
                    if batch.refusals.len() < self.refusals {
                        batch.refusals.push((place, refusal));
                    }
                }
            }
        }
        batch.prefixes = std::mem::take(&mut self.reading.found);
        batch.others = std::mem::take(&mut self.reading.others);
        Some(batch)
    }

    fn read_line(&mut self, line: &[u8]) -> Result<Option<Item>, Refusal> {
        if line.len() > self.line_limit {
            return Err(too_long(self.line_limit));
        }
        read_line(line, &mut self.packer, &mut self.reading)
    }
}

/// The refusal of a line that is longer than allowed.
pub(crate) fn too_long(line_limit: usize) -> Refusal {
    Refusal {
        kind: LineKind::Other,
        reason: Reason::LineTooLong,
        detail: format!("more than {line_limit} bytes"),
    }
}
