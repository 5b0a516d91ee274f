//! Numbers: exact integers, correctly rounded floats, and sums of them.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_python() {
        let tenths = (0..10).try_fold(Sum::ZERO, |sum, _| sum.add(Number::Float(0.1)));
        assert_eq!(tenths.map(Sum::total), Some(Number::Float(1.0)));
    }
}
