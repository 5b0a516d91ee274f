//! Two documents with one id: which of them is the newer one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::Text;

/// What a document is beside the one that stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The very same.
    Same,
    /// It may take the place: it was computed later, or nothing tells that it was not.
    Newer,
    /// It was computed earlier.
    Older,
    /// The same, but that numbers with a fraction of zero lost it (`3072.0`, `3072`): a tool that
    /// knows only one form of numbers wrote it.
    NumberForms,
}

/// What `new` is beside `old`; both are documents as they are stored.
pub(crate) fn compare(old: &[u8], new: &[u8]) -> Version {
    if old == new {
        return Version::Same;
    }
    match (computed(old), computed(new)) {
        (Some(old), Some(new)) if new < old => return Version::Older,
        (old, new) if new > old => return Version::Newer,
        _ => {}
    }
    let value = |source| serde_json::from_slice::<Value>(source);
    match (value(old), value(new)) {
        (Ok(old), Ok(new)) if forms(&old, &new) == Some(Forms::Lost) => Version::NumberForms,
        _ => Version::Newer,
    }
}

/// When a document was computed.
fn computed(source: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Computed<'a> {
        #[serde(borrow, default)]
        timestamp: Text<'a>,
    }
    instant(&serde_json::from_slice::<Computed<'_>>(source).ok()?.timestamp.0?)
}

/// A point in time. Times without a zone are UTC.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let local: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// Which state of a community a document of it is, as far as it tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommunityVersion {
    /// When the community was last changed, in microseconds since 1970.
    updated: Option<i64>,
    /// How often it was changed.
    number: Option<u64>,
}

impl CommunityVersion {
    /// Of a document of the communities index.
    pub(crate) fn read(source: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default)]
            updated: Text<'a>,
            #[serde(default)]
            version_id: Value,
        }
        let Ok(fields) = serde_json::from_slice::<Fields<'_>>(source) else {
            return Self::default();
        };
        let updated = fields.updated.0.and_then(|text| instant(&text));
        Self { updated: updated.map(Timestamp::as_microsecond), number: fields.version_id.as_u64() }
    }

    /// Whether it is known to be of an earlier time than `other`.
    pub(crate) fn is_before(self, other: Self) -> bool {
        if let (Some(updated), Some(other)) = (self.updated, other.updated)
            && updated != other
        {
            return updated < other;
        }
        self.number.zip(other.number).is_some_and(|(number, other)| number < other)
    }

    /// Whether nothing is known of it.
    pub(crate) const fn is_unknown(self) -> bool {
        self.updated.is_none() && self.number.is_none()
    }
}

/// How the numbers of two equal values differ in form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Forms {
    Same,
    /// The new one has fractions that the old one has not.
    Gained,
    /// The new one lacks fractions that the old one has.
    Lost,
}

/// `None`: the values differ in more than that.
fn forms(old: &Value, new: &Value) -> Option<Forms> {
    match (old, new) {
        (Value::Number(one), Value::Number(two)) => match (one.is_f64(), two.is_f64()) {
            (true, false) => (one.as_f64() == two.as_f64()).then_some(Forms::Lost),
            (false, true) => (one.as_f64() == two.as_f64()).then_some(Forms::Gained),
            _ => (one == two).then_some(Forms::Same),
        },
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            worst(one.iter().zip(two).map(|(one, two)| forms(one, two)))
        }
        (Value::Object(one), Value::Object(two)) if one.len() == two.len() => {
            worst(one.iter().map(|(name, one)| forms(one, two.get(name)?)))
        }
        _ => (old == new).then_some(Forms::Same),
    }
}

fn worst(mut all: impl Iterator<Item = Option<Forms>>) -> Option<Forms> {
    all.try_fold(Forms::Same, |worst, one| Some(worst.max(one?)))
}

#[cfg(test)]
mod tests {
    use super::Version::{Newer, NumberForms, Older, Same};
    use super::*;

    #[test]
    fn communities_are_compared_by_their_last_change() {
        let version = |source: &str| CommunityVersion::read(source.as_bytes());
        for (older, newer, is_before) in [
            (
                r#"{"updated":"2024-01-01T00:00:00+00:00"}"#,
                r#"{"updated":"2024-01-02T00:00:00"}"#,
                true,
            ),
            (
                r#"{"updated":"2024-01-01T00:00:00","version_id":9}"#,
                r#"{"updated":"2024-01-02T00:00:00Z","version_id":8}"#,
                true,
            ),
            (
                r#"{"updated":"2024-01-01T00:00:00","version_id":8}"#,
                r#"{"updated":"2024-01-01T00:00:00Z","version_id":9}"#,
                true,
            ),
            (r#"{"version_id":8}"#, r#"{"updated":"2024-01-02T00:00:00Z","version_id":9}"#, true),
            (r#"{"updated":"2024-01-01T00:00:00"}"#, r#"{"version_id":9}"#, false),
            ("{}", r#"{"version_id":9}"#, false),
            (r#"{"updated":"someday"}"#, r#"{"updated":"2024-01-02T00:00:00"}"#, false),
        ] {
            let (older, newer) = (version(older), version(newer));
            assert_eq!(older.is_before(newer), is_before, "{older:?} {newer:?}");
            assert!(!newer.is_before(older), "{older:?} {newer:?}");
        }
    }

    #[test]
    fn the_later_one_wins_and_lost_fractions_never_do() {
        let at = |time: &str, number: &str| format!(r#"{{"timestamp":"{time}","n":[{number}]}}"#);
        for (old, new, expected) in [
            (at("2024-03-02T00:00:00", "1"), at("2024-03-01T00:00:00", "2"), Older),
            (at("2024-03-01T00:00:00", "1"), at("2024-03-02T00:00:00", "2"), Newer),
            (at("2024-03-01T00:00:00", "1"), at("2024-03-01T00:00:00Z", "2"), Newer),
            (at("2024-03-01T02:00:00+02:00", "1"), at("2024-02-29T23:59:59.9", "1"), Older),
            (at("2024-03-01T00:00:00", "3072.0"), at("2024-03-01T00:00:00", "3072"), NumberForms),
            (at("2024-03-01T00:00:00", "3072"), at("2024-03-01T00:00:00", "3072.0"), Newer),
            (at("2024-03-01T00:00:00", "3072.0"), at("2024-03-01T00:00:00", "3073"), Newer),
            (at("2024-03-01T00:00:00", "3072.0"), at("2024-03-02T00:00:00", "3072"), Newer),
            (at("someday", "1"), at("2024-03-02T00:00:00", "1"), Newer),
            (at("someday", "1"), at("someday", "1"), Same),
            (r#"{"n":1.0,"m":2}"#.to_owned(), r#"{"m":2.0,"n":1}"#.to_owned(), NumberForms),
        ] {
            assert_eq!(compare(old.as_bytes(), new.as_bytes()), expected, "{old} {new}");
        }
    }
}
