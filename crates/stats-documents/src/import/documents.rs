//! Reading documents where no archive is meant: one after the other, in the order of reading.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::containers::{Member, open};
use super::files::{Input, find};
use super::index_names::{IndexName, read_index};
use super::lines::lines_of;
use super::pieces::{Cut, Source};
use super::report::{FileError, LineKind, Reason, SkippedFile};
use super::texts::{Lines, Texts, lines_in};
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
    /// The document itself.
    pub source: &'a [u8],
}

/// What was left out.
#[derive(Debug, Default)]
pub struct Left {
    /// Files of folders and archives that hold no documents.
    pub skipped: Vec<SkippedFile>,
    /// Files that could not be read to their end.
    pub errors: Vec<FileError>,
}

/// The envelope of an export line.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, rename = "_index")]
    index: Text<'a>,
    #[serde(borrow, default, rename = "_id")]
    id: Text<'a>,
    #[serde(borrow, rename = "_source")]
    source: &'a RawValue,
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
    let file = member.name.clone();
    let mut number = 0;
    let mut fail = |lines, message: String| {
        left.errors.push(FileError { file: file.clone(), lines, bytes: 0, message });
    };
    let reader = match lines_in(member, texts) {
        Lines::Read(reader) => reader,
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
    let (index, id, source) = match read_object_bytes::<Envelope<'a>>(text) {
        Ok(Envelope { index, id, source }) => (index.0, id.0, source.get().as_bytes()),
        Err(_) => (None, None, text),
    };
    let index = index.map(|index| {
        read_index(&index).map(|IndexName { kind, prefix }| (kind, prefix.to_owned()))
    });
    let community = read_object_bytes::<Community<'a>>(source).unwrap_or_default();
    let community = community.community_id.0;
    Found { file, line, index, id: id.unwrap_or_default(), community, source }
}
