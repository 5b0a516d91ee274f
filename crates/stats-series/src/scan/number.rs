//! Numbers: exact integers, correctly rounded floats, and the short form in which they are kept.

/// A JSON number, or a bool counted as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// Written without fraction and exponent.
    Int(i128),
    /// Written with one of them.
    Float(f64),
}

/// The number that a valid JSON number, `true` or `false` stands for; `None` for anything else,
/// and for integers beyond 127 bits.
pub(crate) fn number(text: &[u8]) -> Option<Number> {
    match text {
        b"true" => Some(Number::Int(1)),
        b"false" => Some(Number::Int(0)),
        _ => {
            let text = std::str::from_utf8(text).ok()?;
            if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
                None
            } else if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
                text.parse().ok().map(Number::Float)
            } else {
                text.parse().ok().map(Number::Int)
            }
        }
    }
}

impl Number {
    /// The value as a float, rounded to the nearest.
    pub(crate) fn to_float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// `self - other`; an integer only when both are (data-series specification, section 0).
    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => left.checked_sub(right).map(Self::Int),
            _ => Some(Self::Float(self.to_float() - other.to_float())),
        }
    }

    /// Truncated towards zero; `None` for NaN and infinities, and beyond 127 bits.
    pub(crate) fn truncated(self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(value),
            Self::Float(value) => {
                let whole = value.trunc();
                (whole.abs() < 1.7e38).then_some(whole as i128)
            }
        }
    }
}

/// A running sum as Python 3.12 forms it: integers exactly until the first float, then floats with
/// Neumaier's compensation, integers added plainly (data-series specification, section 11).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sum {
    Int(i128),
    Float { sum: f64, compensation: f64 },
}

impl Sum {
    pub(crate) const ZERO: Self = Self::Int(0);

    /// Adds one number; `None` when integers leave 127 bits.
    pub(crate) fn add(self, number: Number) -> Option<Self> {
        match (self, number) {
            (Self::Int(sum), Number::Int(value)) => sum.checked_add(value).map(Self::Int),
            (Self::Int(sum), Number::Float(_)) => {
                Self::Float { sum: sum as f64, compensation: 0.0 }.add(number)
            }
            (Self::Float { sum, compensation }, Number::Int(value)) => {
                Some(Self::Float { sum: sum + value as f64, compensation })
            }
            (Self::Float { sum, compensation }, Number::Float(value)) => {
                let total = sum + value;
                let lost = if sum.abs() >= value.abs() {
                    (sum - total) + value
                } else {
                    (value - total) + sum
                };
                Some(Self::Float { sum: total, compensation: compensation + lost })
            }
        }
    }

    pub(crate) fn total(self) -> Number {
        match self {
            Self::Int(sum) => Number::Int(sum),
            Self::Float { sum, compensation }
                if compensation != 0.0 && compensation.is_finite() =>
            {
                Number::Float(sum + compensation)
            }
            Self::Float { sum, .. } => Number::Float(sum),
        }
    }
}

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

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Reads a plain number at `at`: up to 16 digits, perhaps followed by `.0`. Returns its cell and
/// the offset behind it. `None` for every other form, and close to the end of the text, where the
/// caller takes the long way.
#[inline]
pub(crate) fn plain_number(bytes: &[u8], at: usize) -> Option<(Cell, usize)> {
    let window = bytes.get(at..)?.first_chunk::<24>()?;
    let first = word(window, 0) ^ ZEROS;
    let count = leading_digits(first);
    if count == 0 || (count > 1 && window[0] == b'0') {
        return None;
    }
    let mut value = digits_value(first, count);
    let mut length = count as usize;
    if count == 8 {
        let second = word(window, 8) ^ ZEROS;
        let more = leading_digits(second);
        if more == 8 {
            return None;
        }
        if more > 0 {
            value = value * POWERS[more as usize] + digits_value(second, more);
            length += more as usize;
        }
    }
    match window[length] {
        b'.' => {
            let whole = window[length + 1] == b'0'
                && !matches!(window[length + 2], b'0'..=b'9' | b'e' | b'E');
            whole.then(|| (Cell::small_whole(value), at + length + 2))
        }
        b'e' | b'E' => None,
        _ => Some((Cell::small_int(value), at + length)),
    }
}

const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

#[inline]
fn word(window: &[u8; 24], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&window[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// How many of the eight bytes, from the first, are digits; each byte was XORed with `'0'`.
#[inline]
const fn leading_digits(word: u64) -> u32 {
    let others = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
    others.trailing_zeros() / 8
}

/// The value of the first `count` (1 to 8) digits; each byte was XORed with `'0'`.
#[inline]
const fn digits_value(word: u64, count: u32) -> u64 {
    let word = word << (64 - 8 * count);
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn padded(text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend_from_slice(b",\"padding\":\"0123456789abcdef\"");
        bytes
    }

    proptest! {
        #[test]
        fn plain_integers_are_read_exactly(value in 0_u64..1_000_000_000_000_000) {
            let text = value.to_string();
            let read = plain_number(&padded(&text), 0);
            prop_assert_eq!(read, Some((Cell::small_int(value), text.len())));
            let whole = format!("{value}.0");
            let read = plain_number(&padded(&whole), 0);
            prop_assert_eq!(read, Some((Cell::small_whole(value), whole.len())));
        }
    }

    #[test]
    fn other_forms_are_left_to_the_long_way() {
        for text in ["00", "01", "-1", "1.5", "1.00", "1e3", "1.0e3", "x", "1234567890123456"] {
            assert_eq!(plain_number(&padded(text), 0), None, "{text}");
        }
        assert_eq!(plain_number(b"12}", 0), None);
    }

    #[test]
    fn sums_follow_python() {
        let tenths = (0..10).try_fold(Sum::ZERO, |sum, _| sum.add(Number::Float(0.1)));
        assert_eq!(tenths.map(Sum::total), Some(Number::Float(1.0)));
    }

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
