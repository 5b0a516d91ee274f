//! What a check says.

use std::time::Duration;

use serde::Serialize;

/// How it stands with one thing, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and somebody should know something about it.
    Warning,
    /// It is there, and it does not work.
    Failed,
    /// It is needed and cannot be reached.
    Unreachable,
}

impl State {
    /// Its name: `ok`, `warning`, `failed`, `unreachable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What was found out about one thing. No text in it holds a secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Which thing: `opensearch`, `alias stats-community-usage-delta`.
    pub name: String,
    /// How it stands with it.
    pub state: State,
    /// What was found.
    pub detail: String,
    /// What to do; there is none where nothing is wrong.
    pub remedy: Option<String>,
    /// The version of a server or file format.
    pub version: Option<String>,
    /// How long one question took, there and back, in milliseconds.
    pub millis: Option<f64>,
}

impl Check {
    /// All is well.
    pub(super) fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state: State::Ok,
            detail: detail.into(),
            remedy: None,
            version: None,
            millis: None,
        }
    }

    /// It works, but.
    pub(super) fn warning(
        name: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::of(State::Warning, name, detail, remedy)
    }

    /// It is there and does not work.
    pub(super) fn failed(
        name: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::of(State::Failed, name, detail, remedy)
    }

    /// Anything that is not well.
    pub(super) fn of(
        state: State,
        name: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { state, remedy: Some(remedy.into()), ..Self::ok(name, detail) }
    }

    /// With a version.
    pub(super) fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into()).filter(|version| !version.is_empty());
        self
    }

    /// With the time that one question took, to a hundredth of a millisecond.
    pub(super) fn took(mut self, time: Duration) -> Self {
        self.millis = Some((time.as_secs_f64() * 100_000.0).round() / 100.0);
        self
    }
}

/// A number of bytes for people.
pub(super) fn bytes(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["B", "KB", "MB", "GB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{number} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TB")
}

/// A number with its noun: `1 document`, `3 documents`.
pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_people() {
        assert_eq!([bytes(0), bytes(1023), bytes(3205)], ["0 B", "1023 B", "3.1 KB"]);
        assert_eq!(bytes(1 << 50), "1024.0 TB");
        assert_eq!(plural(1, "shelf", "shelves"), "1 shelf");
        assert_eq!(plural(0, "shelf", "shelves"), "0 shelves");
    }

    #[test]
    fn the_worst_state_counts() {
        let check = |state| Check { state, ..Check::ok("a", "b") };
        let checks = [check(State::Warning), check(State::Failed), check(State::Ok)];
        assert_eq!(super::super::worst(&checks), State::Failed);
        assert_eq!(super::super::worst(&[]), State::Ok);
    }
}
