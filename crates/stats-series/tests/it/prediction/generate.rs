//! Documents that are regular but for what a stream of choices makes of them.
//!
//! A choice of 0 is the regular one, so that a failing case shrinks towards regular documents.

use std::fmt::Write;

use stats_model::DocumentKind;

/// Where choices come from.
pub(super) trait Source {
    /// A number below `limit`; 0 is the regular choice.
    fn below(&mut self, limit: u32) -> u32;

    /// Whether something happens that happens once in `times`.
    fn rarely(&mut self, times: u32) -> bool {
        self.below(times) == times - 1
    }
}

/// Choices made beforehand; regular ones when they are used up.
pub(super) struct Choices(std::vec::IntoIter<u32>);

impl Choices {
    pub(super) fn of(choices: Vec<u32>) -> Self {
        Self(choices.into_iter())
    }
}

impl Source for Choices {
    fn below(&mut self, limit: u32) -> u32 {
        self.0.next().unwrap_or(0) % limit
    }
}

/// Endless choices from a seed (splitmix64).
pub(super) struct Stream(u64);

impl Stream {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) const fn pick(&mut self, limit: u32) -> u32 {
        ((self.next() >> 32) % limit as u64) as u32
    }
}

impl Source for Stream {
    fn below(&mut self, limit: u32) -> u32 {
        self.pick(limit)
    }
}

/// How a document is written.
#[derive(Clone, Copy)]
struct Form {
    /// With white space between tokens.
    spaces: bool,
    /// With numbers that are not plain.
    odd: bool,
    day: u32,
}

#[derive(Clone)]
enum Node {
    /// A number, chosen anew for every document.
    Number,
    /// A text as it stands.
    Raw(String),
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
}

fn raw(text: &str) -> Node {
    Node::Raw(text.to_owned())
}

fn object<const N: usize>(members: [(&str, Node); N]) -> Node {
    Node::Object(members.map(|(key, value)| (key.to_owned(), value)).to_vec())
}

/// A few alike documents of a kind, in the order of feeding.
pub(super) fn run(source: &mut impl Source, kind: DocumentKind) -> Vec<Vec<u8>> {
    let mut tree = regular(source, kind);
    for _ in 0..source.below(4) {
        change(source, &mut tree);
    }
    let mut form = Form { spaces: false, odd: source.rarely(4), day: 0 };
    let mut documents = Vec::new();
    for day in 1..=3 + source.below(3) {
        if source.rarely(6) {
            change(source, &mut tree);
        }
        let mut text = String::new();
        form = Form { spaces: source.rarely(5), day, ..form };
        render(source, &tree, &mut text, form);
        if source.rarely(40) {
            text.push_str(["x", "{}", " \n", ","][source.below(4) as usize]);
        }
        documents.push(text.into_bytes());
        if source.rarely(12) {
            tree = regular(source, kind);
        }
    }
    documents
}

fn regular(source: &mut impl Source, kind: DocumentKind) -> Node {
    let lists: &[&str] = match kind {
        DocumentKind::RecordDelta | DocumentKind::RecordSnapshot => &["languages", "file_types"],
        DocumentKind::UsageDelta => &["languages", "countries"],
        DocumentKind::UsageSnapshot => &["file_types", "countries", "subjects"],
    };
    let subcounts = lists
        .iter()
        .map(|list| {
            let sides = kind == DocumentKind::UsageSnapshot && *list != "file_types";
            let value = if sides {
                object([("by_view", items(source, kind)), ("by_download", items(source, kind))])
            } else {
                items(source, kind)
            };
            ((*list).to_owned(), value)
        })
        .collect();
    let mut members = vec![("\u{1}day".to_owned(), Node::Number)];
    match kind {
        DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => {
            members.push(("totals".to_owned(), Node::Object(numbers(kind))));
        }
        DocumentKind::RecordSnapshot => {
            let totals = numbers(kind).into_iter();
            members.extend(totals.map(|(key, value)| (format!("total_{key}"), value)));
            members.push(("total_uploaders".to_owned(), Node::Number));
        }
        DocumentKind::RecordDelta => {
            members.extend(numbers(kind));
            members.push(("uploaders".to_owned(), Node::Number));
        }
    }
    members.push(("subcounts".to_owned(), Node::Object(subcounts)));
    members.push(("pad".to_owned(), raw(r#""0123456789012345678901234567890123456789""#)));
    Node::Object(members)
}

fn items(source: &mut impl Source, kind: DocumentKind) -> Node {
    const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
    let first = source.below(3) as usize;
    let count = 1 + source.below(3) as usize;
    let items = (0..count).map(|index| {
        let id = IDS[(first + index) % IDS.len()];
        let mut members = vec![("id".to_owned(), Node::Raw(format!("\"{id}\"")))];
        let label = match source.below(4) {
            0 => None,
            1 => Some(r#"{"en":"E","sv":"S"}"#),
            2 => Some(r#""""#),
            _ => Some("null"),
        };
        let label = label.map(|label| ("label".to_owned(), raw(label)));
        let (before, behind) = if source.rarely(3) { (None, label) } else { (label, None) };
        members.extend(before);
        members.extend(numbers(kind));
        members.extend(behind);
        Node::Object(members)
    });
    Node::Array(items.collect())
}

fn numbers(kind: DocumentKind) -> Vec<(String, Node)> {
    let counts = || object([("metadata_only", Node::Number), ("with_files", Node::Number)]);
    let files = || object([("file_count", Node::Number), ("data_volume", Node::Number)]);
    let halves = |of: &dyn Fn() -> Node| object([("added", of()), ("removed", of())]);
    let usage = |keys: &[&str]| {
        Node::Object(keys.iter().map(|key| ((*key).to_owned(), Node::Number)).collect())
    };
    let members = match kind {
        DocumentKind::RecordDelta => vec![
            ("records", halves(&counts)),
            ("parents", halves(&counts)),
            ("files", halves(&files)),
        ],
        DocumentKind::RecordSnapshot => {
            vec![("records", counts()), ("parents", counts()), ("files", files())]
        }
        DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => vec![
            (
                "view",
                usage(&["total_events", "unique_visitors", "unique_records", "unique_parents"]),
            ),
            (
                "download",
                usage(&[
                    "total_events",
                    "unique_visitors",
                    "unique_records",
                    "unique_parents",
                    "unique_files",
                    "total_volume",
                ]),
            ),
        ],
    };
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

const ODD: [&str; 22] = [
    "{}",
    "[]",
    "null",
    "true",
    "\"\"",
    "\"7\"",
    "\" 1_0 \"",
    "1.5",
    "-1",
    "-0",
    "0.0",
    "-0.0",
    "NaN",
    "-Infinity",
    "1e400",
    "1e300",
    "[{}]",
    "{\"en\":\"x\"}",
    "100000000000000000000",
    "1000000000000000000000000000000000000000000000",
    "\"\\ud800\"",
    "[\"\\ud800\",NaN,1e16]",
];

const KEYS: [&str; 18] = [
    "id",
    "label",
    "view",
    "download",
    "by_view",
    "by_download",
    "records",
    "parents",
    "files",
    "added",
    "removed",
    "total_events",
    "with_files",
    "view.total_events",
    "records.added",
    "\\u0069d",
    "vie\\u0077",
    "\\ud800",
];

/// Makes one irregular change somewhere below `node`, most often in an item or in the totals.
fn change(source: &mut impl Source, node: &mut Node) {
    let here = match node {
        Node::Object(members) if members.is_empty() => true,
        Node::Object(members) => match members[0].0.as_str() {
            "\u{1}day" => source.rarely(10),
            "id" => source.below(3) > 0,
            "view" => source.below(2) > 0,
            _ => source.rarely(4),
        },
        Node::Array(items) => items.is_empty() || source.rarely(8),
        Node::Number | Node::Raw(_) => true,
    };
    if !here {
        match node {
            Node::Object(members) => {
                let heavy =
                    members.iter().position(|(key, _)| key == "subcounts" || key == "totals");
                let index = match heavy {
                    Some(heavy) if source.below(2) > 0 => heavy,
                    _ => source.below(members.len() as u32) as usize,
                };
                change(source, &mut members[index].1);
            }
            Node::Array(items) => {
                let index = source.below(items.len() as u32) as usize;
                change(source, &mut items[index]);
            }
            Node::Number | Node::Raw(_) => {}
        }
        return;
    }
    match node {
        Node::Object(members) => change_object(source, members),
        Node::Array(items) => {
            let index = source.below(items.len().max(1) as u32) as usize;
            match (source.below(3), items.get(index).cloned()) {
                (0, Some(item)) => items.push(item),
                (1, Some(_)) => {
                    items.remove(index);
                }
                _ => items.push(raw(ODD[source.below(ODD.len() as u32) as usize])),
            }
        }
        Node::Number | Node::Raw(_) => *node = raw(ODD[source.below(ODD.len() as u32) as usize]),
    }
}

fn change_object(source: &mut impl Source, members: &mut Vec<(String, Node)>) {
    let index = source.below(members.len().max(1) as u32) as usize;
    let to = source.below(members.len() as u32 + 1) as usize;
    let odd = |source: &mut dyn FnMut(u32) -> u32| raw(ODD[source(ODD.len() as u32) as usize]);
    let mut below = |limit| source.below(limit);
    match (below(9), members.get(index).cloned()) {
        (0, Some(member)) => members.insert(to, member),
        (1, Some(_)) => {
            members.remove(index);
        }
        // A member twice, each with a part of its own members.
        (2, Some((key, Node::Object(inner)))) => {
            let (left, right) = inner.split_at(below(inner.len() as u32 + 1) as usize);
            members[index].1 = Node::Object(left.to_vec());
            members.insert(index + 1, (key, Node::Object(right.to_vec())));
        }
        // The members of a member as keys with dots.
        (3, Some((key, Node::Object(inner)))) => {
            members.remove(index);
            let dotted = inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value));
            members.extend(dotted);
        }
        (4, Some((key, _))) => members.insert(to, (key, odd(&mut below))),
        (5, _) => {
            let empty = below(2) == 0;
            for key in ["by_view", "by_download"] {
                let value = if empty { Node::Object(Vec::new()) } else { odd(&mut below) };
                members.insert(to, (key.to_owned(), value));
            }
        }
        (6, Some(_)) => {
            let length = members.len();
            members.swap(index, to % length);
        }
        (7, Some((key, _))) => {
            if let Some(first) = key.chars().next().filter(char::is_ascii_lowercase) {
                members[index].0 = format!("\\u{:04x}{}", u32::from(first), &key[1..]);
            }
        }
        _ => {
            let key = KEYS[below(KEYS.len() as u32) as usize].to_owned();
            let value = match below(3) {
                0 => Node::Object(Vec::new()),
                1 => Node::Number,
                _ => odd(&mut below),
            };
            members.insert(to, (key, value));
        }
    }
}

fn render(source: &mut impl Source, node: &Node, out: &mut String, form: Form) {
    let space = |source: &mut dyn FnMut(u32) -> u32, out: &mut String| {
        if form.spaces {
            out.push_str(["", " ", "\n", "\t \r"][source(4) as usize]);
        }
    };
    match node {
        Node::Number => number(source, out, form.odd),
        Node::Raw(text) => out.push_str(text),
        Node::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                space(&mut |limit| source.below(limit), out);
                render(source, item, out, form);
                space(&mut |limit| source.below(limit), out);
            }
            out.push(']');
        }
        Node::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                space(&mut |limit| source.below(limit), out);
                if key == "\u{1}day" {
                    date(source, out, form.day);
                    continue;
                }
                write!(out, "\"{key}\"").unwrap();
                space(&mut |limit| source.below(limit), out);
                out.push(':');
                space(&mut |limit| source.below(limit), out);
                render(source, value, out, form);
                space(&mut |limit| source.below(limit), out);
            }
            out.push('}');
        }
    }
}

fn date(source: &mut impl Source, out: &mut String, day: u32) {
    let odd = [
        "\"2031-04-02T\\ud800\"",
        "\"\\ud800\"",
        "null",
        "\"\"",
        "7",
        "\"2030-02-30\"",
        "\"T\"",
        "[1]",
    ];
    for field in ["period_start", "snapshot_date"] {
        if source.rarely(25) {
            let odd = odd[source.below(odd.len() as u32) as usize];
            write!(out, "\"{field}\":{odd},").unwrap();
        } else {
            let year = if source.rarely(8) { 2030 } else { 2031 };
            write!(out, "\"{field}\":\"{year}-04-{day:02}T00:00:00\",").unwrap();
        }
    }
    out.push_str("\"dated\":1");
}

fn number(source: &mut impl Source, out: &mut String, odd: bool) {
    match source.below(if odd { 40 } else { 37 }) {
        0..=25 => write!(out, "{}", source.below(100)).unwrap(),
        26..=30 => write!(out, "{}.0", source.below(5000)).unwrap(),
        31..=33 => write!(out, "{}", u64::from(source.below(u32::MAX)) * 250_000).unwrap(),
        34 => out.push_str("123456789012345"),
        35 => out.push_str("999999999999999.0"),
        36 => out.push('0'),
        37 => out.push_str("1234567890123456"),
        38 => out.push_str("9007199254740993.0"),
        _ => out.push_str(ODD[source.below(ODD.len() as u32) as usize]),
    }
}
