//! What all tasks of a run have in common.

use std::collections::HashMap;

use stats_model::Category;

use crate::make::settled::Settled;
use crate::make::task::ShelfTask;
use crate::stop::Stop;
use crate::survey::plan::{Plan, PlannedCell};

/// What all tasks of a run have in common: the plan that they are from, whether documents can be
/// searched, and what stops them.
pub struct MakeContext<'a> {
    pub(crate) plan: &'a Plan,
    /// The cells of the plan by their places.
    cells: HashMap<(&'a str, i16, Category), &'a PlannedCell>,
    pub(crate) settled: Settled,
    pub(crate) stop: Stop,
}

impl<'a> MakeContext<'a> {
    pub(crate) fn new(plan: &'a Plan, settled: Settled, stop: Stop) -> Self {
        let place =
            |cell: &'a PlannedCell| (plan.member(cell).id.as_str(), cell.year, cell.category);
        let cells = plan.cells.iter().map(|cell| (place(cell), cell)).collect();
        Self { plan, cells, settled, stop }
    }

    /// The cell of a response of a task; `None` where the plan has no such cell.
    pub(crate) fn cell(&self, task: &ShelfTask, category: Category) -> Option<&'a PlannedCell> {
        self.cells.get(&(task.community.as_str(), task.year, category)).copied()
    }
}
