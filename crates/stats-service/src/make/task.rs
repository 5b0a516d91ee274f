//! The unit of work: one shelf, and the responses that are to be made of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stats_model::{Category, DocumentKind, Shelf};

use crate::make::outcome::{Outcome, ShelfReport};

/// One shelf, and the categories of the responses that are to be made of one reading of it. Whoever has
/// a task can do it: a thread of a run, or another process, by way of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShelfTask {
    /// The kind of the documents that are read.
    pub kind: DocumentKind,
    /// The id of the community, or `global`.
    pub community: String,
    /// The year.
    pub year: i16,
    /// What is made, in this order; all of it from documents of `kind`.
    pub categories: Vec<Category>,
}

impl ShelfTask {
    /// The shelf that is read.
    #[must_use]
    pub fn shelf(&self) -> Shelf {
        Shelf { kind: self.kind, community: self.community.clone(), year: self.year }
    }

    /// Whether a report tells of this task, and of all of it.
    #[must_use]
    pub fn is_told_by(&self, report: &ShelfReport) -> bool {
        let told = report.outcomes.iter().map(|(category, _)| category);
        report.community == self.community
            && report.year == self.year
            && told.eq(self.categories.iter())
    }

    /// The report of a task that nobody could make.
    #[must_use]
    pub fn failed(&self, why: &str) -> ShelfReport {
        self.report(&Outcome::Failed(why.to_owned()))
    }

    /// A report in which the same came of all responses.
    pub(crate) fn report(&self, outcome: &Outcome) -> ShelfReport {
        ShelfReport {
            community: self.community.clone(),
            year: self.year,
            outcomes: self.categories.iter().map(|it| (*it, outcome.clone())).collect(),
            documents: 0,
            bytes: 0,
            took: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_goes_through_a_queue_under_the_names_of_the_field() {
        let task = ShelfTask {
            kind: DocumentKind::UsageDelta,
            community: "global".to_owned(),
            year: 2025,
            categories: vec![Category::UsageDelta, Category::UsageDeltaDataViews],
        };
        let text = serde_json::to_string(&task).unwrap();
        assert_eq!(
            text,
            r#"{"kind":"usage_delta","community":"global","year":2025,"categories":["usage_delta","usage_delta_data_views"]}"#
        );
        assert_eq!(serde_json::from_str::<ShelfTask>(&text).unwrap(), task);
    }
}
