//! The names of runs.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats_model::Clock;

/// `d` stands for a decimal digit, `x` for a hexadecimal one.
const FORM: &[u8; 23] = b"ddddddddTddddddZ-xxxxxx";

/// The name of a run, as `20261129T163002Z-7f4f2a`: when it began, UTC, to a 256th of a second, and a
/// random number. Names sort as runs began, and are short enough to type the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is not the name of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the id of a run, such as 20261129T163002Z-7f4f2a")]
pub struct InvalidRunId(String);

impl RunId {
    /// The name of a run that begins now.
    #[must_use]
    pub fn new(clock: &dyn Clock) -> Self {
        let random = uuid::Uuid::new_v4();
        let [first, second, ..] = *random.as_bytes();
        Self::of(clock.now(), u16::from_be_bytes([first, second]))
    }

    /// The name of a run that began then, with this random number.
    #[must_use]
    pub fn of(begun: Timestamp, random: u16) -> Self {
        let begun = begun.max(Timestamp::UNIX_EPOCH);
        let part = i64::from(begun.subsec_nanosecond()) * 256 / 1_000_000_000;
        Self(format!("{}-{part:02x}{random:04x}", begun.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name can begin like this.
    pub(super) fn can_begin_with(prefix: &str) -> bool {
        let fits = |(byte, form): (u8, &u8)| match form {
            b'd' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            sign => byte == *sign,
        };
        prefix.len() <= FORM.len() && prefix.bytes().zip(FORM).all(fits)
    }

    /// A text that comes after all names that begin like this, and before all others that do.
    pub(super) fn after_all_with(prefix: &str) -> String {
        format!("{prefix}g")
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, InvalidRunId> {
        if text.len() == FORM.len() && Self::can_begin_with(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidRunId(text.to_owned()))
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, InvalidRunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use stats_model::ManualClock;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn names_sort_as_runs_began() {
        let of = |text, random| RunId::of(time(text), random);
        let names = [
            of("1969-01-01T00:00:00Z", 1),
            of("2026-11-29T16:30:02.000Z", 0xffff),
            of("2026-11-29T16:30:02.500Z", 0x4f2a),
            of("2026-11-29T16:30:02.999999999Z", 0),
            of("2026-11-29T16:30:03Z", 0),
        ];
        assert!(names.is_sorted());
        assert_eq!(names[0].as_str(), "19700101T000000Z-000001");
        assert_eq!(names[2].as_str(), "20261129T163002Z-804f2a");
        assert_eq!(names[3].as_str(), "20261129T163002Z-ff0000");
    }

    #[test]
    fn every_run_has_a_name_of_its_own() {
        let clock = ManualClock::new(time("2026-11-29T16:30:02Z"));
        let names: std::collections::BTreeSet<RunId> =
            (0..20).map(|_| RunId::new(&clock)).collect();
        assert!(names.len() > 15, "{names:?}");
    }

    #[test]
    fn only_names_are_names() {
        let name = "20261129T163002Z-804f2a";
        assert_eq!(name.parse::<RunId>().unwrap().to_string(), name);
        for text in [
            "",
            "20261129T163002Z-804f2",
            "20261129T163002Z-804F2A",
            "20261129T163002Z-*",
            "20261129T163002Z-804f2a0",
            "2026-11-29T16:30:02Z-4f2",
        ] {
            let error = text.parse::<RunId>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("'{text}' is not the id")), "{error}");
        }
        assert!(serde_json::from_str::<RunId>("\"x\"").is_err());
        assert_eq!(
            serde_json::to_string(&name.parse::<RunId>().unwrap()).unwrap(),
            format!("\"{name}\"")
        );
    }

    #[test]
    fn beginnings_are_beginnings() {
        for end in 0..=23 {
            assert!(RunId::can_begin_with(&"20261129T163002Z-804f2a"[..end]));
        }
        for text in ["x", "2026-", "20261129T163002Z-804f2a0", "20261129t", "größe"] {
            assert!(!RunId::can_begin_with(text), "{text}");
        }
    }
}
