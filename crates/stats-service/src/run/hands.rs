//! Who makes the tasks of a run.

use std::collections::VecDeque;
use std::time::Instant;

use crate::make::context::MakeContext;
use crate::make::outcome::ShelfReport;
use crate::make::task::ShelfTask;
use crate::run::errand::Errand;
use crate::service::CachedResponseService;

/// Makes the tasks of runs: here, elsewhere, or both.
pub trait Hands: Send + Sync {
    /// Makes these tasks, in their order as far as that goes, and tells of each what came of it, once.
    /// Comes back when it told of all, or soon after the job [has to stop](Job::should_stop); of what it
    /// did not tell nothing is known, and a later run looks at it again. Gives what somebody should know
    /// besides.
    fn make_all(
        &self,
        job: &Job<'_>,
        tasks: VecDeque<ShelfTask>,
        tell: &mut dyn FnMut(ShelfReport),
    ) -> Vec<String>;
}

/// What the tasks of a run need.
pub struct Job<'a> {
    pub(crate) service: &'a CachedResponseService,
    pub(crate) context: MakeContext<'a>,
    pub(crate) workers: usize,
    /// The token of the lease of the run.
    pub(crate) fence: Option<String>,
}

impl Job<'_> {
    /// How many tasks are made here at the same time, if any are; at least one.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.max(1)
    }

    /// Whether no further task is to be begun.
    #[must_use]
    pub fn should_stop(&self) -> bool {
        self.context.stop.is_set()
    }

    /// Whether the lock of the run is lost: then nobody may write for it any more, wherever.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.context.stop.is_lost()
    }

    /// Finds out whether the lock was taken away, which nothing else tells at once.
    pub fn look(&self) {
        self.context.stop.look();
    }

    /// Makes a task in this thread.
    #[must_use]
    pub fn make(&self, task: &ShelfTask) -> ShelfReport {
        let begun = Instant::now();
        let report = self.service.make(task, &self.context);
        ShelfReport { took: begun.elapsed(), ..report }
    }

    /// The task for somebody elsewhere, who makes it with
    /// [`make_errand`](CachedResponseService::make_errand).
    #[must_use]
    pub fn errand(&self, task: &ShelfTask) -> Errand {
        self.service.errand(task, &self.context, self.fence.clone())
    }
}
