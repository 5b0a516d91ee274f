//! The values of a document or an item, and the cells that keep them.

use crate::DocumentKind;
use crate::plan::Column;
use crate::rules::{RecordDelta, RecordSnapshot, Refused, Usage, UsageTotals, Value};
use crate::scan::number::{Cell, Number, number};
use crate::scan::shape::{Dissected, MAX_NUMBERS, Numbers, Shape, dissect_totals};
use crate::scan::verbatim::{Unwritable, write_number, write_value};
use crate::table::Texts;

pub(super) fn value_cell(texts: &mut Texts, value: Value<'_>) -> Result<Cell, Unwritable> {
    let value = match value {
        Value::None => return Ok(Cell::NONE),
        Value::Number(number) => number,
        Value::Verbatim(raw) if matches!(raw[0], b'-' | b'0'..=b'9') => {
            number(raw).ok_or(Unwritable::IntegerOutOfRange)?
        }
        Value::Verbatim(raw) => return texts.keep(|out| write_value(out, raw)).map(Cell::text),
    };
    let short = match value {
        Number::Int(value) => Cell::int(value),
        Number::Float(value) => Cell::whole(value),
    };
    match short {
        Some(cell) => Ok(cell),
        None => texts.keep(|out| write_number(out, value)).map(Cell::text),
    }
}

/// The totals of usage documents, read by their looks once those are known; see [`Shape`].
#[derive(Debug, Default)]
pub(super) struct KnownTotals {
    looks: Option<Looks>,
    /// How often looks were remembered. Totals that keep changing theirs are given up.
    remembered: u8,
    numbers: Option<Numbers>,
}

/// The bytes of totals around their numbers.
#[derive(Debug)]
struct Looks {
    head: Vec<u8>,
    shape: Shape,
    tail: Vec<u8>,
}

impl KnownTotals {
    /// Reads totals at `at` that look as they did before; returns the offset behind them.
    pub(super) fn read(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        self.numbers = None;
        let Looks { head, shape, tail } = self.looks.as_ref()?;
        if !bytes.get(at..)?.starts_with(head) {
            return None;
        }
        let mut numbers = [Cell::NONE; MAX_NUMBERS];
        let end = shape.read(bytes, at + head.len(), &mut numbers)?;
        if !bytes.get(end..)?.starts_with(tail) {
            return None;
        }
        self.numbers = Some(numbers);
        Some(end + tail.len())
    }

    /// The numbers that were read so, in the present document.
    pub(super) const fn numbers(&self) -> Option<&Numbers> {
        self.numbers.as_ref()
    }

    /// Another document begins.
    pub(super) const fn forget(&mut self) {
        self.numbers = None;
    }

    /// Remembers how totals look that were read the long way.
    pub(super) fn remember(&mut self, kind: DocumentKind, totals: Option<&[u8]>) {
        const MOST: u8 = 8;
        let Some(totals) = totals.filter(|totals| totals[0] == b'{') else { return };
        if self.remembered == MOST
            || !matches!(kind, DocumentKind::UsageDelta | DocumentKind::UsageSnapshot)
        {
            return;
        }
        if let Some(Dissected { first, last, shape }) = dissect_totals(kind, totals) {
            let (head, tail) = (totals[..first].to_vec(), totals[last..].to_vec());
            self.looks = Some(Looks { head, shape, tail });
            self.remembered += 1;
        }
    }
}

/// The numbers of a document or an item under the rules of its kind.
pub(super) enum Totals<'a> {
    RecordDelta(Box<RecordDelta<'a>>),
    RecordSnapshot(RecordSnapshot<'a>),
    Usage(UsageTotals<'a>),
    UsageItem(Usage<'a>),
}

impl<'a> Totals<'a> {
    pub(super) fn of(kind: DocumentKind, fields: [Option<&'a [u8]>; 4]) -> Self {
        match kind {
            DocumentKind::RecordDelta => Self::RecordDelta(Box::new(RecordDelta::of(fields))),
            DocumentKind::RecordSnapshot => {
                Self::RecordSnapshot(RecordSnapshot::of("total_", fields))
            }
            DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => {
                Self::Usage(UsageTotals::of(fields[0]))
            }
        }
    }

    pub(super) fn of_item(kind: DocumentKind, fields: [Option<&'a [u8]>; 4]) -> Self {
        match kind {
            DocumentKind::RecordDelta => Self::RecordDelta(Box::new(RecordDelta::of(fields))),
            DocumentKind::RecordSnapshot => Self::RecordSnapshot(RecordSnapshot::of("", fields)),
            DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => {
                Self::UsageItem(Usage::of_item(fields))
            }
        }
    }

    pub(super) fn value(&self, column: Column) -> Result<Value<'a>, Refused> {
        match self {
            Self::RecordDelta(delta) => delta.value(column),
            Self::RecordSnapshot(snapshot) => snapshot.value(column),
            Self::Usage(totals) => totals.value(column),
            Self::UsageItem(usage) => Ok(usage.value(column)),
        }
    }

    pub(super) fn presence(&self, column: Column, with_files: bool) -> Result<Value<'a>, Refused> {
        match self {
            Self::RecordDelta(delta) => delta.presence(column, with_files),
            Self::RecordSnapshot(snapshot) => snapshot.presence(column, with_files),
            Self::Usage(_) | Self::UsageItem(_) => Ok(Value::None),
        }
    }
}
