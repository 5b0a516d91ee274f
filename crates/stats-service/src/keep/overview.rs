//! The matrix as it is seen without having watched it.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use stats_cache::EntryState;
use stats_model::{Category, Day, DocumentKind};

use crate::error::ServiceError;
use crate::keep::board::{Board, Row, Square};
use crate::service::CachedResponseService;
use crate::survey::plan::Plan;
use crate::survey::request::Request;

/// When what stands ends, by the places of cells in a plan.
pub(crate) type Ends = HashMap<(usize, i16, Category), Timestamp>;

/// All cells, and how far the aggregation is.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// The cells.
    pub board: Board,
    /// The newest bookmark of each kind that the source has something for.
    pub bookmarks: BTreeMap<DocumentKind, Option<Day>>,
    /// What somebody should know beside the cells, a sentence each.
    pub warnings: Vec<String>,
}

impl CachedResponseService {
    /// Looks at every cell, without reading a document or a body, and changes nothing.
    ///
    /// # Errors
    /// When source or store cannot answer.
    pub fn overview(&self) -> Result<Overview, ServiceError> {
        let request = Request { patient: true, ..Request::default() };
        let (plan, ends) = self.survey_with_ends(&request)?;
        let mut board = Board::default();
        board.take(rows(self, &plan, &ends, None), true);
        let bookmarks = plan.standing.newest_bookmarks().collect();
        Ok(Overview { board, bookmarks, warnings: plan.warnings })
    }

    /// A survey, and when what stands ends.
    pub(crate) fn survey_with_ends(&self, request: &Request) -> Result<(Plan, Ends), ServiceError> {
        let mut ends = Ends::new();
        let plan = self.survey(request, &mut |cell, entry| {
            let description = match &entry {
                EntryState::Ours(known) | EntryState::Foreign(known) => Some(known),
                EntryState::Absent | EntryState::Damaged(_) | EntryState::Expired(_) => None,
            };
            if let Some(expires) = description.and_then(|known| known.expires) {
                ends.insert((cell.member, cell.year, cell.category), expires);
            }
        })?;
        Ok((plan, ends))
    }
}

/// The rows of a plan. What was noted of a cell tells since when it is so, else it is `seen` now.
pub(crate) fn rows(
    service: &CachedResponseService,
    plan: &Plan,
    ends: &Ends,
    seen: Option<Timestamp>,
) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for member in &plan.members {
        let row = Row { slug: member.slug.clone(), squares: Vec::new() };
        rows.insert(member.id.to_string(), row);
    }
    for cell in &plan.cells {
        let note = || plan.memory.notes.get(&service.key_of(&plan.place(cell)));
        let noted = if plan.memory.notes.is_empty() { None } else { note() };
        let square = Square {
            year: cell.year,
            category: cell.category,
            state: plan.state(cell),
            verdict: cell.verdict,
            since: plan
                .run_of(cell)
                .map(|run| run.since)
                .or_else(|| noted.map(|note| note.since))
                .or(seen),
            expires: ends.get(&(cell.member, cell.year, cell.category)).copied(),
        };
        if let Some(row) = rows.get_mut(plan.member(cell).id.as_str()) {
            row.squares.push(square);
        }
    }
    for row in rows.values_mut() {
        row.squares.sort_unstable_by_key(|square| (square.year, square.category));
    }
    rows
}
