//! The date field of a document as it was found (data-series specification, section 5).

use std::borrow::Cow;

use crate::date::CalendarDate;
use crate::scan::text::string_text;

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

/// The part of a date field before the first `T`.
pub(super) fn date_text(quoted: &[u8]) -> Cow<'_, [u8]> {
    let date = |text: &[u8]| memchr::memchr(b'T', text).unwrap_or(text.len());
    match string_text(quoted) {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..date(text)]),
        Cow::Owned(mut text) => {
            text.truncate(date(&text));
            Cow::Owned(text)
        }
    }
}
