//! One value of one series on one day, in the short form in which it is kept.

/// One value of one series on one day, in eight bytes.
///
/// The lowest two bits say what the others are: nothing at all, a signed integer of 62 bits, a
/// float without fraction (its integer, printed with `.0`), or the number of a longer text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell(u64);

/// What a [`Cell`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellValue {
    /// No point on that day.
    None,
    /// An integer.
    Int(i64),
    /// A float without fraction.
    Whole(i64),
    /// A text kept elsewhere, by number.
    Text(usize),
}

const TAG_INT: u64 = 1;
const TAG_WHOLE: u64 = 2;
const TAG_TEXT: u64 = 3;

impl Cell {
    pub(crate) const NONE: Self = Self(0);
    const INT_RANGE: std::ops::Range<i128> = -(1 << 61)..(1 << 61);
    const WHOLE_LIMIT: f64 = 9_007_199_254_740_992.0;

    #[inline]
    pub(crate) const fn small_int(value: u64) -> Self {
        Self((value << 2) | TAG_INT)
    }

    #[inline]
    pub(crate) const fn small_whole(value: u64) -> Self {
        Self((value << 2) | TAG_WHOLE)
    }

    pub(crate) fn int(value: i128) -> Option<Self> {
        Self::INT_RANGE.contains(&value).then_some(Self(((value as u64) << 2) | TAG_INT))
    }

    pub(crate) fn whole(value: f64) -> Option<Self> {
        let fits = value.abs() < Self::WHOLE_LIMIT
            && value.fract() == 0.0
            && !(value == 0.0 && value.is_sign_negative());
        fits.then_some(Self(((value as i64 as u64) << 2) | TAG_WHOLE))
    }

    pub(crate) const fn text(number: usize) -> Self {
        Self(((number as u64) << 2) | TAG_TEXT)
    }

    #[inline]
    pub(crate) const fn value(self) -> CellValue {
        match self.0 & 3 {
            TAG_INT => CellValue::Int(self.0 as i64 >> 2),
            TAG_WHOLE => CellValue::Whole(self.0 as i64 >> 2),
            TAG_TEXT => CellValue::Text((self.0 >> 2) as usize),
            _ => CellValue::None,
        }
    }

    /// The integer of a cell that came from [`small_int`](Self::small_int).
    #[inline]
    pub(crate) const fn as_int(self) -> Option<i64> {
        if self.0 & 3 == TAG_INT { Some(self.0 as i64 >> 2) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_small_numbers() {
        for value in [0, -1, 1 << 60, -(1 << 61)] {
            let cell = Cell::int(value).unwrap();
            assert_eq!(cell.value(), CellValue::Int(value as i64));
        }
        assert_eq!(Cell::int(1 << 61), None);
        assert_eq!(Cell::whole(-0.0), None);
        assert_eq!(Cell::whole(-3.0).unwrap().value(), CellValue::Whole(-3));
    }
}
