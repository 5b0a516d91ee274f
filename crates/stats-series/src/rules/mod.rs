//! The value of every field of every kind of document (data-series specification, section 6).

mod convert;
mod field;

use stats_model::DocumentKind;

use self::convert::{integer, sum};
pub(crate) use self::field::Refused;
use self::field::{
    Field, Fields, NOT_A_NUMBER, NOT_AN_INTEGER, NOT_AN_OBJECT, NOT_FINITE, TOO_LARGE, refuse,
};
use crate::plan::{Column, Half, Measure};
use crate::scan::members::get;
use crate::scan::number::{Number, number};

/// The value of one column on one day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// No point.
    None,
    /// A number that was computed.
    Number(Number),
    /// The JSON value as it stands in the document.
    Verbatim(&'a [u8]),
}

type Evaluated<'a> = Result<Value<'a>, Refused>;

/// A counter of a record delta: the field and its two halves.
#[derive(Debug, Clone)]
struct Counter<'a> {
    whole: Field<'a>,
    added: Field<'a>,
    removed: Field<'a>,
}

impl<'a> Counter<'a> {
    fn of(value: Option<&'a [u8]>) -> Self {
        let whole = Field::of(value);
        let half = |key| match &whole {
            Field::Object { members, .. } => Field::of(get(members, key)),
            _ => Field::Absent,
        };
        Self { added: half("added"), removed: half("removed"), whole }
    }

    fn has_both(&self) -> bool {
        !matches!(self.added, Field::Absent) && !matches!(self.removed, Field::Absent)
    }

    /// Forms `value` of the wanted half, or the difference of the two.
    fn halves(
        &self,
        half: Half,
        name: &str,
        value: impl Fn(Fields<'_, 'a>, &str) -> Result<Number, Refused>,
    ) -> Result<Number, Refused> {
        let of = |field: &Field<'a>, half: &str| {
            let path = format!("{name}.{half}");
            match field.object_or_empty() {
                Some(members) => value(members, &path),
                None => refuse(path, NOT_AN_OBJECT),
            }
        };
        match half {
            Half::Added => of(&self.added, "added"),
            Half::Removed => of(&self.removed, "removed"),
            Half::Difference => {
                let (added, removed) = (of(&self.added, "added")?, of(&self.removed, "removed")?);
                added.minus(&removed).map_or_else(|| refuse(name, TOO_LARGE), Ok)
            }
        }
    }
}

/// The numbers of a record delta, of the document or of an item (sections 6.1 and 6.2).
#[derive(Debug, Clone)]
pub(crate) struct RecordDelta<'a> {
    records: Counter<'a>,
    parents: Counter<'a>,
    files: Counter<'a>,
    uploaders: Counter<'a>,
}

impl<'a> RecordDelta<'a> {
    pub(crate) fn of(fields: [Option<&'a [u8]>; 4]) -> Self {
        let [records, parents, files, uploaders] = fields.map(Counter::of);
        Self { records, parents, files, uploaders }
    }

    fn counter(&self, measure: Measure) -> (&'static str, &Counter<'a>) {
        match measure {
            Measure::Records => ("records", &self.records),
            Measure::Parents => ("parents", &self.parents),
            Measure::Uploaders => ("uploaders", &self.uploaders),
            _ => ("files", &self.files),
        }
    }

    pub(crate) fn value(&self, column: Column) -> Evaluated<'a> {
        let (name, counter) = self.counter(column.measure);
        if name == "files" {
            if !matches!(counter.whole, Field::Object { .. }) {
                return Ok(Value::None);
            }
            let metric = column.measure.name();
            let operand = |members: Fields<'_, 'a>, path: &str| match get(members, metric) {
                None => Ok(Number::int(0)),
                Some(value) => number(value)
                    .map_or_else(|| refuse(format!("{path}.{metric}"), NOT_A_NUMBER), Ok),
            };
            return counter.halves(column.half, name, operand).map(Value::Number);
        }
        match &counter.whole {
            Field::Absent | Field::Null => Ok(Value::None),
            Field::Object { .. } if counter.has_both() || column.half != Half::Difference => {
                counter
                    .halves(column.half, name, |members, path| sum(members, path))
                    .map(Value::Number)
            }
            Field::Object { raw, .. } | Field::Other(raw) if column.half == Half::Difference => {
                Ok(Value::Verbatim(raw))
            }
            // What has no halves has nothing added and nothing removed.
            Field::Object { .. } | Field::Other(_) => Ok(Value::None),
        }
    }

    pub(crate) fn presence(&self, column: Column, with_files: bool) -> Evaluated<'a> {
        let (name, counter) = self.counter(column.measure);
        let member = if name == "files" {
            if !with_files {
                return Ok(Value::Number(Number::int(0)));
            }
            column.measure.name()
        } else {
            presence_id(with_files)
        };
        match &counter.whole {
            Field::Absent | Field::Object { .. } => {}
            Field::Null | Field::Other(_) if name == "files" => {
                return refuse(name, NOT_AN_OBJECT);
            }
            Field::Null | Field::Other(_) => return Ok(Value::None),
        }
        let operand = |members: Fields<'_, 'a>, path: &str| match get(members, member) {
            None => Ok(Number::int(0)),
            Some(value) => integer(value).map_or_else(
                || refuse(format!("{path}.{member}"), NOT_AN_INTEGER),
                |value| Ok(Number::Int(value)),
            ),
        };
        counter.halves(column.half, name, operand).map(Value::Number)
    }
}

/// The name of one of the two series of records with and without files.
pub(crate) const fn presence_id(with_files: bool) -> &'static str {
    if with_files { "with_files" } else { "metadata_only" }
}

/// The numbers of a record snapshot, of the document or of an item (sections 6.3 to 6.5).
#[derive(Debug, Clone)]
pub(crate) struct RecordSnapshot<'a> {
    prefix: &'static str,
    records: Field<'a>,
    parents: Field<'a>,
    files: Field<'a>,
    uploaders: Field<'a>,
}

impl<'a> RecordSnapshot<'a> {
    /// `prefix` is `total_` for a document and nothing for an item.
    pub(crate) fn of(prefix: &'static str, fields: [Option<&'a [u8]>; 4]) -> Self {
        let [records, parents, files, uploaders] = fields.map(Field::of);
        Self { prefix, records, parents, files, uploaders }
    }

    fn counted(&self, measure: Measure) -> (String, &Field<'a>) {
        let field = if measure == Measure::Records { &self.records } else { &self.parents };
        (format!("{}{}", self.prefix, measure.name()), field)
    }

    pub(crate) fn value(&self, column: Column) -> Evaluated<'a> {
        match column.measure {
            Measure::Uploaders => match &self.uploaders {
                Field::Absent | Field::Null => Ok(Value::None),
                Field::Object { raw, .. } | Field::Other(raw) => Ok(Value::Verbatim(raw)),
            },
            Measure::Records | Measure::Parents => {
                let (path, field) = self.counted(column.measure);
                match field {
                    Field::Object { members, .. } if !members.is_empty() => {
                        let sum = sum(members, &path)?;
                        match sum.truncated() {
                            Some(value) => Ok(Value::Number(Number::Int(value))),
                            None => refuse(path, NOT_FINITE),
                        }
                    }
                    _ => Ok(Value::None),
                }
            }
            measure => match &self.files {
                Field::Object { members, .. } if !members.is_empty() => {
                    Ok(verbatim_or_zero(get(members, measure.name())))
                }
                _ => Ok(Value::None),
            },
        }
    }

    pub(crate) fn presence(&self, column: Column, with_files: bool) -> Evaluated<'a> {
        if let measure @ (Measure::Records | Measure::Parents) = column.measure {
            let (path, field) = self.counted(measure);
            let Field::Object { members, .. } = field else {
                return Ok(Value::None);
            };
            let id = presence_id(with_files);
            let Some(value) = get(members, id) else {
                return refuse(format!("{path}.{id}"), "missing");
            };
            return match integer(value) {
                Some(value) => Ok(Value::Number(Number::Int(value))),
                None => refuse(format!("{path}.{id}"), NOT_AN_INTEGER),
            };
        }
        if !with_files {
            return Ok(Value::Number(Number::int(0)));
        }
        match self.files.object_or_empty() {
            Some(members) => Ok(verbatim_or_zero(get(members, column.measure.name()))),
            None => refuse(format!("{}files", self.prefix), NOT_AN_OBJECT),
        }
    }
}

fn verbatim_or_zero(value: Option<&[u8]>) -> Value<'_> {
    value.map_or(Value::Number(Number::int(0)), Value::Verbatim)
}

/// The numbers of a usage delta or snapshot, of the document or of an item (section 6.6).
#[derive(Debug, Clone)]
pub(crate) struct Usage<'a> {
    view: Field<'a>,
    download: Field<'a>,
}

/// The totals of a usage document.
#[derive(Debug, Clone)]
pub(crate) enum UsageTotals<'a> {
    None,
    Refused,
    Totals(Usage<'a>),
}

impl<'a> UsageTotals<'a> {
    pub(crate) fn of(totals: Option<&'a [u8]>) -> Self {
        match Field::of(totals) {
            Field::Absent | Field::Null => Self::None,
            Field::Other(_) => Self::Refused,
            Field::Object { members, .. } => Self::Totals(Usage {
                view: Field::of(get(&members, "view")),
                download: Field::of(get(&members, "download")),
            }),
        }
    }

    pub(crate) fn value(&self, column: Column) -> Evaluated<'a> {
        let (name, field) = match self {
            Self::None => return Ok(Value::None),
            Self::Refused => return refuse("totals", NOT_AN_OBJECT),
            Self::Totals(usage) => usage.side(column.measure),
        };
        match field.object_or_empty() {
            Some(members) => Ok(usage_value(members, column.measure)),
            None => refuse(format!("totals.{name}"), NOT_AN_OBJECT),
        }
    }
}

impl<'a> Usage<'a> {
    /// `view`, `download`, and for usage snapshots the item's own `by_view` and `by_download`,
    /// which are taken instead when both are there.
    pub(crate) fn of_item(fields: [Option<&'a [u8]>; 4]) -> Self {
        let [view, download, by_view, by_download] = fields;
        let (view, download) = match (by_view, by_download) {
            (Some(_), Some(_)) => (by_view, by_download),
            _ => (view, download),
        };
        Self { view: Field::of(view), download: Field::of(download) }
    }

    fn side(&self, measure: Measure) -> (&'static str, &Field<'a>) {
        if measure.is_view() { ("view", &self.view) } else { ("download", &self.download) }
    }

    /// Both sides must be objects, whichever the column reads.
    pub(crate) fn value(&self, column: Column) -> Value<'a> {
        if self.view.object_or_empty().is_none() || self.download.object_or_empty().is_none() {
            return Value::None;
        }
        let (_, field) = self.side(column.measure);
        usage_value(field.object_or_empty().unwrap_or_default(), column.measure)
    }
}

fn usage_value<'a>(members: Fields<'_, 'a>, measure: Measure) -> Value<'a> {
    verbatim_or_zero(get(members, usage_key(measure)))
}

/// The member of `view` or `download` that a usage measure reads.
pub(crate) const fn usage_key(measure: Measure) -> &'static str {
    match measure {
        Measure::Views | Measure::Downloads => "total_events",
        Measure::ViewVisitors | Measure::DownloadVisitors => "unique_visitors",
        Measure::ViewUniqueRecords | Measure::DownloadUniqueRecords => "unique_records",
        Measure::ViewUniqueParents | Measure::DownloadUniqueParents => "unique_parents",
        Measure::DownloadUniqueFiles => "unique_files",
        _ => "total_volume",
    }
}

/// The members of a document that the rules of a kind read besides its day and its subcounts.
pub(crate) const fn document_fields(kind: DocumentKind) -> [&'static str; 4] {
    match kind {
        DocumentKind::RecordDelta => ["records", "parents", "files", "uploaders"],
        DocumentKind::RecordSnapshot => {
            ["total_records", "total_parents", "total_files", "total_uploaders"]
        }
        DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => ["totals", "", "", ""],
    }
}

/// The members of an item that the rules of a kind read besides its id and label.
pub(crate) const fn item_fields(kind: DocumentKind) -> [&'static str; 4] {
    match kind {
        DocumentKind::RecordDelta | DocumentKind::RecordSnapshot => {
            // Items have `uploaders` only by accident, and no column reads it.
            ["records", "parents", "files", ""]
        }
        DocumentKind::UsageDelta => ["view", "download", "", ""],
        DocumentKind::UsageSnapshot => ["view", "download", "by_view", "by_download"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_of_a_counter_stand_alone() {
        let records = br#"{"added":{"a":3,"b":2},"removed":{"a":1}}"#;
        let document = RecordDelta::of([Some(records), None, None, Some(b"4")]);
        let value = |measure, half| document.value(Column { measure, half }).unwrap();
        let int = |value| Value::Number(Number::int(value));
        assert_eq!(value(Measure::Records, Half::Difference), int(4));
        assert_eq!(value(Measure::Records, Half::Added), int(5));
        assert_eq!(value(Measure::Records, Half::Removed), int(1));
        assert_eq!(value(Measure::Uploaders, Half::Difference), Value::Verbatim(b"4"));
        let presence = Column { measure: Measure::Parents, half: Half::Removed };
        assert_eq!(document.presence(presence, true).unwrap(), int(0));
    }
}
