//! The items of a list: their series, and their rows.

use super::totals::Totals;
use super::{Habits, Reader};
use crate::plan::{ListSide, Place};
use crate::predict::program::apply_all;
use crate::predict::regular::dissect_item;
use crate::predict::template::{MAX_NUMBERS, MAX_TEMPLATES, Numbers, Template};
use crate::rules::item_fields;
use crate::scan::cell::Cell;
use crate::scan::json::{Next, Parsed, after_member, skip_space, string_stop};
use crate::scan::members::{Members, get, members};
use crate::scan::python::python_text;
use crate::scan::skip::skip_value;
use crate::scan::verbatim::{
    Room, Unwritable, is_unequal, write_identity, write_text, write_value,
};
use crate::table::{NOBODY, Table};

impl Reader {
    /// Reads the list at `at` into a table; returns the offset behind it.
    pub(super) fn read_list(&mut self, table: usize, bytes: &[u8], at: usize) -> Parsed<usize> {
        let mut at = skip_space(bytes, at + 1);
        if bytes.get(at) == Some(&b']') {
            return Ok(at + 1);
        }
        let mut list = ListReading { previous: NOBODY, index: 0, nameless: None };
        let end = loop {
            let end = match self.read_known_item(table, bytes, at, &mut list) {
                Some(end) => end,
                None => self.read_item(table, bytes, at, &mut list)?,
            };
            list.index += 1;
            match after_member(bytes, end, b']')? {
                Next::Member(next) => at = next,
                Next::End(end) => break end,
            }
        };
        if let Some((index, item)) = list.nameless
            && let Some(series) = self.tables[table].find(b"n")
        {
            self.feed_item(table, series, index, &members(item)?);
        }
        Ok(end)
    }

    /// Reads an item that looks as its series looked before; see [`Template`].
    #[inline]
    fn read_known_item<'a>(
        &mut self,
        table: usize,
        bytes: &'a [u8],
        at: usize,
        list: &mut ListReading<'a>,
    ) -> Option<usize> {
        let document = self.dates.len() as u32;
        let (habits, rows) = (&mut self.habits[table], &mut self.tables[table]);
        let expected = match list.previous {
            NOBODY => habits.leader,
            previous => rows.series[previous as usize].follower,
        };
        let mut numbers: Numbers = [Cell::NONE; MAX_NUMBERS];
        let mut series = expected;
        let mut end = None;
        if expected != NOBODY {
            end = read_outlined(rows, &habits.templates, expected, bytes, at, &mut numbers);
        }
        if end.is_none() {
            series = find_by_plain_id(rows, bytes, at, &mut self.scratch)?;
            if series == expected {
                return None;
            }
            end = read_outlined(rows, &habits.templates, series, bytes, at, &mut numbers);
        }
        let end = end?;
        let cells = apply_all(&habits.programs, &numbers)?;
        if rows.claim(series, self.reading) {
            rows.push_row(series, document, &cells[..habits.programs.len()]);
        }
        follow(habits, rows, list, series);
        self.predicted += 1;
        Some(end)
    }

    /// Reads an item the long way, by the rules, and remembers how it looks.
    fn read_item<'a>(
        &mut self,
        table: usize,
        bytes: &'a [u8],
        at: usize,
        list: &mut ListReading<'a>,
    ) -> Parsed<usize> {
        let end = skip_value(bytes, at, self.outer(table))?;
        let item = &bytes[at..end];
        if item[0] != b'{' {
            let field = self.item_path(table, list.index);
            self.failures.structure(table, field, "expected an object");
            return Ok(end);
        }
        let fields = members(item)?;
        let (id, label) = (get(&fields, "id"), get(&fields, "label"));
        let series = self.series_of(table, list.index, id.unwrap_or(b"\"\""), label);
        if id.is_some_and(is_unequal) {
            // No item is ever found for this series.
        } else if matches!(id, None | Some(b"null")) {
            list.nameless.get_or_insert((list.index, item));
        } else {
            self.feed_item(table, series, list.index, &fields);
        }
        self.remember(table, series, item);
        follow(&mut self.habits[table], &mut self.tables[table], list, series);
        Ok(end)
    }

    /// How many objects and lists stand around an item.
    fn outer(&self, table: usize) -> u32 {
        let in_side = matches!(self.tables[table].place, Place::List { side: Some(_), .. });
        3 + u32::from(in_side)
    }

    /// The series with this id, created when it is new.
    fn series_of(&mut self, table: usize, index: u64, id: &[u8], label: Option<&[u8]>) -> u32 {
        let mut identity = std::mem::take(&mut self.scratch);
        identity.clear();
        if write_identity(&mut identity, id, Room::SERIES).is_err() {
            // It cannot be written either, which is found below.
            identity.clear();
            identity.push(b'!');
            identity.extend_from_slice(id);
        }
        let known = if is_unequal(id) { None } else { self.tables[table].find(&identity) };
        let series = match known {
            Some(series) => series,
            None => {
                let mut id_text = Vec::new();
                let mut name = Vec::new();
                let written = write_value(&mut id_text, id, Room::SERIES)
                    .and_then(|()| write_label(&mut name, label.unwrap_or(id)));
                if let Err(unwritable) = written {
                    let field = self.item_path(table, index);
                    let reason = format!("id or label is {}", unwritable.reason());
                    self.failures.structure(table, field, reason);
                }
                self.tables[table].create(&identity, &id_text, &name)
            }
        };
        self.scratch = identity;
        series
    }

    /// Gives a series its row of this document, unless it has one already.
    fn feed_item(&mut self, table: usize, series: u32, index: u64, fields: &Members<'_>) {
        if !self.tables[table].claim(series, self.reading) {
            return;
        }
        let document = self.dates.len() as u32;
        let values = item_fields(self.kind)
            .map(|name| if name.is_empty() { None } else { get(fields, name) });
        let item = Totals::of_item(self.kind, values);
        self.tables[table].start_row(series, document);
        for column in 0..self.tables[table].columns.len() {
            let value = item.value(self.tables[table].columns[column]);
            let place = self.tables[table].place.clone();
            let cell = self.cell(table, column, value, || format!("{}.", item_path(&place, index)));
            self.tables[table].push_cell(cell);
        }
    }

    /// Remembers how an item looks that the rules gave to `series`.
    fn remember(&mut self, table: usize, series: u32, item: &[u8]) {
        let rows = &mut self.tables[table];
        if !self.predicts || !rows.series[series as usize].outline.is_open() {
            return;
        }
        let Some(dissected) = dissect_item(self.kind, item) else { return };
        let templates = &mut self.habits[table].templates;
        let known = templates.iter().position(|template| *template == dissected.template);
        let template = match known {
            Some(template) => template,
            None if templates.len() < MAX_TEMPLATES => {
                templates.push(dissected.template);
                templates.len() - 1
            }
            None => return,
        };
        let head = rows.keep(&item[..dissected.first]);
        let tail = rows.keep(&item[dissected.last..]);
        rows.series[series as usize].outline.remember(head, tail, template as u16);
    }

    fn item_path(&self, table: usize, index: u64) -> String {
        item_path(&self.tables[table].place, index)
    }
}

/// The state of reading one list.
struct ListReading<'a> {
    /// The series of the item before.
    previous: u32,
    /// The number of the item.
    index: u64,
    /// The first item whose id is null or absent, which feeds the series of null.
    nameless: Option<(u64, &'a [u8])>,
}

/// Where an item stands in its document.
fn item_path(place: &Place, index: u64) -> String {
    match place {
        Place::List { name, side: None } => format!("subcounts.{name}[{index}]"),
        Place::List { name, side: Some(ListSide::ByView) } => {
            format!("subcounts.{name}.by_view[{index}]")
        }
        Place::List { name, side: Some(ListSide::ByDownload) } => {
            format!("subcounts.{name}.by_download[{index}]")
        }
        Place::Global | Place::FilePresence => String::new(),
    }
}

/// Remembers the order in which series come, for the next document.
#[inline]
fn follow(habits: &mut Habits, rows: &mut Table, list: &mut ListReading<'_>, series: u32) {
    match list.previous {
        NOBODY => habits.leader = series,
        previous => rows.series[previous as usize].follower = series,
    }
    list.previous = series;
}

#[inline]
fn read_outlined(
    rows: &Table,
    templates: &[Template],
    series: u32,
    bytes: &[u8],
    at: usize,
    numbers: &mut Numbers,
) -> Option<usize> {
    let outline = &rows.series.get(series as usize)?.outline;
    outline.read(rows.whole_text(), templates, bytes, at, numbers)
}

/// The series of an item that begins with a plain text id.
fn find_by_plain_id(rows: &Table, bytes: &[u8], at: usize, scratch: &mut Vec<u8>) -> Option<u32> {
    const START: &[u8] = br#"{"id":""#;
    if !bytes.get(at..)?.starts_with(START) {
        return None;
    }
    let quote = at + START.len() - 1;
    let stop = string_stop(bytes, quote + 1);
    if bytes.get(stop) != Some(&b'"') {
        return None;
    }
    scratch.clear();
    write_identity(scratch, &bytes[quote..=stop], Room::SERIES).ok()?;
    rows.find(scratch)
}

/// A label as it goes out: text and objects as they are, anything else as Python prints it.
fn write_label(out: &mut Vec<u8>, label: &[u8]) -> Result<(), Unwritable> {
    if matches!(label[0], b'"' | b'{') {
        return write_value(out, label, Room::SERIES);
    }
    write_text(out, &python_text(label).unwrap_or_default());
    Ok(())
}
