//! Documents that are regular but for what a stream of choices makes of them.
//!
//! A choice of 0 is the regular one, so that a failing case shrinks towards regular documents.

use stats_model::DocumentKind;

use super::choices::Source;
use super::render::{Form, Node, ODD, render};

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
