//! Communities × years, with a mark for each cell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use stats_service::{Board, Row, StateName};

use super::super::table::{Side, Table};

/// The mark of a state.
pub(super) const fn mark(state: StateName) -> char {
    match state {
        StateName::Fresh => '.',
        StateName::Incomplete => '_',
        StateName::Missing => '-',
        StateName::Stale => '~',
        StateName::Expired => 'e',
        StateName::Held => 'h',
        StateName::Foreign => 'f',
        StateName::Damaged => '!',
        StateName::Failed => 'x',
        StateName::Dead => 'X',
        StateName::Running => 'r',
        StateName::Orphan => 'o',
    }
}

/// The grid, of so many communities at most, and how many more there are.
pub(super) fn table(board: &Board, limit: usize) -> (Vec<String>, usize) {
    let mut rows: Vec<(&str, &Row)> = board.rows().collect();
    // Those first in which something is not as it should be.
    rows.sort_by_key(|(community, row)| (is_well(row), *community != "global", *community));
    let shown = if limit == 0 { rows.len() } else { limit.min(rows.len()) };
    let years: BTreeSet<i16> =
        rows.iter().flat_map(|(_, row)| row.squares.iter().map(|square| square.year)).collect();
    let width = rows[..shown].iter().map(|(community, row)| name(community, row).chars().count());
    let width = width.max().unwrap_or_default();
    let marks = |year: i16, row: &Row| -> String {
        let of_year = row.squares.iter().filter(|square| square.year == year);
        of_year.map(|square| mark(square.state)).collect()
    };
    let column = |year: i16| {
        let widths = rows.iter().map(|(_, row)| marks(year, row).len());
        widths.max().unwrap_or_default().max(4)
    };
    let columns: Vec<(i16, usize)> = years.into_iter().map(|year| (year, column(year))).collect();
    let line = |name: &str, cells: Vec<String>| {
        let mut line = format!("{name:width$}");
        for ((_, column), cell) in columns.iter().zip(cells) {
            line.push_str(&format!("  {cell:column$}"));
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![line("", columns.iter().map(|(year, _)| year.to_string()).collect())];
    for (community, row) in &rows[..shown] {
        let cells = columns.iter().map(|(year, _)| marks(*year, row)).collect();
        lines.push(line(&name(community, row), cells));
    }
    (lines, rows.len() - shown)
}

fn name(community: &str, row: &Row) -> String {
    row.slug.clone().unwrap_or_else(|| community.to_owned())
}

fn is_well(row: &Row) -> bool {
    row.squares
        .iter()
        .all(|it| matches!(it.state, StateName::Fresh | StateName::Incomplete | StateName::Foreign))
}

/// How many cells are in which state, with the marks.
pub(super) fn legend(counts: &BTreeMap<StateName, u64>) -> Table {
    let mut table =
        Table::new(&[("", Side::Left), ("state", Side::Left), ("responses", Side::Right)]);
    for (state, number) in counts {
        let number = super::super::table::count(*number);
        table.row(vec![mark(*state).to_string(), state.name().to_owned(), number]);
    }
    table
}

/// Every cell with its state.
pub(super) fn to_json(board: &Board) -> Value {
    let row = |(community, row): (&str, &Row)| {
        let mut years: BTreeMap<i16, Map<String, Value>> = BTreeMap::new();
        for square in &row.squares {
            let category = square.category.query_name().to_owned();
            years.entry(square.year).or_default().insert(category, json!(square.state));
        }
        json!({"community_id": community, "slug": row.slug, "years": years})
    };
    board.rows().map(row).collect()
}
