//! The plan of a request: every cell it is about, with what stands there and what to do.

use std::collections::{BTreeMap, BTreeSet};

use stats_cache::{Memory, Seen};
use stats_documents::OpenImport;
use stats_model::{Category, Cell, Shelf, chain};

use crate::matrix::loss::Former;
use crate::matrix::verdict::{Action, Verdict};
use crate::matrix::words::{StateName, held_because};
use crate::survey::at_work::AtWork;
use crate::survey::members::Member;
use crate::survey::request::Years;
use crate::survey::standing::Standing;

/// A cell of a plan.
#[derive(Debug, Clone, Copy)]
pub struct PlannedCell {
    /// Index into [`Plan::members`].
    pub member: usize,
    /// The year.
    pub year: i16,
    /// The category.
    pub category: Category,
    /// What stands there and what to do.
    pub verdict: Verdict,
    pub(crate) former: Former,
    /// What stood there when the plan was made: only that is written over.
    pub(crate) seen: Seen,
}

/// Everything a request is about, in the order community, year, category.
#[derive(Debug)]
pub struct Plan {
    /// The communities, in the order asked for.
    pub members: Vec<Member>,
    /// The categories.
    pub categories: Vec<Category>,
    /// The years asked for.
    pub years: Years,
    /// The current year, UTC: the end of every lifespan.
    pub current_year: i16,
    /// Whether responses hold only what the layout needs.
    pub optimize: bool,
    /// The cells.
    pub cells: Vec<PlannedCell>,
    /// Whether the source holds any bookmark for the kinds and communities of the request.
    pub bookmarked: bool,
    /// The imports that are open: communities, events or documents may be missing.
    pub open_imports: Vec<OpenImport>,
    /// Whether shelves that have lost days are taken for the truth.
    pub accept_loss: bool,
    /// Whether it is asked for again and again, so that nobody waits for a particular response.
    pub patient: bool,
    /// What somebody should know beside the cells, a sentence each.
    pub warnings: Vec<String>,
    /// The years asked for that are in no lifespan of a community asked for.
    pub outside: Vec<i16>,
    /// The years that an aggregation marked as changed, by community.
    pub(crate) marked: BTreeSet<(String, i16)>,
    /// The runs that go on, where somebody tells.
    pub(crate) at_work: Vec<AtWork>,
    pub(crate) standing: Standing,
    /// What earlier runs noted.
    pub(crate) memory: Memory,
}

impl Plan {
    /// The community of a cell.
    #[must_use]
    pub fn member(&self, cell: &PlannedCell) -> &Member {
        &self.members[cell.member]
    }

    /// Which cell it is, by the id of its community.
    #[must_use]
    pub fn place(&self, cell: &PlannedCell) -> Cell {
        Cell::new(self.member(cell).id.as_str(), cell.year, cell.category)
    }

    /// The shelf a cell is made from.
    #[must_use]
    pub fn shelf(&self, cell: &PlannedCell) -> Shelf {
        self.place(cell).shelf()
    }

    /// The state of a cell in one word. What stands of a community that is gone is an orphan,
    /// whatever it was made from; what a run is about to make is running.
    #[must_use]
    pub fn state(&self, cell: &PlannedCell) -> StateName {
        match cell.verdict.name() {
            _ if self.run_of(cell).is_some() => StateName::Running,
            state if self.member(cell).wanted || !state.is_stored() => state,
            _ => StateName::Orphan,
        }
    }

    /// The run that is about to make a cell, if one is.
    pub(crate) fn run_of(&self, cell: &PlannedCell) -> Option<&AtWork> {
        // What is damaged stays in sight until it is made.
        let (name, action) = (cell.verdict.name(), cell.verdict.action);
        let is_to_come = matches!(name, StateName::Missing | StateName::Stale | StateName::Expired);
        if self.at_work.is_empty() || !is_to_come || !matches!(action, Action::Make(_)) {
            return None;
        }
        let member = self.member(cell);
        self.at_work.iter().find(|run| run.is_about(member, cell.year, cell.category))
    }

    /// Whether earlier runs noted anything about any cell: failures, losses.
    #[must_use]
    pub fn remembers(&self) -> bool {
        !self.memory.notes.is_empty()
    }

    /// Why a cell is made, kept, held, waited for or refused.
    #[must_use]
    pub fn reason(&self, cell: &PlannedCell) -> String {
        let reason = match cell.verdict.action {
            Action::Hold(loss) => held_because(loss, self.missing(cell).as_deref()),
            _ => cell.verdict.reason(),
        };
        match self.run_of(cell) {
            Some(run) => format!("{reason}; {run}"),
            None => reason,
        }
    }

    /// What the source says of the kind of documents that a cell is made from, where it has nothing
    /// for it.
    pub(crate) fn missing(&self, cell: &PlannedCell) -> Option<String> {
        self.standing.missing(cell.category.kind()).map(|error| chain(error))
    }

    /// Whether an aggregation marked a year of a community as changed.
    pub(crate) fn is_marked_year(&self, community: &str, year: i16) -> bool {
        !self.marked.is_empty() && self.marked.contains(&(community.to_owned(), year))
    }

    /// Why a cell cannot be made.
    pub(crate) fn refusal(&self, cell: &PlannedCell) -> String {
        match self.missing(cell) {
            Some(error) if !self.member(cell).deleted => error,
            _ => cell.verdict.reason(),
        }
    }

    /// The cells that would be made.
    pub fn to_make(&self) -> impl Iterator<Item = &PlannedCell> {
        self.cells.iter().filter(|cell| matches!(cell.verdict.action, Action::Make(_)))
    }

    /// The years asked for that are in the lifespan of a community or before it and not before the
    /// first year that was ever stored, then those that an aggregation marked, whatever was asked for
    /// (cache-and-jobs specification, section 8.4).
    pub(crate) fn years_of(&self, member: &Member) -> Vec<i16> {
        let stored = self.memory.first_years.get(member.id.as_str()).copied();
        let first = stored.map_or(member.first_year, |year| year.min(member.first_year));
        let mut years = self.years.within(first, self.current_year);
        let marked = self.marked.iter().filter(|(community, _)| *community == *member.id);
        for (_, year) in marked {
            if !years.contains(year) {
                years.push(*year);
            }
        }
        years
    }

    /// Whether a year is before the lifespan of a community, and nobody marked it.
    pub(crate) fn is_before(&self, member: &Member, year: i16) -> bool {
        year < member.first_year && !self.is_marked_year(&member.id, year)
    }

    /// The years that were asked for by name and are in no lifespan.
    pub(crate) fn years_outside(&self) -> Vec<i16> {
        let Years::Named(years) = &self.years else { return Vec::new() };
        let planned: BTreeSet<i16> = self.cells.iter().map(|cell| cell.year).collect();
        years.iter().copied().filter(|year| !planned.contains(year)).collect()
    }

    /// The shelves that would be read, each once, with the number of their documents.
    #[must_use]
    pub fn shelves_to_read(&self) -> BTreeMap<Shelf, u64> {
        let shelves = self.to_make().map(|cell| self.shelf(cell));
        shelves
            .map(|shelf| {
                let count = self.standing.fingerprint(&shelf).count;
                (shelf, count)
            })
            .collect()
    }
}
