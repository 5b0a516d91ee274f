//! How the columns of a table follow from the numbers of a regular item.

use stats_model::DocumentKind;

use super::regular::number_names;
use super::template::Numbers;
use crate::plan::{Column, Half, Measure};
use crate::rules::usage_key;
use crate::scan::cell::{Cell, CellValue};

/// One column from the numbers of [`number_names`], by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The number itself.
    Take(usize),
    /// The sum of two integers.
    Sum(usize, usize),
    /// The first number minus the second.
    Difference(usize, usize),
    /// The sum of the first two integers minus that of the last two.
    SumDifference([usize; 4]),
    /// Not to be had from these numbers.
    Unknown,
}

impl Program {
    pub(crate) fn new(kind: DocumentKind, column: Column) -> Self {
        match kind {
            DocumentKind::RecordDelta => record_delta(column),
            DocumentKind::RecordSnapshot => record_snapshot(column.measure),
            DocumentKind::UsageDelta | DocumentKind::UsageSnapshot => {
                let side = if column.measure.is_view() { "view" } else { "download" };
                place(kind, &[side, usage_key(column.measure)]).map_or(Self::Unknown, Self::Take)
            }
        }
    }

    /// The cell of the column; `None` when a sum meets anything but integers, which the rules
    /// proper must then settle.
    #[inline]
    pub(crate) fn apply(self, numbers: &Numbers) -> Option<Cell> {
        match self {
            Self::Take(number) => Some(numbers[number]),
            Self::Sum(one, two) => {
                Cell::int(i128::from(numbers[one].as_int()?) + i128::from(numbers[two].as_int()?))
            }
            Self::Difference(one, two) => difference(numbers[one], numbers[two]),
            Self::SumDifference([one, two, three, four]) => {
                let int = |number: usize| numbers[number].as_int().map(i128::from);
                Cell::int(int(one)? + int(two)? - int(three)? - int(four)?)
            }
            Self::Unknown => None,
        }
    }
}

/// More columns than any table has: three halves of four measures.
const MAX_COLUMNS: usize = 13;

/// The cells of all columns of a table. `None` when one of them is not to be had so.
#[inline]
pub(crate) fn apply_all(programs: &[Program], numbers: &Numbers) -> Option<[Cell; MAX_COLUMNS]> {
    let mut cells = [Cell::NONE; MAX_COLUMNS];
    if programs.len() > MAX_COLUMNS {
        return None;
    }
    for (cell, program) in cells.iter_mut().zip(programs) {
        *cell = program.apply(numbers)?;
    }
    Some(cells)
}

fn place(kind: DocumentKind, name: &[&str]) -> Option<usize> {
    number_names(kind).iter().position(|known| *known == name)
}

fn record_snapshot(measure: Measure) -> Program {
    match measure {
        Measure::Records => Program::Sum(0, 1),
        Measure::Parents => Program::Sum(2, 3),
        Measure::FileCount => Program::Take(4),
        Measure::DataVolume => Program::Take(5),
        _ => Program::Unknown,
    }
}

fn record_delta(Column { measure, half }: Column) -> Program {
    let (added, removed) = match measure {
        Measure::Records => (0, 2),
        Measure::Parents => (4, 6),
        Measure::FileCount | Measure::DataVolume => {
            let (added, removed) = if measure == Measure::FileCount { (8, 10) } else { (9, 11) };
            return match half {
                Half::Difference => Program::Difference(added, removed),
                Half::Added => Program::Take(added),
                Half::Removed => Program::Take(removed),
            };
        }
        _ => return Program::Unknown,
    };
    match half {
        Half::Difference => Program::SumDifference([added, added + 1, removed, removed + 1]),
        Half::Added => Program::Sum(added, added + 1),
        Half::Removed => Program::Sum(removed, removed + 1),
    }
}

fn difference(one: Cell, two: Cell) -> Option<Cell> {
    match (one.value(), two.value()) {
        (CellValue::Int(one), CellValue::Int(two)) => Cell::int(i128::from(one) - i128::from(two)),
        (
            CellValue::Int(one) | CellValue::Whole(one),
            CellValue::Int(two) | CellValue::Whole(two),
        ) => Cell::whole(one as f64 - two as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::template::MAX_NUMBERS;

    #[test]
    fn every_column_of_every_kind_has_a_program() {
        let all = [Half::Difference, Half::Added, Half::Removed];
        for measure in crate::plan::USAGE {
            let column = Column { measure, half: Half::Difference };
            assert!(matches!(Program::new(DocumentKind::UsageDelta, column), Program::Take(_)));
        }
        for measure in [Measure::Records, Measure::Parents, Measure::FileCount, Measure::DataVolume]
        {
            for half in all {
                let program = Program::new(DocumentKind::RecordDelta, Column { measure, half });
                assert_ne!(program, Program::Unknown);
            }
            let column = Column { measure, half: Half::Difference };
            assert_ne!(Program::new(DocumentKind::RecordSnapshot, column), Program::Unknown);
        }
    }

    #[test]
    fn differences_are_integers_only_between_integers() {
        let mut numbers = [Cell::small_int(0); MAX_NUMBERS];
        numbers[0] = Cell::small_int(10);
        numbers[1] = Cell::small_whole(0);
        let apply = |program: Program| program.apply(&numbers);
        assert_eq!(apply(Program::Difference(0, 1)), Some(Cell::small_whole(10)));
        assert_eq!(apply(Program::Difference(2, 0)), Cell::int(-10));
        assert_eq!(apply(Program::Sum(0, 1)), None);
    }
}
