//! What is known of some responses before any document.

use std::sync::Arc;

use stats_model::DocumentKind;

use crate::config::SeriesConfig;
use crate::plan::{Column, Place, Plan, ResponseSpec};
use crate::table::Table;
use crate::write::Located;

/// Responses that cannot be built together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// There is none to build.
    #[error("no response was asked for")]
    Nothing,
    /// One pass reads documents of one kind only.
    #[error("responses made from different kinds of documents cannot be built in one pass")]
    DifferentKinds,
}

/// The arrays of some responses, and the tables that they take their values from: worked out once, for
/// as many builders as there are shelves.
#[derive(Debug, Clone)]
pub struct Blueprint(Arc<Drawn>);

#[derive(Debug)]
struct Drawn {
    kind: DocumentKind,
    plans: Vec<(Plan, Vec<Located>)>,
    tables: Vec<(Place, Vec<Column>)>,
}

impl Blueprint {
    /// That of these responses, which must all be made from one kind of documents.
    ///
    /// # Errors
    /// When there is no response, or their kinds differ.
    pub fn new(config: &SeriesConfig, specs: &[ResponseSpec]) -> Result<Self, SeriesError> {
        let kind = specs.first().ok_or(SeriesError::Nothing)?.category.kind();
        if specs.iter().any(|spec| spec.category.kind() != kind) {
            return Err(SeriesError::DifferentKinds);
        }
        let mut tables = Vec::new();
        let plans = specs
            .iter()
            .map(|spec| {
                let plan = Plan::new(config, spec);
                let located = locate(&plan, &mut tables);
                (plan, located)
            })
            .collect();
        Ok(Self(Arc::new(Drawn { kind, plans, tables })))
    }

    /// The kind of documents that the responses are made from.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.0.kind
    }

    /// How many responses it is of.
    #[must_use]
    pub fn responses(&self) -> usize {
        self.0.plans.len()
    }

    /// Its tables, without rows.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let tables = self.0.tables.iter();
        tables.map(|(place, columns)| Table::new(place.clone(), columns.clone())).collect()
    }

    /// The plan of a response, and where its arrays take their values.
    pub(crate) fn response(&self, index: usize) -> &(Plan, Vec<Located>) {
        &self.0.plans[index]
    }
}

/// Finds the table and column of every array of a plan, adding those that are missing.
fn locate(plan: &Plan, tables: &mut Vec<(Place, Vec<Column>)>) -> Vec<Located> {
    plan.arrays
        .iter()
        .map(|array| {
            let table = number_of(
                tables,
                |(place, _)| *place == array.place,
                || (array.place.clone(), Vec::new()),
            );
            let columns = &mut tables[table].1;
            let column = number_of(columns, |known| *known == array.column, || array.column);
            Located { table, column, bar: array.bar, filesize: array.filesize }
        })
        .collect()
}

/// Where the first one is that `is_it`, added when there is none.
fn number_of<T>(all: &mut Vec<T>, is_it: impl FnMut(&T) -> bool, new: impl FnOnce() -> T) -> usize {
    all.iter().position(is_it).unwrap_or_else(|| {
        all.push(new());
        all.len() - 1
    })
}
