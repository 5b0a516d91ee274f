//! What is known of imports that have not ended, or not without loss.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An import that a source of documents does not take for whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpenImport {
    /// When it began, in milliseconds since 1970.
    pub began_milliseconds: i64,
    /// How it ended, if it did.
    pub ending: ImportEnding,
}

/// How an import ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportEnding {
    /// It runs, in the process with this number if that is known.
    Running(Option<u32>),
    /// Its process ended before it did.
    BrokenOff,
    /// It runs, or was broken off: nothing here tells.
    NotYet,
    /// It refused lines, or could not read files to their end.
    WithLoss,
}

/// Why what was read of a shelf may not be taken for whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsettled {
    /// An open import changed it.
    Import(OpenImport),
    /// It changed after it was read.
    Changed,
}

impl OpenImport {
    /// When it began.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        Timestamp::from_millisecond(self.began_milliseconds).unwrap_or_default()
    }
}

impl fmt::Display for OpenImport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let began = self.began().strftime("%Y-%m-%dT%H:%M:%SZ");
        match self.ending {
            ImportEnding::Running(Some(process)) => {
                write!(formatter, "the import of {began} is running (process {process})")
            }
            ImportEnding::Running(None) => write!(formatter, "the import of {began} is running"),
            ImportEnding::BrokenOff => write!(formatter, "the import of {began} was broken off"),
            ImportEnding::NotYet => {
                write!(formatter, "the import of {began} is running or was broken off")
            }
            ImportEnding::WithLoss => {
                write!(formatter, "the import of {began} lost lines or files")
            }
        }
    }
}

impl fmt::Display for Unsettled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import(import) => import.fmt(formatter),
            Self::Changed => formatter.write_str("an import changed the documents meanwhile"),
        }
    }
}
