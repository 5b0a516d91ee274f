//! The values of a document or an item, and the cells that keep them.

use stats_model::DocumentKind;

use crate::plan::Column;
use crate::rules::{RecordDelta, RecordSnapshot, Refused, Usage, UsageTotals, Value};
use crate::scan::cell::Cell;
use crate::scan::integer::Integer;
use crate::scan::number::{Number, is_number, number};
use crate::scan::verbatim::{Room, Unwritable, write_number, write_value};
use crate::table::Texts;

pub(super) fn value_cell(texts: &mut Texts, value: Value<'_>) -> Result<Cell, Unwritable> {
    let value = match value {
        Value::None => return Ok(Cell::NONE),
        Value::Number(number) => number,
        Value::Verbatim(raw) if is_number(raw) => {
            number(raw).ok_or(Unwritable::IntegerOutOfRange)?
        }
        Value::Verbatim(raw) => {
            return texts.keep(|out| write_value(out, raw, Room::POINT)).map(Cell::text);
        }
    };
    let short = match &value {
        Number::Int(Integer::Small(value)) => Cell::int(*value),
        Number::Int(Integer::Large(_)) => None,
        Number::Float(value) => Cell::whole(*value),
    };
    match short {
        Some(cell) => Ok(cell),
        None => texts.keep(|out| write_number(out, &value)).map(Cell::text),
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
