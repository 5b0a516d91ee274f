//! Reading documents where no archive is meant: one after the other, in the order of reading.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::containers::{Member, open};
use super::files::{Input, find};
use super::index_names::{IndexName, read_index};
use super::lines::lines_of;
use super::listed::Listed;
use super::pieces::{Cut, Source};
use super::report::{FileError, LineKind, Reason, SkippedFile};
use super::texts::{Lines, Texts, lines_in};
use super::told::EMPTY;
use crate::facts::{Text, read_object_bytes};

/// A document, or what stands in the place of one.
#[derive(Debug)]
pub struct Found<'a> {
    /// The file as it was named or found.
    pub file: &'a str,
    /// The line, from 1; of answers and arrays, the hit.
    pub line: u64,
    /// What the name of its index says: its kind, and the prefix of the installation; or why it
    /// brings nothing. `None`: nothing stands around the document.
    pub index: Option<Result<(LineKind, String), Reason>>,
    /// Its `_id`, empty if there is none.
    pub id: Cow<'a, str>,
    /// Its `community_id`, if it has one.
    pub community: Option<Cow<'a, str>>,
    /// The document itself; what is no JSON object is here as it stands.
    pub source: &'a [u8],
    /// Whether it could be looked into.
    pub form: Form,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A document, bare or in an export line.
    Document,
    /// A hit or an export line without its document, as a search with `_source: false` gives it.
    WithoutSource,
    /// An object with neither a community nor a day, and nothing around it.
    Nothing,
    /// No JSON object.
    Broken,
}

/// What was left out.
#[derive(Debug, Default)]
pub struct Left {
    /// Files of folders and archives that hold no documents.
    pub skipped: Listed<SkippedFile>,
    /// Files that could not be read to their end.
    pub errors: Listed<FileError>,
}

/// An export line, or a document with nothing around it.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, rename = "_index")]
    index: Text<'a>,
    #[serde(borrow, default, rename = "_id")]
    id: Text<'a>,
    #[serde(borrow, rename = "_source")]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    community_id: Text<'a>,
    #[serde(borrow, default)]
    period_start: Text<'a>,
    #[serde(borrow, default)]
    snapshot_date: Text<'a>,
}

#[derive(Deserialize, Default)]
struct Community<'a> {
    #[serde(borrow, default)]
    community_id: Text<'a>,
}

/// Reads everything that an import reads, and documents without anything around them, none of them
/// longer than `line_limit` bytes, until `visit` has enough.
pub fn each_document(
    input: Input,
    line_limit: usize,
    visit: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>,
) -> Left {
    let (found, errors) = find(vec![input]);
    let mut left = Left { errors, ..Left::default() };
    let texts = Texts { index: None, line_limit, bare: true };
    for file in found {
        let flow = open(file, &Arc::default(), &mut |member| {
            member_documents(member, &texts, &mut left, visit)
        });
        if flow.is_break() {
            break;
        }
    }
    left
}

fn member_documents(
    member: Member<'_>,
    texts: &Texts,
    left: &mut Left,
    visit: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let (file, is_meant) = (member.name.clone(), !member.in_folder);
    let mut number = 0;
    let mut fail = |lines, message: String| {
        left.errors.push(FileError { file: file.clone(), lines, bytes: 0, message });
    };
    let reader = match lines_in(member, texts) {
        Lines::Read(reader) => reader,
        // Nothing is what there is.
        Lines::Skipped(EMPTY) if is_meant => return ControlFlow::Continue(()),
        Lines::Skipped(why) => {
            let why = why.to_owned();
            left.skipped.push(SkippedFile { file, why });
            return ControlFlow::Continue(());
        }
        Lines::Failed(error) => {
            fail(0, error.to_string());
            return ControlFlow::Continue(());
        }
    };
    let mut source = Source::new(reader);
    while let Some(cut) = source.next(texts.line_limit) {
        let lines = match cut {
            Cut::Lines(lines) => lines,
            Cut::TooLong => {
                fail(number, format!("a line of more than {} bytes", texts.line_limit));
                return ControlFlow::Continue(());
            }
        };
        for line in lines_of(&lines) {
            number += 1;
            let text = line.trim_ascii();
            if !text.is_empty() {
                visit(document(&file, number, text))?;
            }
        }
    }
    if let Some(error) = source.error {
        fail(number, error.to_string());
    }
    ControlFlow::Continue(())
}

fn document<'a>(file: &'a str, line: u64, text: &'a [u8]) -> Found<'a> {
    let looked_into = |(parts, community): (Parts, Option<Cow<'a, str>>)| {
        let Parts { form, index, id, source } = parts;
        let source = &text[source];
        let index = index.map(|index| {
            read_index(&index).map(|IndexName { kind, prefix }| (kind, prefix.to_owned()))
        });
        Found { file, line, index, id: Cow::Owned(id), community, source, form }
    };
    if let Some((parts, community)) = parts_of(text) {
        return looked_into((parts, community));
    }
    let changed = json_of_python(text);
    match parts_of(&changed) {
        Some((parts, community)) => {
            looked_into((parts, community.map(|id| Cow::Owned(id.into_owned()))))
        }
        None => looked_into((Parts::broken(text), None)),
    }
}

/// What a line consists of.
struct Parts {
    form: Form,
    index: Option<String>,
    id: String,
    /// Where the document is.
    source: Range<usize>,
}

impl Parts {
    const fn broken(text: &[u8]) -> Self {
        Self { form: Form::Broken, index: None, id: String::new(), source: 0..text.len() }
    }
}

/// The parts of a line that is a JSON object, and the community of its document.
fn parts_of(text: &[u8]) -> Option<(Parts, Option<Cow<'_, str>>)> {
    let Line { index, id, source, community_id, period_start, snapshot_date } =
        read_object_bytes::<Line<'_>>(text).ok()?;
    let is_bare = [&community_id, &period_start, &snapshot_date].iter().any(|it| it.0.is_some());
    let is_named = index.0.is_some() || id.0.is_some();
    let index = index.0.map(Cow::into_owned);
    let id = id.0.map(Cow::into_owned).unwrap_or_default();
    let whole = 0..text.len();
    let bare = |form| Parts { form, index: None, id: String::new(), source: whole.clone() };
    Some(match source {
        Some(source) => {
            let from = source.get().as_ptr().addr() - text.as_ptr().addr();
            let place = from..from + source.get().len();
            let read = read_object_bytes::<Community<'_>>(&text[place.clone()]);
            let community = read.unwrap_or_default().community_id.0;
            (Parts { form: Form::Document, index, id, source: place }, community)
        }
        None if is_bare => (bare(Form::Document), community_id.0),
        None if is_named => {
            (Parts { form: Form::WithoutSource, index, id, source: whole.clone() }, None)
        }
        None => (bare(Form::Nothing), None),
    })
}

/// The same text with ordinary numbers, of the same length, in the place of those that only Python
/// reads and writes: `NaN`, `Infinity`. Only its structure is looked at.
fn json_of_python(text: &[u8]) -> Cow<'_, [u8]> {
    const OTHERS: [(&[u8], &[u8]); 2] = [(b"NaN", b"1e0"), (b"Infinity", b"1e000000")];
    let mut changed = Cow::Borrowed(text);
    let (mut at, mut in_text) = (0, false);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => at += 1,
            b'N' | b'I' if !in_text => {
                let other = OTHERS.iter().find(|(word, _)| text[at..].starts_with(word));
                if let Some((word, number)) = other {
                    changed.to_mut()[at..at + word.len()].copy_from_slice(number);
                    at += word.len() - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_for_what_it_is() {
        let index = r#""_index":"stats-community-usage-delta-2024","_id":"a""#;
        for (line, form, source, community) in [
            (
                format!(r#"{{{index},"_source":{{"community_id":"c"}}}}"#),
                Form::Document,
                r#"{"community_id":"c"}"#,
                Some("c"),
            ),
            (
                format!(
                    r#"{{"sort":[-Infinity],{index},"_source":{{"x":NaN,"t":"NaN\"","community_id":"c"}}}}"#
                ),
                Form::Document,
                r#"{"x":NaN,"t":"NaN\"","community_id":"c"}"#,
                Some("c"),
            ),
            (format!("{{{index}}}"), Form::WithoutSource, "", None),
            (r#"{"_id":"a"}"#.to_owned(), Form::WithoutSource, "", None),
            (r#"{"_id":"a","community_id":"c"}"#.to_owned(), Form::Document, "", Some("c")),
            (r#"{"period_start":"2024-01-01","x":Infinity}"#.to_owned(), Form::Document, "", None),
            ("{}".to_owned(), Form::Nothing, "", None),
            (r#"{"error":{"type":"x"},"status":404}"#.to_owned(), Form::Nothing, "", None),
            (format!(r#"{{{index},"_source":{{"community_id":"c""#), Form::Broken, "", None),
            ("[1]".to_owned(), Form::Broken, "", None),
            ("NaN".to_owned(), Form::Broken, "", None),
        ] {
            let found = document("file", 1, line.as_bytes());
            assert_eq!((found.form, found.community.as_deref()), (form, community), "{line}");
            let source = if source.is_empty() { &line } else { source };
            assert_eq!(found.source, source.as_bytes(), "{line}");
        }
    }
}
