//! Reading items that look like earlier ones.
//!
//! The items of a list differ in their numbers and hardly in anything else. Once an item was read
//! the long way, the bytes around its numbers are remembered: the *head* before the first number
//! and the *tail* behind the last one belong to its series (they hold the id and the label), the
//! pieces in between are a *template* that many series share. An item whose bytes are the same around
//! other plain numbers is the same item with other numbers, whatever the order of its members and
//! its white space; nothing else has to be looked at. Any difference leads back to the long way.

use super::plain::plain_number;
use crate::DocumentKind;
use crate::scan::cell::Cell;
use crate::scan::json::{Next, after_member, expect_colon, skip_space, skip_string, skip_value};

/// More different templates than this in one table mean that remembering does not pay.
pub(crate) const MAX_TEMPLATES: usize = 16;
const PIECE: usize = 32;

/// Most numbers that an item of any kind has.
pub(crate) const MAX_NUMBERS: usize = 12;

/// The numbers of a regular item by their names: `view.total_events`, `files.added.file_count`.
pub(crate) const fn number_names(kind: DocumentKind) -> &'static [&'static str] {
    match kind {
        DocumentKind::RecordDelta => &[
            "records.added.metadata_only",
            "records.added.with_files",
            "records.removed.metadata_only",
            "records.removed.with_files",
            "parents.added.metadata_only",
            "parents.added.with_files",
            "parents.removed.metadata_only",
            "parents.removed.with_files",
            "files.added.file_count",
            "files.added.data_volume",
            "files.removed.file_count",
            "files.removed.data_volume",
        ],
        DocumentKind::RecordSnapshot => &[
            "records.metadata_only",
            "records.with_files",
            "parents.metadata_only",
            "parents.with_files",
            "files.file_count",
            "files.data_volume",
        ],
        DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => &[
            "view.total_events",
            "view.unique_visitors",
            "view.unique_records",
            "view.unique_parents",
            "download.total_events",
            "download.unique_visitors",
            "download.unique_records",
            "download.unique_parents",
            "download.unique_files",
            "download.total_volume",
        ],
    }
}

/// The numbers of an item, in the order of [`number_names`].
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

/// A regular item taken apart: offsets within the item.
#[derive(Debug)]
pub(crate) struct Dissected {
    /// Where the first number starts.
    pub(crate) first: usize,
    /// Where the last number ends.
    pub(crate) last: usize,
    pub(crate) template: Template,
}

/// Takes an item apart. `None` unless it has an `id`, perhaps a label, and exactly the numbers
/// that its kind should have, each once, and nothing besides.
pub(crate) fn dissect_item(kind: DocumentKind, item: &[u8]) -> Option<Dissected> {
    let mut numbers = Vec::with_capacity(MAX_NUMBERS);
    let mut seen = (false, false);
    walk(item, 0, &mut |key, start| {
        let value_end = skip_value(item, start).ok()?;
        match key {
            "id" if !seen.0 && item[start] == b'"' => seen.0 = true,
            "label" if !seen.1 && matches!(item[start], b'"' | b'{') => seen.1 = true,
            "id" | "label" => return None,
            _ => collect(item, key.to_owned(), start, 0, &mut numbers)?,
        }
        Some(value_end)
    })?;
    if !seen.0 {
        return None;
    }
    dissected(kind, item, &numbers)
}

/// Takes the totals of a document apart. `None` unless they are exactly the numbers of an item.
pub(crate) fn dissect_totals(kind: DocumentKind, totals: &[u8]) -> Option<Dissected> {
    let mut numbers = Vec::with_capacity(MAX_NUMBERS);
    walk(totals, 0, &mut |key, start| {
        collect(totals, key.to_owned(), start, 0, &mut numbers)?;
        skip_value(totals, start).ok()
    })?;
    dissected(kind, totals, &numbers)
}

fn dissected(
    kind: DocumentKind,
    item: &[u8],
    numbers: &[(String, usize, usize)],
) -> Option<Dissected> {
    let names = number_names(kind);
    if numbers.len() != names.len() {
        return None;
    }
    let mut order = Vec::with_capacity(numbers.len());
    for (name, _, _) in numbers {
        let index = names.iter().position(|known| known == name)?;
        if order.contains(&index) {
            return None;
        }
        order.push(index);
    }
    let between = order
        .iter()
        .zip(numbers.windows(2))
        .map(|(index, pair)| (*index, Piece::new(&item[pair[0].2..pair[1].1])))
        .collect();
    let template = Template { between, last: *order.last()? };
    Some(Dissected { first: numbers.first()?.1, last: numbers.last()?.2, template })
}

/// Collects the numbers below a member of an item: name, start, end.
fn collect(
    item: &[u8],
    name: String,
    start: usize,
    depth: u32,
    numbers: &mut Vec<(String, usize, usize)>,
) -> Option<()> {
    match item[start] {
        b'{' if depth < 2 => {
            walk(item, start, &mut |key, value| {
                collect(item, format!("{name}.{key}"), value, depth + 1, numbers)?;
                skip_value(item, value).ok()
            })?;
            Some(())
        }
        b'0'..=b'9' => {
            numbers.push((name, start, skip_value(item, start).ok()?));
            Some(())
        }
        _ => None,
    }
}

/// Calls `visit` with every key and the offset of its value; `visit` returns the value's end.
fn walk(
    bytes: &[u8],
    object: usize,
    visit: &mut dyn FnMut(&str, usize) -> Option<usize>,
) -> Option<()> {
    let mut at = skip_space(bytes, object + 1);
    if bytes.get(at) == Some(&b'}') {
        return Some(());
    }
    loop {
        let key_end = skip_string(bytes, at).ok()?;
        let key = std::str::from_utf8(&bytes[at + 1..key_end - 1]).ok()?;
        let value = expect_colon(bytes, key_end).ok()?;
        let end = visit(key, value)?;
        match after_member(bytes, end, b'}').ok()? {
            Next::Member(next) => at = next,
            Next::End(_) => return Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = r#"{"id":"eng","records":{"metadata_only":200,"with_files":6100},"parents":
        {"with_files":5700,"metadata_only":198},"files":{"file_count":10100,"data_volume":6.0},
        "label":{"en":"English"}}, and more text that stands behind it"#;

    #[test]
    fn an_item_is_read_again_by_its_template() {
        let item = ITEM.split(", and").next().unwrap();
        let dissected = dissect_item(DocumentKind::RecordSnapshot, item.as_bytes()).unwrap();
        assert_eq!(&item[..dissected.first], r#"{"id":"eng","records":{"metadata_only":"#);
        assert!(item[dissected.last..].ends_with(r#""label":{"en":"English"}}"#));
        let mut numbers = [Cell::NONE; MAX_NUMBERS];
        let end = dissected.template.read(ITEM.as_bytes(), dissected.first, &mut numbers);
        assert_eq!(end, Some(dissected.last));
        let expected = [200, 6100, 198, 5700, 10100].map(Cell::small_int);
        assert_eq!(numbers[..5], expected);
        assert_eq!(numbers[5], Cell::small_whole(6));
    }

    #[test]
    fn anything_irregular_is_left_to_the_long_way() {
        let changed = |from: &str, to: &str| {
            let item = ITEM.split(", and").next().unwrap().replace(from, to);
            dissect_item(DocumentKind::RecordSnapshot, item.as_bytes()).is_some()
        };
        assert!(changed("English", "Anglais"));
        assert!(!changed("200", "null"));
        assert!(!changed("200", "-1"));
        assert!(!changed(r#""id":"eng","#, ""));
        assert!(!changed("file_count", "other"));
        assert!(!changed(r#""with_files":6100"#, r#""metadata_only":6100"#));
        assert!(!changed(r#""label":{"en":"English"}"#, r#""label":null"#));
        assert!(!changed(r#""label""#, r#""extra":1,"label""#));
    }
}
