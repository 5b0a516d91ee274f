//! What all tasks of a run have in common.

use std::collections::HashMap;

use stats_model::Category;

use crate::halt::Halt;
use crate::make::settled::Settled;
use crate::make::task::ShelfTask;
use crate::survey::plan::{Cell, Plan};

/// What all tasks of a run have in common: the plan that they are from, whether documents can be
/// searched, and what stops them.
pub struct MakeContext<'a> {
    pub(crate) plan: &'a Plan,
    /// The cells of the plan by their places.
    cells: HashMap<(&'a str, i16, Category), &'a Cell>,
    pub(crate) settled: Settled,
    pub(crate) halt: Halt<'a>,
}

impl<'a> MakeContext<'a> {
    pub(crate) fn new(plan: &'a Plan, settled: Settled, halt: Halt<'a>) -> Self {
        let place = |cell: &'a Cell| (plan.member(cell).id.as_str(), cell.year, cell.category);
        let cells = plan.cells.iter().map(|cell| (place(cell), cell)).collect();
        Self { plan, cells, settled, halt }
    }

    /// The cell of a response of a task; `None` where the plan has no such cell.
    pub(crate) fn cell(&self, task: &ShelfTask, category: Category) -> Option<&'a Cell> {
        self.cells.get(&(task.community.as_str(), task.year, category)).copied()
    }
}
