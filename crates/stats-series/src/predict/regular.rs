//! The regular form of an item, or of totals: exactly the members that its kind should have.

use std::ops::Range;

use stats_model::DocumentKind;

use super::template::{MAX_NUMBERS, Template};
use crate::scan::json::{Next, after_member, expect_colon, skip_space, skip_string};
use crate::scan::skip::skip_value;

/// A number by the keys that lead to it.
type Path = &'static [&'static str];

/// The numbers of a regular item, each by its keys. What a key holds has no part in the form of
/// another: a key is compared as a whole, never joined to a path.
pub(crate) const fn number_names(kind: DocumentKind) -> &'static [Path] {
    match kind {
        DocumentKind::RecordDelta => &[
            &["records", "added", "metadata_only"],
            &["records", "added", "with_files"],
            &["records", "removed", "metadata_only"],
            &["records", "removed", "with_files"],
            &["parents", "added", "metadata_only"],
            &["parents", "added", "with_files"],
            &["parents", "removed", "metadata_only"],
            &["parents", "removed", "with_files"],
            &["files", "added", "file_count"],
            &["files", "added", "data_volume"],
            &["files", "removed", "file_count"],
            &["files", "removed", "data_volume"],
        ],
        DocumentKind::RecordSnapshot => &[
            &["records", "metadata_only"],
            &["records", "with_files"],
            &["parents", "metadata_only"],
            &["parents", "with_files"],
            &["files", "file_count"],
            &["files", "data_volume"],
        ],
        DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => &[
            &["view", "total_events"],
            &["view", "unique_visitors"],
            &["view", "unique_records"],
            &["view", "unique_parents"],
            &["download", "total_events"],
            &["download", "unique_visitors"],
            &["download", "unique_records"],
            &["download", "unique_parents"],
            &["download", "unique_files"],
            &["download", "total_volume"],
        ],
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

/// Takes an item apart. `None` unless it has an `id` that is text, perhaps a `label` that is text
/// or an object, and the objects with exactly the numbers that its kind should have; see
/// [`predict`](super).
pub(crate) fn dissect_item(kind: DocumentKind, item: &[u8]) -> Option<Dissected> {
    let mut form = Form::new(kind, item);
    form.object(0, &mut Vec::with_capacity(3), true)?;
    if !form.has_id {
        return None;
    }
    form.dissected()
}

/// Takes the totals of a document apart. `None` unless they have exactly the numbers of an item.
pub(crate) fn dissect_totals(kind: DocumentKind, totals: &[u8]) -> Option<Dissected> {
    let mut form = Form::new(kind, totals);
    form.object(0, &mut Vec::with_capacity(3), false)?;
    form.dissected()
}

/// A walk over an object that holds it against the regular form of its kind.
struct Form<'a> {
    names: &'static [Path],
    bytes: &'a [u8],
    /// The numbers found, in the order in which they stand.
    numbers: Vec<(usize, Range<usize>)>,
    has_id: bool,
}

impl<'a> Form<'a> {
    fn new(kind: DocumentKind, bytes: &'a [u8]) -> Self {
        let numbers = Vec::with_capacity(MAX_NUMBERS);
        Self { names: number_names(kind), bytes, numbers, has_id: false }
    }

    /// Walks over the object at `at`, below the keys of `path`; returns the offset behind it.
    fn object(&mut self, at: usize, path: &mut Vec<&'a str>, is_item: bool) -> Option<usize> {
        if self.bytes.get(at) != Some(&b'{') {
            return None;
        }
        let mut seen: Vec<&str> = Vec::with_capacity(8);
        let mut at = skip_space(self.bytes, at + 1);
        loop {
            let (key, value) = self.key(at)?;
            if seen.contains(&key) {
                return None;
            }
            seen.push(key);
            let end = if is_item && matches!(key, "id" | "label") {
                self.id_or_label(key, value)?
            } else {
                path.push(key);
                let end = self.member(value, path)?;
                path.pop();
                end
            };
            match after_member(self.bytes, end, b'}').ok()? {
                Next::Member(next) => at = next,
                Next::End(end) => return Some(end),
            }
        }
    }

    /// The key at `at`, which must be without escapes, and the offset of its value.
    fn key(&self, at: usize) -> Option<(&'a str, usize)> {
        let end = skip_string(self.bytes, at).ok()?;
        let key = std::str::from_utf8(&self.bytes[at + 1..end - 1]).ok()?;
        if key.contains('\\') {
            return None;
        }
        Some((key, expect_colon(self.bytes, end).ok()?))
    }

    fn id_or_label(&mut self, key: &str, at: usize) -> Option<usize> {
        match (key, self.bytes.get(at)?) {
            ("id", b'"') => self.has_id = true,
            ("label", b'"' | b'{') => {}
            _ => return None,
        }
        skip_value(self.bytes, at, 0).ok()
    }

    /// The value at `at` below the keys of `path`: a number of that name, or an object on the way
    /// to one; returns the offset behind it.
    fn member(&mut self, at: usize, path: &mut Vec<&'a str>) -> Option<usize> {
        if let Some(name) = self.names.iter().position(|name| *name == path.as_slice()) {
            if !self.bytes.get(at)?.is_ascii_digit() {
                return None;
            }
            let end = skip_value(self.bytes, at, 0).ok()?;
            self.numbers.push((name, at..end));
            return Some(end);
        }
        let leads = self.names.iter().any(|name| name.starts_with(path));
        if leads { self.object(at, path, false) } else { None }
    }

    /// The parts, when no number is missing. None can be there twice: no key stands twice.
    fn dissected(self) -> Option<Dissected> {
        let Self { names, bytes, numbers, .. } = self;
        if numbers.len() != names.len() {
            return None;
        }
        let (first, last) = (numbers.first()?.1.start, numbers.last()?.1.end);
        Some(Dissected { first, last, template: Template::of(bytes, &numbers)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::cell::Cell;

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

    #[test]
    fn keys_are_never_joined_split_or_passed_over() {
        let learned = |item: &str| dissect_item(DocumentKind::UsageSnapshot, item.as_bytes());
        let view = r#""total_events":1,"unique_visitors":2,"unique_records":3,"unique_parents":4"#;
        let rest = r#""total_events":5,"unique_visitors":6,"unique_records":7,"unique_parents":8,
            "unique_files":9,"total_volume":10.0"#;
        let regular = format!(r#"{{"id":"a","view":{{{view}}},"download":{{{rest}}}}}"#);
        assert!(learned(&regular).is_some());
        for (from, to) in [
            (r#""view":{"total_events":1,"#, r#""view.total_events":1,"view":{"#),
            (r#""unique_records":3"#, r#""unique_records":3},"view":{"x":1"#),
            (r#","unique_records":3"#, r#"},"view":{"unique_records":3"#),
            (r#""download""#, r#""by_view":{},"by_download":{},"download""#),
            (r#""download""#, r#""other":{},"download""#),
            (r#""download""#, r#""other":null,"download""#),
            (r#""id":"a""#, r#""id":"a","id":"a""#),
            (r#""id":"a""#, r#""id":"a","\u0069d":"b""#),
            (r#""view":{"#, r#""view":{"deeper":{},"#),
            (r#""view""#, r#""vie\u0077""#),
            (r#""view":{"#, r#""":{"view":{},"#),
            (r#""total_volume":10.0"#, r#""total_volume":[10.0]"#),
            (r#""total_volume":10.0"#, r#""total_volume":10.0,"total_volume":10.0"#),
            (r#""total_volume":10.0"#, r#""total_volume":true"#),
            (r#""total_volume":10.0"#, r#""total_volume":NaN"#),
        ] {
            let changed = regular.replacen(from, to, 1);
            assert_ne!(changed, regular, "{from}");
            assert!(learned(&changed).is_none(), "{changed}");
        }
    }
}
