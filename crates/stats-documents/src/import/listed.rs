//! Lists whose length the input decides: only their beginning is kept.

use std::collections::BTreeMap;
use std::ops::Deref;

/// So many of a kind are kept and told one by one.
pub const MOST_LISTED: usize = 100;

/// The first [`MOST_LISTED`] of some things, and how many more there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The first ones, in the order in which they came.
    pub first: Vec<T>,
    /// How many came after them.
    pub more: u64,
}

impl<T> Listed<T> {
    pub(crate) fn push(&mut self, one: T) {
        if self.first.len() < MOST_LISTED {
            self.first.push(one);
        } else {
            self.more += 1;
        }
    }
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { first: Vec::new(), more: 0 }
    }
}

impl<T> Deref for Listed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.first
    }
}

impl<'a, T> IntoIterator for &'a Listed<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.iter()
    }
}

/// Lines that were left out, by the prefix of their index names: of [`MOST_LISTED`] prefixes, and
/// of all others together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherPrefixes {
    /// By prefix.
    pub lines: BTreeMap<String, u64>,
    /// Lines of further prefixes.
    pub more: u64,
}

impl OtherPrefixes {
    pub(crate) fn add(&mut self, prefix: &str, lines: u64) {
        if let Some(known) = self.lines.get_mut(prefix) {
            *known += lines;
        } else if self.lines.len() < MOST_LISTED {
            self.lines.insert(prefix.to_owned(), lines);
        } else {
            self.more += lines;
        }
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        for (prefix, lines) in &others.lines {
            self.add(prefix, *lines);
        }
        self.more += others.more;
    }

    /// Whether none were left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}
