//! Numbers: exact integers of any size, and correctly rounded floats.

use super::integer::Integer;

/// A JSON number, or a bool counted as one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Number {
    /// Written without fraction and exponent.
    Int(Integer),
    /// Written with one of them, or as `NaN` or `Infinity`.
    Float(f64),
}

/// Whether a valid value is a number; bools are not.
pub(crate) const fn is_number(value: &[u8]) -> bool {
    matches!(value[0], b'-' | b'0'..=b'9' | b'N' | b'I')
}

/// The number that a valid number, `true` or `false` stands for; `None` for anything else.
pub(crate) fn number(value: &[u8]) -> Option<Number> {
    match value {
        b"true" => Some(Number::int(1)),
        b"false" => Some(Number::int(0)),
        b"NaN" => Some(Number::Float(f64::NAN)),
        b"Infinity" => Some(Number::Float(f64::INFINITY)),
        b"-Infinity" => Some(Number::Float(f64::NEG_INFINITY)),
        _ if !is_number(value) => None,
        _ => {
            let text = std::str::from_utf8(value).ok()?;
            if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
                text.parse().ok().map(Number::Float)
            } else {
                Integer::parse(text).map(Number::Int)
            }
        }
    }
}

impl Number {
    pub(crate) const fn int(value: i128) -> Self {
        Self::Int(Integer::Small(value))
    }

    /// The value as a float, rounded to the nearest; `None` for an integer beyond the largest one.
    pub(crate) fn to_float(&self) -> Option<f64> {
        match self {
            Self::Int(value) => value.to_float(),
            Self::Float(value) => Some(*value),
        }
    }

    /// `self + other`; an integer only when both are (data-series specification, section 0). `None`
    /// where Python raises an error: an integer too large for a float meets a float.
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => Some(Self::Int(left.plus(right))),
            _ => Some(Self::Float(self.to_float()? + other.to_float()?)),
        }
    }

    /// `self - other`, as [`plus`](Self::plus).
    pub(crate) fn minus(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => Some(Self::Int(left.minus(right))),
            _ => Some(Self::Float(self.to_float()? - other.to_float()?)),
        }
    }

    /// Truncated towards zero; `None` for NaN and the infinities.
    pub(crate) fn truncated(self) -> Option<Integer> {
        match self {
            Self::Int(value) => Some(value),
            Self::Float(value) => Integer::truncated(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_python_s() {
        let read = |text: &str| number(text.as_bytes()).unwrap();
        let huge = format!("1{}", "0".repeat(400));
        assert_eq!(read(&huge).minus(&read(&huge)), Some(Number::int(0)));
        assert_eq!(read(&huge).minus(&read("1.0")), None);
        assert_eq!(read("10").minus(&read("0.0")), Some(Number::Float(10.0)));
        assert_eq!(read("true").minus(&read("true")), Some(Number::int(0)));
        let nothing = read("Infinity").minus(&read("1e999")).unwrap();
        assert!(nothing.to_float().unwrap().is_nan());
        assert_eq!(number(b"null"), None);
    }
}
