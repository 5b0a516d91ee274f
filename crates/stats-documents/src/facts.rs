//! What must be known of a document to put it on a shelf: its community and its day.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use stats_model::{Day, DocumentKind};

/// Community and day of a document, read from its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentFacts<'a> {
    /// The content of `community_id`: a UUID or `global`.
    pub community: Cow<'a, str>,
    /// The day of the kind's [day field](DocumentKind::day_field).
    pub day: Day,
}

/// Why a document cannot stand on a shelf (source-documents specification, sections 1.4 and 1.16).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDocument {
    /// The source is not one complete JSON object.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// `community_id` is missing, null, empty or no text.
    #[error("no community_id")]
    NoCommunity,
    /// It is plainly something else than its index says.
    #[error("not a document of {0}")]
    OtherKind(&'static str),
    /// The day field is missing, null or no text.
    #[error("no {0}")]
    NoDay(&'static str),
    /// The day field holds something else.
    #[error("{0} {1}")]
    DayNotADate(&'static str, stats_model::InvalidDay),
    /// The `_id` ends in another day.
    #[error("the day is {day}, which is not that of the _id")]
    OtherDay {
        /// The day that the document describes.
        day: Day,
    },
    /// A bookmark of something else than the four kinds on the basis *added*.
    #[error("a bookmark of the aggregation '{0}', which is not used")]
    OtherAggregation(String),
}

impl<'a> DocumentFacts<'a> {
    /// Reads the facts from the stored JSON of a document, and checks on the way that it is one
    /// complete JSON object, and that nothing says that it is of another kind. The rest of the
    /// document is looked at, but not kept.
    ///
    /// # Errors
    /// When the document can stand on no shelf.
    pub(crate) fn read(kind: DocumentKind, source: &'a [u8]) -> Result<Self, InvalidDocument> {
        let text = std::str::from_utf8(source)
            .map_err(|error| InvalidDocument::NotJson(error.to_string()))?;
        Self::read_text(kind, text)
    }

    /// The same for a source that is known to be UTF-8.
    pub(crate) fn read_text(kind: DocumentKind, text: &'a str) -> Result<Self, InvalidDocument> {
        let fields: Fields<'a> = read_object(text)?;
        let community = fields.community.filter(|community| !community.is_empty());
        let day = match kind.day_field() {
            "period_start" => fields.period_start,
            _ => fields.snapshot_date,
        };
        let community = community.ok_or(InvalidDocument::NoCommunity)?;
        if fields.members.contradict(kind) {
            return Err(InvalidDocument::OtherKind(kind.name()));
        }
        let day = day.ok_or(InvalidDocument::NoDay(kind.day_field()))?;
        let day = day
            .parse()
            .map_err(|invalid| InvalidDocument::DayNotADate(kind.day_field(), invalid))?;
        Ok(Self { community, day })
    }
}

/// Checks that a document whose `_id` ends in a day describes that day.
///
/// # Errors
/// [`InvalidDocument::OtherDay`].
pub(crate) fn check_day(id: &str, day: Day) -> Result<(), InvalidDocument> {
    let end = id.len().checked_sub(DAY_LENGTH + 1).and_then(|start| id.get(start..));
    let named = end.and_then(|end| end.strip_prefix('-')).and_then(|end| end.parse().ok());
    match named {
        Some(named) if day != named => Err(InvalidDocument::OtherDay { day }),
        _ => Ok(()),
    }
}

/// `YYYY-MM-DD`.
const DAY_LENGTH: usize = 10;

/// The fields that facts are read from. A field that stands twice counts as its last one.
#[derive(Default)]
struct Fields<'a> {
    community: Option<Cow<'a, str>>,
    period_start: Option<Cow<'a, str>>,
    snapshot_date: Option<Cow<'a, str>>,
    members: Members,
}

/// Members that only documents of some kinds have.
#[derive(Debug, Clone, Copy, Default)]
struct Members {
    period_start: bool,
    snapshot_date: bool,
    of_usage: bool,
    of_record_delta: bool,
    of_record_snapshot: bool,
}

impl Members {
    /// The one that a member speaks for, if it is one of these.
    fn spoken_for(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "period_start" => &mut self.period_start,
            "snapshot_date" => &mut self.snapshot_date,
            "totals" => &mut self.of_usage,
            "records" | "parents" | "files" | "uploaders" => &mut self.of_record_delta,
            "total_records" | "total_parents" | "total_files" | "total_uploaders" => {
                &mut self.of_record_snapshot
            }
            _ => return None,
        })
    }

    /// Whether they are those of another kind, and none is of this one. (Any of them may be absent.)
    const fn contradict(self, kind: DocumentKind) -> bool {
        let Self { period_start, snapshot_date, of_usage, of_record_delta, of_record_snapshot } =
            self;
        let any = of_usage || of_record_delta || of_record_snapshot;
        let (day, other_day, own) = match kind {
            DocumentKind::UsageDelta => (period_start, snapshot_date, of_usage),
            DocumentKind::UsageSnapshot => (snapshot_date, period_start, of_usage),
            DocumentKind::RecordDelta => (period_start, snapshot_date, of_record_delta),
            DocumentKind::RecordSnapshot => (snapshot_date, period_start, of_record_snapshot),
        };
        (other_day && !day) || (any && !own)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a document")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                while let Some(Text(name)) = map.next_key()? {
                    let name = name.as_deref().unwrap_or_default();
                    let is_there = match name {
                        "community_id" => text(&mut map, &mut fields.community)?,
                        "period_start" => text(&mut map, &mut fields.period_start)?,
                        "snapshot_date" => text(&mut map, &mut fields.snapshot_date)?,
                        _ => map.next_value::<Option<IgnoredAny>>()?.is_some(),
                    };
                    if let Some(member) = fields.members.spoken_for(name) {
                        *member = is_there;
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Reads a text into `field`; whether there is one.
fn text<'de, A: MapAccess<'de>>(
    map: &mut A,
    field: &mut Option<Cow<'de, str>>,
) -> Result<bool, A::Error> {
    *field = map.next_value::<Text<'_>>()?.0;
    Ok(field.is_some())
}

/// Reads an object with some fields from `text`, which must hold nothing else. (A derived reader
/// alone would take an array for an object.)
pub(crate) fn read_object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, InvalidDocument> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(InvalidDocument::NotJson("no object".to_owned()));
    }
    serde_json::from_str(text).map_err(|error| InvalidDocument::NotJson(error.to_string()))
}

/// The same for bytes that may be no text.
pub(crate) fn read_object_bytes<'a, T: Deserialize<'a>>(
    source: &'a [u8],
) -> Result<T, InvalidDocument> {
    let text =
        std::str::from_utf8(source).map_err(|error| InvalidDocument::NotJson(error.to_string()))?;
    read_object(text)
}

/// A text, borrowed where it has no escapes. An array of one text is that text, as for the search
/// engine; everything else is nothing.
#[derive(Debug, Default)]
pub(crate) struct Text<'a>(pub(crate) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyText)
    }
}

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Text<'de>, A::Error> {
        let first: Option<Text<'de>> = sequence.next_element()?;
        let mut more = false;
        while sequence.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(if more { Text(None) } else { first.unwrap_or_default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<(String, String), InvalidDocument> {
        DocumentFacts::read(DocumentKind::UsageDelta, source.as_bytes())
            .map(|facts| (facts.community.into_owned(), facts.day.to_string()))
    }

    #[test]
    fn day_forms() {
        for day in
            ["2025-03-09", "2025-03-09T00:00:00", "2025-03-09T00:00:00Z", "2025-03-09T00:00:00.000"]
        {
            let source = format!(r#"{{"period_start":"{day}","community_id":"global"}}"#);
            assert_eq!(read(&source).unwrap(), ("global".to_owned(), "2025-03-09".to_owned()));
        }
    }

    #[test]
    fn escapes_and_single_value_arrays() {
        let facts = read(
            r#"{"x":[{"period_start":1}],"community_id":["\u0061\"b"],"period_start":["2025-03-09"]}"#,
        );
        assert_eq!(facts.unwrap().0, "a\"b");
    }

    #[test]
    fn documents_of_another_kind_are_seen_by_what_they_have_and_lack() {
        use DocumentKind::{RecordDelta, RecordSnapshot, UsageDelta, UsageSnapshot};
        const USAGE: &str = r#""totals":{"view":{}}"#;
        let of = |day: &str, members: &str| {
            let comma = if members.is_empty() { "" } else { "," };
            format!(r#"{{"community_id":"a","{day}":"2025-03-09"{comma}{members}}}"#)
        };
        for (source, kinds) in [
            (of("period_start", USAGE), vec![UsageDelta]),
            (of("snapshot_date", USAGE), vec![UsageSnapshot]),
            (of("period_start", r#""records":{},"files":{}"#), vec![RecordDelta]),
            (of("period_start", r#""uploaders":0"#), vec![RecordDelta]),
            (of("snapshot_date", r#""total_records":{},"subcounts":{}"#), vec![RecordSnapshot]),
            // What lacks everything that is optional may be of either.
            (of("period_start", ""), vec![RecordDelta, UsageDelta]),
            (of("snapshot_date", r#""totals":null"#), vec![RecordSnapshot, UsageSnapshot]),
            (of("period_start", r#""totals":{},"files":{}"#), vec![RecordDelta, UsageDelta]),
            (
                of("period_start", r#""snapshot_date":"2025-03-09","totals":{}"#),
                vec![UsageDelta, UsageSnapshot],
            ),
        ] {
            for kind in DocumentKind::ALL {
                let read = DocumentFacts::read(kind, source.as_bytes());
                match read {
                    Ok(_) => assert!(kinds.contains(&kind), "{kind}: {source}"),
                    Err(InvalidDocument::OtherKind(name)) => {
                        assert!(!kinds.contains(&kind) && name == kind.name(), "{kind}: {source}");
                    }
                    Err(other) => panic!("{kind}: {source}: {other}"),
                }
            }
        }
    }

    #[test]
    fn the_id_may_name_no_other_day() {
        let day = "2025-03-09".parse().unwrap();
        for id in ["a-2025-03-09", "x", "", "2025-03-10", "é2025-03-10", "a-2025-02-30", "a-zero"]
        {
            assert_eq!(check_day(id, day), Ok(()), "{id}");
        }
        for id in ["a-2025-03-10", "-2025-03-10", "é-2099-01-01"] {
            assert_eq!(check_day(id, day), Err(InvalidDocument::OtherDay { day }), "{id}");
        }
    }

    #[test]
    fn refusals() {
        use InvalidDocument::{DayNotADate, NoCommunity, NoDay, NotJson};
        assert!(matches!(read("{}"), Err(NoCommunity)));
        assert!(matches!(read(r#"{"community_id":""}"#), Err(NoCommunity)));
        assert!(matches!(read(r#"{"community_id":["a","b"]}"#), Err(NoCommunity)));
        assert!(matches!(read(r#"{"community_id":"a"}"#), Err(NoDay("period_start"))));
        assert!(matches!(
            read(r#"{"community_id":"a","period_start":{"a":[]}}"#),
            Err(NoDay("period_start"))
        ));
        assert!(matches!(
            read(r#"{"community_id":"a","period_start":"2025-02-29T00:00:00"}"#),
            Err(DayNotADate("period_start", _))
        ));
        for broken in ["", "[]", "null", "{\"a\":1", "{\"a\":1} x", "{\"a\":01}", "{\"a\":\"\t\"}"]
        {
            assert!(matches!(read(broken), Err(NotJson(_))), "{broken}");
        }
    }
}
