//! A task on its way to whoever makes it elsewhere.

use serde::{Deserialize, Serialize};
use stats_model::Position;
use stats_series::GENERATOR_VERSION;

use crate::hash::hash;
use crate::make::context::MakeContext;
use crate::make::task::ShelfTask;
use crate::matrix::verdict::{Action, Cause};
use crate::service::CachedResponseService;
use crate::survey::plan::{Plan, PlannedCell};

/// A task, and what whoever makes it in another process has to know of its run. It names no document and
/// no response: whoever makes it looks for itself at what there is, and what stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// What is to be made.
    #[serde(flatten)]
    pub task: ShelfTask,
    /// The token of the lease of the run, against which each write is held; `None`: it needs no lock.
    pub fence: Option<String>,
    /// Of what kind the responses are, but for their documents: another text, other responses.
    pub recipe: String,
    /// How far the source had moved when the run was planned.
    pub position: Position,
    /// Whether responses hold only what the layout needs.
    pub optimize: bool,
    /// Whether to make what stands and is unchanged, too.
    pub overwrite: bool,
    /// Whether shelves that have lost days are taken for the truth.
    pub accept_loss: bool,
    /// Whether what could not be made is given pauses.
    pub patient: bool,
}

impl CachedResponseService {
    /// The task of a plan for somebody elsewhere.
    pub(crate) fn errand(
        &self,
        task: &ShelfTask,
        context: &MakeContext<'_>,
        fence: Option<String>,
    ) -> Errand {
        let plan = context.plan;
        let cells = || task.categories.iter().filter_map(|it| context.cell(task, *it));
        let overwrites = |cell: &PlannedCell| cell.verdict.action == Action::Make(Cause::Overwrite);
        Errand {
            task: task.clone(),
            fence,
            recipe: cells().next().map(|cell| self.recipe(plan, cell)).unwrap_or_default(),
            position: plan.standing.position(task.kind),
            optimize: plan.optimize,
            overwrite: cells().any(overwrites),
            accept_loss: plan.accept_loss,
            patient: plan.patient,
        }
    }

    /// What tells apart the responses that are made of the same documents for a cell, and their places.
    pub(crate) fn recipe(&self, plan: &Plan, cell: &PlannedCell) -> String {
        let layout = if plan.optimize { plan.member(cell).layout.hash.as_str() } else { "" };
        let (prefix, configuration) = (&self.settings.prefix, &self.configuration);
        let mut text = hash(&format!("{GENERATOR_VERSION} {prefix} {configuration} {layout}"));
        text.truncate(16);
        text
    }
}
