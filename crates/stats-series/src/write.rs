//! Writing a response: the arrays of the tables in the order of the plan, byte for byte as the
//! reference serialises them (data-series specification, sections 5, 7 and 11).

use std::cell::OnceCell;
use std::io::{self, Write};

use crate::plan::Plan;
use crate::reader::{DocumentDate, Reader};
use crate::scan::cell::{Cell, CellValue};
use crate::table::{RowsBySeries, Table};

/// How large floats are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FloatStyle {
    /// `1e16`, as orjson 3.11.3 to 3.11.6 write them.
    #[default]
    Plain,
    /// `1e+16`, as later versions do.
    Signed,
}

/// An array of a plan, found in the tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Located {
    pub(crate) table: usize,
    pub(crate) column: usize,
    pub(crate) bar: bool,
    pub(crate) filesize: bool,
}

/// The dates of all documents, ready to be put before a value.
#[derive(Debug)]
struct Dates {
    /// `["04-02",` for every document, when all are of one year.
    short: Vec<[u8; SHORT]>,
    /// That year.
    year: Option<u16>,
}

const SHORT: usize = 16;
const SHORT_LENGTH: usize = 9;

impl Dates {
    fn new(dates: &[DocumentDate]) -> Self {
        let short = dates
            .iter()
            .map(|date| {
                let (month, day) = date.parsed.map_or((0, 0), |date| (date.month, date.day));
                short_date(month, day)
            })
            .collect();
        let mut parsed = dates.iter().map(|date| date.parsed.map(|date| date.year));
        let first = parsed.next().flatten();
        let year = first.filter(|_| parsed.all(|year| year == first));
        Self { short, year }
    }
}

/// `["MM-DD",`, padded.
fn short_date(month: u8, day: u8) -> [u8; SHORT] {
    let digit = |value: u8| b'0' + value % 10;
    let mut text = [0; SHORT];
    let short = [b'[', b'"', digit(month / 10), digit(month), b'-', digit(day / 10), digit(day)];
    text[..7].copy_from_slice(&short);
    text[7..SHORT_LENGTH].copy_from_slice(b"\",");
    text
}

/// Writes one response of a reader.
pub(crate) struct ResponseWriter<'a> {
    reader: &'a Reader,
    dates: Dates,
    rows: Vec<OnceCell<RowsBySeries>>,
    style: FloatStyle,
}

impl<'a> ResponseWriter<'a> {
    pub(crate) fn new(reader: &'a Reader, style: FloatStyle) -> Self {
        let rows = reader.tables.iter().map(|_| OnceCell::new()).collect();
        Self { reader, dates: Dates::new(&reader.dates), rows, style }
    }

    pub(crate) fn write(
        &self,
        plan: &Plan,
        arrays: &[Located],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut out = Buffer::new(out);
        out.put(b"{");
        for (index, block) in plan.blocks.iter().enumerate() {
            out.put(if index > 0 { b",\"" } else { b"\"" });
            out.put_escaped(&block.name);
            out.put(b"\":{");
            for (index, (name, array)) in block.metrics.iter().enumerate() {
                out.put(if index > 0 { b",\"" } else { b"\"" });
                out.put_escaped(name);
                out.put(b"\":");
                self.array(&mut out, arrays[*array])?;
            }
            out.put(b"}");
            out.flush_full()?;
        }
        out.put(b"}");
        out.finish()
    }

    fn array(&self, out: &mut Buffer<'_>, array: Located) -> io::Result<()> {
        let table = &self.reader.tables[array.table];
        let rows = self.rows[array.table].get_or_init(|| table.rows_by_series());
        out.put(b"[");
        for (index, series) in table.series.iter().enumerate() {
            out.put(if index > 0 { b",{\"id\":" } else { b"{\"id\":" });
            self.put_text(out, table.text(&series.id));
            out.put(b",\"name\":");
            self.put_text(out, table.text(&series.name));
            out.put(b",\"data\":[");
            let year = self.points(out, table, array.column, rows.of(index))?;
            out.put(if array.bar { b"],\"type\":\"bar\"" } else { b"],\"type\":\"line\"" });
            out.put(if array.filesize {
                b",\"valueType\":\"filesize\""
            } else {
                b",\"valueType\":\"number\""
            });
            if let Some(year) = year {
                out.put(b",\"year\":");
                out.put(itoa::Buffer::new().format(year).as_bytes());
            }
            out.put(b"}");
        }
        out.put(b"]");
        out.flush_full()
    }

    /// Writes the points of a series; returns the year that all its dates share.
    fn points(
        &self,
        out: &mut Buffer<'_>,
        table: &Table,
        column: usize,
        rows: &[u32],
    ) -> io::Result<Option<u16>> {
        let year = match self.dates.year {
            Some(year) => Some(year),
            None => self.shared_year(table, column, rows),
        };
        let mut any = false;
        for row in rows {
            let cell = table.cell(*row, column);
            if cell == Cell::NONE {
                continue;
            }
            out.make_room()?;
            if any {
                out.put(b",");
            }
            any = true;
            let document = table.document(*row) as usize;
            if year.is_some() {
                out.put_short(&self.dates.short[document]);
            } else {
                out.put(b"[");
                out.put(self.reader.texts.get(self.reader.dates[document].text));
                out.put(b",");
            }
            match cell.value() {
                CellValue::None => {}
                CellValue::Int(value) => out.put_int(value),
                CellValue::Whole(value) => {
                    out.put_int(value);
                    out.put(b".0");
                }
                CellValue::Text(text) => self.put_text(out, self.reader.texts.get(text)),
            }
            out.put(b"]");
        }
        Ok(year.filter(|_| any))
    }

    /// The year of all points of a series, when every date is a real one of the same year.
    fn shared_year(&self, table: &Table, column: usize, rows: &[u32]) -> Option<u16> {
        let mut shared = None;
        for row in rows.iter().filter(|row| table.cell(**row, column) != Cell::NONE) {
            let date = self.reader.dates[table.document(*row) as usize];
            let year = date.parsed?.year;
            if *shared.get_or_insert(year) != year {
                return None;
            }
        }
        shared
    }

    fn put_text(&self, out: &mut Buffer<'_>, text: &[u8]) {
        match self.style {
            FloatStyle::Plain => out.put(text),
            FloatStyle::Signed => out.put(&signed_exponents(text)),
        }
    }
}

/// The JSON `text` with a `+` in every positive exponent outside strings.
fn signed_exponents(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    let (mut in_string, mut escaped) = (false, false);
    for (index, byte) in text.iter().enumerate() {
        out.push(*byte);
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if *byte == b'"' {
            in_string = true;
        } else if *byte == b'e' && text.get(index + 1).is_some_and(u8::is_ascii_digit) {
            out.push(b'+');
        }
    }
    out
}

/// Collects output and hands it on in large pieces.
struct Buffer<'a> {
    bytes: Vec<u8>,
    out: &'a mut dyn Write,
}

impl<'a> Buffer<'a> {
    const SIZE: usize = 64 * 1024;
    /// Room for the fixed part of a point.
    const POINT: usize = 64;

    fn new(out: &'a mut dyn Write) -> Self {
        Self { bytes: Vec::with_capacity(Self::SIZE), out }
    }

    #[inline]
    fn make_room(&mut self) -> io::Result<()> {
        if self.bytes.len() + Self::POINT > Self::SIZE { self.flush() } else { Ok(()) }
    }

    fn flush_full(&mut self) -> io::Result<()> {
        if self.bytes.len() > Self::SIZE / 2 { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.flush()
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    fn put_short(&mut self, date: &[u8; SHORT]) {
        self.bytes.extend_from_slice(date);
        self.bytes.truncate(self.bytes.len() - (SHORT - SHORT_LENGTH));
    }

    #[inline]
    fn put_int(&mut self, value: i64) {
        self.bytes.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A name as the inside of a JSON string.
    fn put_escaped(&mut self, name: &str) {
        let mut quoted = Vec::new();
        crate::scan::verbatim::write_text(&mut quoted, name);
        self.put(&quoted[1..quoted.len() - 1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_get_their_sign_outside_strings_only() {
        let signed = |text: &str| String::from_utf8(signed_exponents(text.as_bytes())).unwrap();
        assert_eq!(signed("1e16"), "1e+16");
        assert_eq!(signed("1e-7"), "1e-7");
        assert_eq!(
            signed(r#"{"1e5":[true,"\"1e5",1.5e300]}"#),
            r#"{"1e5":[true,"\"1e5",1.5e+300]}"#
        );
    }

    #[test]
    fn short_dates_are_padded() {
        assert_eq!(&short_date(4, 2)[..SHORT_LENGTH], b"[\"04-02\",");
        assert_eq!(&short_date(12, 31)[..SHORT_LENGTH], b"[\"12-31\",");
    }
}
