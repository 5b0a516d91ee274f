//! The date of a document, and what of the document counts with it
//! (data-series specification, sections 5 and 6).

use super::Reader;
use super::date_field::{DateField, DocumentDate, date_text};
use crate::date::parse_date;
use crate::scan::text::utf8;
use crate::scan::verbatim::{Unwritable, write_text};
use crate::table::Mark;

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
