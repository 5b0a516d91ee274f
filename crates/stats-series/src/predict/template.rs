//! The bytes between numbers.
//!
//! An item that was read the long way is cut in three: the *head* before its first number and the
//! *tail* behind its last one belong to its series (they hold the id and the label), the pieces in
//! between are a *template* that many series share.

use std::ops::Range;

use super::plain::plain_number;
use crate::scan::cell::Cell;

/// Most numbers that an item of any kind has.
pub(crate) const MAX_NUMBERS: usize = 12;

/// More different templates than this in one table mean that remembering does not pay.
pub(crate) const MAX_TEMPLATES: usize = 16;
const PIECE: usize = 32;

/// The numbers of an item, in the order of [`number_names`](super::regular::number_names).
pub(crate) type Numbers = [Cell; MAX_NUMBERS];

/// Bytes that must follow a number, up to 32 of them, compared eight at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    words: [u64; PIECE / 8],
    masks: [u64; PIECE / 8],
    length: usize,
    /// The bytes beyond the first 32.
    rest: Vec<u8>,
}

impl Piece {
    fn new(bytes: &[u8]) -> Self {
        let first = &bytes[..bytes.len().min(PIECE)];
        let (mut words, mut masks) = ([0; PIECE / 8], [0; PIECE / 8]);
        for (index, byte) in first.iter().enumerate() {
            let shift = 8 * (index % 8);
            words[index / 8] |= u64::from(*byte) << shift;
            masks[index / 8] |= 0xff << shift;
        }
        Self { words, masks, length: bytes.len(), rest: bytes[first.len()..].to_vec() }
    }

    /// The offset behind the piece when it stands at `at`.
    #[inline]
    fn matched(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let window = bytes.get(at..)?.first_chunk::<PIECE>()?;
        let mut difference = 0;
        for (index, (word, mask)) in self.words.iter().zip(&self.masks).enumerate() {
            let mut eight = [0; 8];
            eight.copy_from_slice(&window[8 * index..8 * index + 8]);
            difference |= (u64::from_le_bytes(eight) ^ word) & mask;
        }
        if difference != 0 {
            return None;
        }
        let end = at + self.length;
        if self.rest.is_empty() || bytes.get(at + PIECE..end)? == self.rest.as_slice() {
            Some(end)
        } else {
            None
        }
    }
}

/// The bytes between the numbers of an item, and which number each one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    between: Vec<(usize, Piece)>,
    last: usize,
}

impl Template {
    /// A template of numbers in `text`: for each its number by name and the range of its bytes, in
    /// the order in which they stand. `None` without any.
    pub(super) fn of(text: &[u8], numbers: &[(usize, Range<usize>)]) -> Option<Self> {
        let (last, _) = numbers.last()?;
        let between = numbers
            .windows(2)
            .map(|pair| (pair[0].0, Piece::new(&text[pair[0].1.end..pair[1].1.start])))
            .collect();
        Some(Self { between, last: *last })
    }

    /// Reads the numbers of an item whose first number is at `at`; returns the offset behind the
    /// last one.
    #[inline]
    pub(crate) fn read(&self, bytes: &[u8], mut at: usize, numbers: &mut Numbers) -> Option<usize> {
        for (name, piece) in &self.between {
            let (cell, end) = plain_number(bytes, at)?;
            numbers[*name] = cell;
            at = piece.matched(bytes, end)?;
        }
        let (cell, end) = plain_number(bytes, at)?;
        numbers[self.last] = cell;
        Some(end)
    }
}
