//! How a document is written, from a tree of its members.

use std::fmt::Write;

use super::choices::Source;

/// How a document is written.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// With white space between tokens.
    pub(super) spaces: bool,
    /// With numbers that are not plain.
    pub(super) odd: bool,
    pub(super) day: u32,
}

#[derive(Clone)]
pub(super) enum Node {
    /// A number, chosen anew for every document.
    Number,
    /// A text as it stands.
    Raw(String),
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
}

pub(super) const ODD: [&str; 22] = [
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

pub(super) fn render(source: &mut impl Source, node: &Node, out: &mut String, form: Form) {
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
