//! How an item of one series looks, around its numbers.

use std::ops::Range;

use super::template::{Numbers, Template};

/// So many looks of one series are remembered, one after the other; a series whose items keep
/// changing theirs is given up.
const MOST: u8 = 8;

/// The bytes of an item around its numbers, as places in the text of its table: before the first
/// and behind the last, and the number of the [`Template`] in between. Without a template, nothing
/// is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outline {
    head: Range<usize>,
    tail: Range<usize>,
    template: Option<u16>,
    remembered: u8,
}

impl Outline {
    /// Whether another look may be remembered.
    pub(crate) const fn is_open(&self) -> bool {
        self.remembered < MOST
    }

    /// Remembers another look.
    pub(crate) fn remember(&mut self, head: Range<usize>, tail: Range<usize>, template: u16) {
        let remembered = self.remembered + 1;
        *self = Self { head, tail, template: Some(template), remembered };
    }

    /// Reads the numbers of an item at `at` that looks so; returns the offset behind it. `text` is
    /// the text of the table.
    #[inline]
    pub(crate) fn read(
        &self,
        text: &[u8],
        templates: &[Template],
        bytes: &[u8],
        at: usize,
        numbers: &mut Numbers,
    ) -> Option<usize> {
        let template = &templates[self.template? as usize];
        let head = &text[self.head.start..self.head.end];
        if !bytes.get(at..)?.starts_with(head) {
            return None;
        }
        let end = template.read(bytes, at + head.len(), numbers)?;
        let tail = &text[self.tail.start..self.tail.end];
        bytes.get(end..)?.starts_with(tail).then_some(end + tail.len())
    }
}
