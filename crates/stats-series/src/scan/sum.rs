//! Sums as Python 3.12's `sum()` forms them (data-series specification, section 11).

use super::number::Number;

/// A running sum that starts from the integer 0.
///
/// It goes through up to three ways of adding, never back: integers of 64 bits; floats with
/// Neumaier's compensation, in which integers of 64 bits are added plainly; and one by one, plainly,
/// from the first number on that neither of them takes. The first float behind integers is added
/// plainly and starts the second way.
#[derive(Debug, Clone)]
pub(crate) enum Sum {
    Integers(i64),
    Floats { sum: f64, compensation: f64 },
    Plain(Number),
}

impl Sum {
    pub(crate) const ZERO: Self = Self::Integers(0);

    /// Adds one number; `None` where Python raises an error, see [`Number::plus`].
    pub(crate) fn add(self, number: &Number) -> Option<Self> {
        match (self, number) {
            (Self::Integers(sum), Number::Float(value)) => {
                Some(Self::Floats { sum: sum as f64 + value, compensation: 0.0 })
            }
            (Self::Integers(sum), Number::Int(value)) => {
                match value.as_i64().and_then(|value| sum.checked_add(value)) {
                    Some(sum) => Some(Self::Integers(sum)),
                    None => Number::int(sum.into()).plus(number).map(Self::Plain),
                }
            }
            (Self::Floats { sum, compensation }, Number::Float(value)) => {
                let total = sum + value;
                let lost = if sum.abs() >= value.abs() {
                    (sum - total) + value
                } else {
                    (value - total) + sum
                };
                Some(Self::Floats { sum: total, compensation: compensation + lost })
            }
            (Self::Floats { sum, compensation }, Number::Int(value)) => match value.as_i64() {
                Some(value) => Some(Self::Floats { sum: sum + value as f64, compensation }),
                None => {
                    let sum = compensated(sum, compensation);
                    Number::Float(sum).plus(number).map(Self::Plain)
                }
            },
            (Self::Plain(sum), number) => sum.plus(number).map(Self::Plain),
        }
    }

    pub(crate) fn total(self) -> Number {
        match self {
            Self::Integers(sum) => Number::int(sum.into()),
            Self::Floats { sum, compensation } => Number::Float(compensated(sum, compensation)),
            Self::Plain(sum) => sum,
        }
    }
}

/// The sum with its compensation, which must neither change the sign of zero nor make an infinite
/// sum no number.
fn compensated(sum: f64, compensation: f64) -> f64 {
    if compensation != 0.0 && compensation.is_finite() { sum + compensation } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::number::number;

    /// What `sum()` of these numbers is, in the form of `repr()`; `None` for an error.
    fn sum(numbers: &[&str]) -> Option<String> {
        let sum = numbers
            .iter()
            .try_fold(Sum::ZERO, |sum, text| sum.add(&number(text.as_bytes()).unwrap()))?;
        Some(match sum.total() {
            Number::Int(value) => {
                let mut out = Vec::new();
                value.write(&mut out);
                String::from_utf8(out).unwrap()
            }
            Number::Float(value) => format!("{value:?}"),
        })
    }

    /// Each line was made by Python 3.12.
    #[test]
    fn sums_follow_python() {
        let huge = format!("1{}", "0".repeat(400));
        let minus_huge = format!("-{huge}");
        let table: &[(&[&str], Option<&str>)] = &[
            (&[], Some("0")),
            (&["0.1"; 10], Some("1.0")),
            (&["1", "1e16", "-1e16"], Some("0.0")),
            (&["1e16", "1", "-1e16"], Some("0.0")),
            (&["1.0", "1e16", "-1e16"], Some("1.0")),
            (&["0.0", "1", "1e16", "-1e16"], Some("1.0")),
            (&["9223372036854775807", "1"], Some("9223372036854775808")),
            (
                &["9223372036854775807", "1", "0.5", "1e16", "-1e16", "0.1"],
                Some("9.223372036854776e+18"),
            ),
            (
                &["-9223372036854775808", "-1", "1.0", "1e30", "-1e30"],
                Some("-9.223372036854776e+18"),
            ),
            (
                &["1e16", "1.0", "9223372036854775808", "-1e16", "1.0"],
                Some("9.223372036854776e+18"),
            ),
            (&["1e308", "1e308", "-1e308"], Some("inf")),
            (&["Infinity", "-Infinity"], Some("NaN")),
            (&["true", "true", "2"], Some("4")),
            (&["-0.0"], Some("0.0")),
            (&[&huge, &minus_huge], Some("0")),
            (&[&huge, "1.0"], None),
            (&["1.0", &huge], None),
            (&[&huge, &minus_huge, "1", "1e16", "-1e16"], Some("0.0")),
        ];
        for (numbers, expected) in table {
            let expected = expected.map(|text| text.replace("e+", "e"));
            assert_eq!(sum(numbers), expected, "{numbers:?}");
        }
    }
}
