//! The marks that Python's side shares.

use std::time::Duration;

use stats_cache::{CacheError, FirstRun, Registry, UpdateMark, UpdateMarks};

use super::Pointed;

impl Registry for Pointed<dyn Registry> {
    fn mark_generating(
        &self,
        run: &str,
        years: &[(String, i16)],
        alone: bool,
    ) -> Result<(), CacheError> {
        self.points.around("marks.set", || self.port.mark_generating(run, years, alone))
    }

    fn marks_last(&self) -> Duration {
        self.port.marks_last()
    }

    fn unmark_generating(&self, run: &str, years: &[(String, i16)]) -> Result<(), CacheError> {
        self.points.around("marks.clear", || self.port.unmark_generating(run, years))
    }

    fn first_runs(&self, communities: &[String]) -> Result<Vec<Option<FirstRun>>, CacheError> {
        self.port.first_runs(communities)
    }

    fn complete_first_run(&self, community: &str) -> Result<(), CacheError> {
        self.points.around("marks.complete", || self.port.complete_first_run(community))
    }

    fn update_marks(&self) -> Result<UpdateMarks, CacheError> {
        self.points.around("marks.read", || self.port.update_marks())
    }

    fn remove_update_mark(&self, mark: &UpdateMark) -> Result<bool, CacheError> {
        self.points.around("marks.remove", || self.port.remove_update_mark(mark))
    }
}
