//! What a verification is asked, and what it found.

use std::fmt;

use serde::Serialize;
use stats_model::{Category, Cell, Shelf};

use crate::inspect::list::Listed;
use crate::matrix::words::StateName;
use crate::report::Failure;
use crate::stop::Stop;

/// An entry that belongs to no cell.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOver {
    /// Its key.
    pub cache_key: String,
    /// Community id, as far as that is known.
    pub community_id: Option<String>,
    /// Year, as far as that is known.
    pub year: Option<i16>,
    /// Query name of the category, as far as that is known.
    pub category: Option<&'static str>,
    /// Its state.
    pub state: StateName,
    /// Why it is in that state.
    pub reason: String,
}

impl From<Listed> for LeftOver {
    fn from(listed: Listed) -> Self {
        let described = listed.description.map(|entry| entry.key);
        Self {
            cache_key: listed.key.or(described).unwrap_or_default(),
            community_id: listed.community,
            year: listed.year,
            category: listed.category.map(Category::query_name),
            state: listed.state,
            reason: listed.reason,
        }
    }
}

impl fmt::Display for LeftOver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.community_id, self.year, self.category) {
            (Some(community), Some(year), Some(category)) => {
                write!(formatter, "{community}/{year}/{category} ({}): ", self.state)?;
            }
            _ => write!(formatter, "{} ({}): ", self.cache_key, self.state)?,
        }
        formatter.write_str(&self.reason)
    }
}

/// How a verification is carried out.
pub struct VerifyRun<'a> {
    /// Per cent of the entries to look at, chosen by their keys: always the same ones.
    pub sample: f64,
    /// Ends it early.
    pub stop: Stop,
    /// Told how many of how many entries are done.
    pub progress: &'a mut dyn FnMut(u64, u64),
}

/// What a verification found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verification {
    /// Entries that were compared.
    pub checked: u64,
    /// Entries that are what would be made now.
    pub same: u64,
    /// Entries that differ, though nothing says why.
    pub different: u64,
    /// Entries that are not up to date, or are held, as their state says, whether they differ or not;
    /// and those that changed each time they were looked at.
    pub stale: u64,
    /// Entries that could not be made again.
    pub failed: u64,
    /// Entries that belong to no cell: there is nothing to hold them against.
    pub unchecked: u64,
    /// One for each that differs.
    pub findings: Vec<Finding>,
    /// One for each that is not up to date.
    pub outdated: Vec<Finding>,
    /// One for each that was not checked.
    pub left_over: Vec<LeftOver>,
    /// One for each that could not be made.
    pub errors: Vec<Failure>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// An entry that is not what would be made now.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Its cell.
    #[serde(flatten)]
    pub cell: Cell,
    /// Its key.
    pub cache_key: String,
    /// Its state: a stale or held entry is expected to differ, a fresh one never may.
    pub state: StateName,
    /// Why it is in that state.
    pub reason: String,
    /// The series that differs first, when both could be compared.
    pub series: Option<String>,
    /// The date that differs first, when the difference is in a point.
    pub date: Option<String>,
    /// What is stored there and what would be made, in words.
    pub difference: String,
}

/// What is said of an entry that was another one each time.
const IN_MOTION: &str = "changed each time it was looked at";

impl Verification {
    pub(crate) fn fail(&mut self, shelf: &Shelf, category: Category, error: String) {
        self.checked += 1;
        self.failed += 1;
        let cell = Cell::new(&shelf.community, shelf.year, category);
        self.errors.push(Failure { cell, error });
    }

    pub(crate) fn differ(&mut self, finding: Finding) {
        self.checked += 1;
        self.different += 1;
        self.findings.push(finding);
    }

    pub(crate) fn outdated(&mut self, finding: Finding) {
        self.checked += 1;
        self.stale += 1;
        self.outdated.push(finding);
    }

    pub(crate) fn pass_over(&mut self, left: LeftOver) {
        self.unchecked += 1;
        self.left_over.push(left);
    }

    pub(crate) fn in_motion(&mut self, finding: Finding) {
        self.outdated(Finding { reason: IN_MOTION.to_owned(), ..finding });
    }
}
