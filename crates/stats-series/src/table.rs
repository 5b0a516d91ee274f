//! Tables: the numbers of all series of one place, row by row as documents bring them.
//!
//! A row belongs to one series and one document and holds one cell for each column. Series are
//! kept in order of first sight. Nothing else of a document survives here.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::plan::{Column, Place};
use crate::predict::outline::Outline;
use crate::scan::cell::Cell;

/// Texts, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Keeps what `write` appends and returns its number; nothing is kept when it fails.
    pub(crate) fn keep<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let start = self.bytes.len();
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        self.ends.push(self.bytes.len());
        Ok(self.ends.len() - 1)
    }

    pub(crate) fn get(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }
}

/// One series of a table.
#[derive(Debug)]
pub(crate) struct Series {
    /// What its id equals, as [`write_identity`](crate::scan::verbatim::write_identity) forms it.
    identity: Range<usize>,
    /// Its id as it goes out.
    pub(crate) id: Range<usize>,
    /// Its name as it goes out.
    pub(crate) name: Range<usize>,
    /// The reading of a document in which it last got its row.
    fed: u64,
    /// The series that followed it in the last document.
    pub(crate) follower: u32,
    /// How an item of this series looked when it was last read the long way.
    pub(crate) outline: Outline,
}

/// No series.
pub(crate) const NOBODY: u32 = u32::MAX;

/// The numbers of all series of one place.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) place: Place,
    pub(crate) columns: Vec<Column>,
    pub(crate) series: Vec<Series>,
    by_identity: HashTable<u32>,
    hasher: DefaultHashBuilder,
    text: Vec<u8>,
    rows: Rows,
}

#[derive(Debug, Default)]
struct Rows {
    series: Vec<u32>,
    documents: Vec<u32>,
    cells: Vec<Cell>,
}

/// How much a table held before a document, to take it back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    series: usize,
    rows: usize,
}

impl Table {
    pub(crate) fn new(place: Place, columns: Vec<Column>) -> Self {
        Self {
            place,
            columns,
            series: Vec::new(),
            by_identity: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            text: Vec::new(),
            rows: Rows::default(),
        }
    }

    /// Keeps bytes as long as the table lives.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        start..self.text.len()
    }

    /// Everything that was kept.
    #[inline]
    pub(crate) fn whole_text(&self) -> &[u8] {
        &self.text
    }

    #[inline]
    pub(crate) fn text(&self, range: &Range<usize>) -> &[u8] {
        &self.text[range.start..range.end]
    }

    /// The series whose id equals `identity`.
    pub(crate) fn find(&self, identity: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(identity);
        self.by_identity
            .find(hash, |index| self.text(&self.series[*index as usize].identity) == identity)
            .copied()
    }

    /// Appends a series that [`find`](Self::find) did not find.
    pub(crate) fn create(&mut self, identity: &[u8], id: &[u8], name: &[u8]) -> u32 {
        let index = self.series.len() as u32;
        let series = Series {
            identity: self.keep(identity),
            id: self.keep(id),
            name: self.keep(name),
            fed: 0,
            follower: NOBODY,
            outline: Outline::default(),
        };
        self.series.push(series);
        let hash = self.hasher.hash_one(identity);
        let (series, text, hasher) = (&self.series, &self.text, &self.hasher);
        self.by_identity.insert_unique(hash, index, |other| {
            hasher.hash_one(&text[series[*other as usize].identity.clone()])
        });
        index
    }

    /// Whether `series` still has no row in this reading; afterwards it has.
    #[inline]
    pub(crate) fn claim(&mut self, series: u32, reading: u64) -> bool {
        let series = &mut self.series[series as usize];
        let free = series.fed != reading;
        series.fed = reading;
        free
    }

    /// Starts a row; exactly one cell for each column must follow.
    #[inline]
    pub(crate) fn start_row(&mut self, series: u32, document: u32) {
        self.rows.series.push(series);
        self.rows.documents.push(document);
    }

    #[inline]
    pub(crate) fn push_cell(&mut self, cell: Cell) {
        self.rows.cells.push(cell);
    }

    pub(crate) fn push_row(&mut self, series: u32, document: u32, cells: &[Cell]) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.start_row(series, document);
        self.rows.cells.extend_from_slice(cells);
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { series: self.series.len(), rows: self.rows.series.len() }
    }

    /// Whether rows were added since `mark`.
    pub(crate) fn has_rows_since(&self, mark: Mark) -> bool {
        self.rows.series.len() > mark.rows
    }

    /// Whether any of these rows has a point in `column`.
    pub(crate) fn has_points_since(&self, mark: Mark, column: usize) -> bool {
        let new = mark.rows..self.rows.series.len();
        new.into_iter().any(|row| self.cell(row as u32, column) != Cell::NONE)
    }

    /// Takes back the rows added since `mark`.
    pub(crate) fn take_back_rows(&mut self, mark: Mark) {
        self.rows.series.truncate(mark.rows);
        self.rows.documents.truncate(mark.rows);
        self.rows.cells.truncate(mark.rows * self.columns.len());
    }

    /// Takes back the rows and series added since `mark`.
    pub(crate) fn take_back(&mut self, mark: Mark) {
        self.take_back_rows(mark);
        while self.series.len() > mark.series {
            let Some(series) = self.series.pop() else { break };
            let hash = self.hasher.hash_one(&self.text[series.identity]);
            let index = self.series.len() as u32;
            if let Ok(entry) = self.by_identity.find_entry(hash, |other| *other == index) {
                entry.remove();
            }
        }
        for series in &mut self.series {
            if series.follower as usize >= mark.series {
                series.follower = NOBODY;
            }
        }
    }

    /// The rows of every series in document order.
    pub(crate) fn rows_by_series(&self) -> RowsBySeries {
        let mut ends = vec![0_usize; self.series.len() + 1];
        for series in &self.rows.series {
            ends[*series as usize + 1] += 1;
        }
        for index in 1..ends.len() {
            ends[index] += ends[index - 1];
        }
        let starts = ends.clone();
        let mut rows = vec![0_u32; self.rows.series.len()];
        for (row, series) in self.rows.series.iter().enumerate() {
            let place = &mut ends[*series as usize];
            rows[*place] = row as u32;
            *place += 1;
        }
        RowsBySeries { starts, rows }
    }

    #[inline]
    pub(crate) fn cell(&self, row: u32, column: usize) -> Cell {
        self.rows.cells[row as usize * self.columns.len() + column]
    }

    #[inline]
    pub(crate) fn document(&self, row: u32) -> u32 {
        self.rows.documents[row as usize]
    }
}

/// The rows of a table, sorted by series.
#[derive(Debug)]
pub(crate) struct RowsBySeries {
    starts: Vec<usize>,
    rows: Vec<u32>,
}

impl RowsBySeries {
    pub(crate) fn of(&self, series: usize) -> &[u32] {
        &self.rows[self.starts[series]..self.starts[series + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Half, Measure};

    #[test]
    fn a_document_can_be_taken_back() {
        let column = Column { measure: Measure::Views, half: Half::Difference };
        let mut table = Table::new(Place::Global, vec![column]);
        let first = table.create(b"\"a", b"\"a\"", b"\"A\"");
        table.push_row(first, 0, &[Cell::small_int(0)]);
        let mark = table.mark();
        let second = table.create(b"\"b", b"\"b\"", b"\"B\"");
        table.series[first as usize].follower = second;
        table.push_row(second, 1, &[Cell::small_int(0)]);
        assert!(table.has_rows_since(mark));
        table.take_back(mark);
        assert_eq!(table.find(b"\"b"), None);
        assert_eq!(table.find(b"\"a"), Some(first));
        assert_eq!(table.series[0].follower, NOBODY);
        assert_eq!(table.rows_by_series().of(0), [0]);
        assert_eq!(table.create(b"\"c", b"", b""), second);
    }
}
