//! From any text that holds documents to lines with one document each.

use std::io::{self, Cursor, Read};

use super::bulk::Bulk;
use super::containers::{Content, Failing, Member};
use super::file_names::FileName;
use super::forms::{
    BARE, BINARY, DESCRIPTION, ERROR, Form, LOOKED_AT, Layout, MARKUP, NO_EXPORT, form_of,
};
use super::index_names::names_index;
use super::told::{EMPTY, HOW_TO_EXPORT};
use super::values::Values;

/// How texts are read.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    /// The index of what comes without one.
    pub(crate) index: Option<String>,
    /// No line is longer, in bytes.
    pub(crate) line_limit: usize,
    /// Whether documents may stand there without anything around them.
    pub(crate) bare: bool,
}

/// The lines of a text.
pub(crate) enum Lines<'a> {
    Read(Box<dyn Read + 'a>),
    /// It holds no documents, and nobody said that it does.
    Skipped(&'static str),
    /// It cannot be read.
    Failed(io::Error),
}

/// The lines that stand in a member, whatever form it has.
pub(crate) fn lines_in<'a>(member: Member<'a>, texts: &Texts) -> Lines<'a> {
    let mut content = match member.content {
        Content::Plain(content) => content,
        Content::Skipped(why) => return Lines::Skipped(why),
        Content::Failed(error) => return Lines::Failed(error),
    };
    let mut head = Vec::new();
    let read = content.by_ref().take(LOOKED_AT as u64).read_to_end(&mut head);
    let ended = read.as_ref().is_ok_and(|length| *length < LOOKED_AT);
    // Some tools write another one where a text that has one is converted.
    while head.starts_with(BYTE_ORDER_MARK) {
        head.drain(..BYTE_ORDER_MARK.len());
    }
    let name = FileName::of(&member.name);
    if ended && head.trim_ascii().is_empty() {
        return nothing(&name);
    }
    let form = form_of(&head, ended);
    let rest: Box<dyn Read + 'a> = match (read, form) {
        (Ok(_), Form::Unknown(why)) if member.in_folder => return no_export(&name, why, &head),
        (Err(error), Form::Unknown(_)) if member.in_folder => return Lines::Failed(error),
        (Ok(_), _) => content,
        (Err(error), _) => Box::new(Failing(Some(error))),
    };
    let is_object = head.trim_ascii_start().starts_with(b"{");
    let is_one_a_line = super::lines::lines_of(&head)
        .find(|line| !line.trim_ascii().is_empty())
        .is_some_and(|line| line.trim_ascii().ends_with(b"}"));
    let whole: Box<dyn Read + 'a> = Box::new(Cursor::new(head).chain(rest));
    let values = |whole| Lines::Read(Box::new(Values::new(whole, texts.line_limit)));
    match form {
        Form::Lines => Lines::Read(whole),
        Form::Values => values(whole),
        Form::Bulk => {
            Lines::Read(Box::new(Bulk::new(whole, texts.line_limit, texts.index.clone())))
        }
        Form::Bare(_) if !texts.bare => Lines::Failed(cannot(BARE.to_owned())),
        Form::Bare(Layout::OneALine) => Lines::Read(whole),
        Form::Bare(Layout::SeveralLines) => values(whole),
        // Whoever names it means it: then each line says why it brings nothing.
        Form::Unknown(NO_EXPORT) if texts.bare && is_object && !is_one_a_line => values(whole),
        Form::Unknown(NO_EXPORT | ERROR | DESCRIPTION) => Lines::Read(whole),
        Form::Unknown(why) => Lines::Failed(cannot(format!("{why}; {HOW_TO_EXPORT}"))),
    }
}

/// A text without anything in it.
fn nothing<'a>(name: &FileName) -> Lines<'a> {
    if name.stands_for_an_index() {
        return Lines::Failed(cannot(format!("{EMPTY}, though {NAMED_LIKE_AN_INDEX}")));
    }
    Lines::Skipped(EMPTY)
}

/// A text of a folder that is no export. It is passed over only if nothing says that it should be
/// one; else what it should have brought is lost.
fn no_export<'a>(name: &FileName, why: &'static str, head: &[u8]) -> Lines<'a> {
    let is_json = head.trim_ascii_start().starts_with(b"{") || head.starts_with(b"[");
    let although = match why {
        DESCRIPTION => return Lines::Skipped(why),
        ERROR => "",
        _ if name.stands_for_an_index() => NAMED_LIKE_AN_INDEX,
        _ if names_index(head) => "it names an index that means something",
        MARKUP | BINARY if name.is_like_an_export() => NAMED_LIKE_AN_EXPORT,
        NO_EXPORT if name.is_like_an_export() && !is_json => NAMED_LIKE_AN_EXPORT,
        _ => return Lines::Skipped(why),
    };
    let although = if although.is_empty() { String::new() } else { format!(", though {although}") };
    Lines::Failed(cannot(format!("{why}{although}; {HOW_TO_EXPORT}")))
}

const NAMED_LIKE_AN_INDEX: &str = "it has the name of an index";
const NAMED_LIKE_AN_EXPORT: &str = "it is named like an export";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn cannot(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
