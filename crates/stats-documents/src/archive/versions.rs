//! Two documents with one id: which of them is the newer one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use crate::facts::Text;

/// What a document is beside the one that stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
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

/// When a document was computed. Times without a zone are UTC.
fn computed(source: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Computed<'a> {
        #[serde(borrow, default)]
        timestamp: Text<'a>,
    }
    let text = serde_json::from_slice::<Computed<'_>>(source).ok()?.timestamp.0?;
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let local: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
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
    use super::Version::{Newer, NumberForms, Older};
    use super::*;

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
            (r#"{"n":1.0,"m":2}"#.to_owned(), r#"{"m":2.0,"n":1}"#.to_owned(), NumberForms),
        ] {
            assert_eq!(compare(old.as_bytes(), new.as_bytes()), expected, "{old} {new}");
        }
    }
}
