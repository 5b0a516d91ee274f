//! Why the matrix is looked at.

use std::fmt;

use serde::Serialize;

/// What made the keeper look at cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// Nothing was known yet.
    Start,
    /// Somebody asked, or a schedule says so.
    Asked,
    /// Another day began.
    Day,
    /// Everything was not compared for too long.
    Beat,
    /// The source moved.
    Moved,
    /// Something is due again: it ends soon, or could not be made the last time.
    Due,
}

impl Occasion {
    /// The word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Asked => "asked",
            Self::Day => "day",
            Self::Beat => "beat",
            Self::Moved => "moved",
            Self::Due => "due",
        }
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}
