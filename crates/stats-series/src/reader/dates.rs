//! The date of a document, and what of the document counts with it
//! (data-series specification, sections 5 and 6).

use std::borrow::Cow;

use super::Reader;
use crate::date::{CalendarDate, parse_date};
use crate::scan::text::{string_text, utf8};
use crate::scan::verbatim::{Unwritable, write_text};
use crate::table::Mark;

/// The date of a document: its number among the texts, and what it stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DocumentDate {
    pub(crate) text: usize,
    pub(crate) parsed: Option<CalendarDate>,
}

/// The date field as found.
#[derive(Debug, Clone, Copy)]
pub(super) enum DateField<'a> {
    None,
    Refused,
    Text(&'a [u8]),
}

impl<'a> DateField<'a> {
    pub(super) fn of(value: Option<&'a [u8]>) -> Self {
        match value {
            None | Some(b"null") => Self::None,
            Some(text) if text[0] == b'"' => Self::Text(text),
            Some(_) => Self::Refused,
        }
    }
}

impl Reader {
    /// The document is read; now its date decides what of it counts.
    pub(super) fn settle(&mut self, id: &str, date: DateField<'_>, marks: &[Mark]) {
        let position = self.dates.len() as u64;
        let mut known = DocumentDate { text: self.no_date, parsed: None };
        let has_date = match date {
            DateField::None => false,
            DateField::Refused => {
                self.refuse_date(marks);
                true
            }
            DateField::Text(quoted) => {
                let text = date_text(quoted);
                if !text.is_empty() {
                    match utf8(&text) {
                        Some(text) => known = self.keep_date(text),
                        None => self.refuse_unwritable_date(marks),
                    }
                }
                !text.is_empty()
            }
        };
        if !has_date {
            for (table, mark) in self.tables.iter_mut().zip(marks) {
                table.take_back_rows(*mark);
            }
        }
        self.dates.push(known);
        self.failures.settle(position, id, has_date);
    }

    fn keep_date(&mut self, text: &str) -> DocumentDate {
        let kept = self.texts.keep(|out| {
            write_text(out, text);
            Ok::<(), Unwritable>(())
        });
        DocumentDate { text: kept.unwrap_or(self.no_date), parsed: parse_date(text) }
    }

    /// A date that is no text fails every array that would have got a point.
    fn refuse_date(&mut self, marks: &[Mark]) {
        for (index, (table, mark)) in self.tables.iter().zip(marks).enumerate() {
            if table.has_rows_since(*mark) {
                for column in 0..table.columns.len() {
                    let field = self.kind.day_field().to_owned();
                    self.failures.value(index, column, field, "expected text");
                }
            }
        }
    }

    /// A date with half of a surrogate pair is a date; it fails every array that has to write it.
    fn refuse_unwritable_date(&mut self, marks: &[Mark]) {
        for (index, (table, mark)) in self.tables.iter().zip(marks).enumerate() {
            for column in 0..table.columns.len() {
                if table.has_points_since(*mark, column) {
                    let field = self.kind.day_field().to_owned();
                    let reason = Unwritable::LoneSurrogate.reason();
                    self.failures.value(index, column, field, reason);
                }
            }
        }
    }
}

/// The part of a date field before the first `T`.
fn date_text(quoted: &[u8]) -> Cow<'_, [u8]> {
    let date = |text: &[u8]| memchr::memchr(b'T', text).unwrap_or(text.len());
    match string_text(quoted) {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..date(text)]),
        Cow::Owned(mut text) => {
            text.truncate(date(&text));
            Cow::Owned(text)
        }
    }
}
