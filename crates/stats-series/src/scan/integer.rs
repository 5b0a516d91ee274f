//! Integers of any size, as Python's are.

use num_bigint::BigInt;
use num_bigint::Sign;

/// An exact integer; the large form only where the small one does not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Integer {
    Small(i128),
    Large(Box<BigInt>),
}

impl From<i128> for Integer {
    fn from(value: i128) -> Self {
        Self::Small(value)
    }
}

impl From<BigInt> for Integer {
    fn from(value: BigInt) -> Self {
        match i128::try_from(&value) {
            Ok(small) => Self::Small(small),
            Err(_) => Self::Large(Box::new(value)),
        }
    }
}

impl Integer {
    /// The integer that decimal digits, perhaps behind a minus, stand for.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(small) => Some(Self::Small(small)),
            Err(_) => BigInt::parse_bytes(text.as_bytes(), 10).map(Self::from),
        }
    }

    /// A float truncated towards zero; `None` for NaN and the infinities.
    pub(crate) fn truncated(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let whole = value.trunc();
        if whole.abs() < 1e38 {
            return Some(Self::Small(whole as i128));
        }
        // A float of this size is its 53 bits, shifted left.
        let bits = whole.abs().to_bits();
        let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
        let magnitude = BigInt::from(mantissa) << ((bits >> 52) - 1075);
        Some(Self::from(if whole < 0.0 { -magnitude } else { magnitude }))
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        if let (Self::Small(left), Self::Small(right)) = (self, other)
            && let Some(sum) = left.checked_add(*right)
        {
            return Self::Small(sum);
        }
        Self::from(self.large() + other.large())
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        if let (Self::Small(left), Self::Small(right)) = (self, other)
            && let Some(difference) = left.checked_sub(*right)
        {
            return Self::Small(difference);
        }
        Self::from(self.large() - other.large())
    }

    /// The nearest float; `None` when it is beyond the largest one, where Python raises an error.
    pub(crate) fn to_float(&self) -> Option<f64> {
        let float = match self {
            Self::Small(value) => *value as f64,
            Self::Large(value) => large_to_float(value),
        };
        float.is_finite().then_some(float)
    }

    /// As a signed integer of 64 bits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Small(value) => i64::try_from(*value).ok(),
            Self::Large(_) => None,
        }
    }

    /// Appends the decimal digits.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Small(value) => {
                out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
            }
            Self::Large(value) => out.extend_from_slice(value.to_string().as_bytes()),
        }
    }

    fn large(&self) -> BigInt {
        match self {
            Self::Small(value) => BigInt::from(*value),
            Self::Large(value) => value.as_ref().clone(),
        }
    }
}

/// The nearest float, ties to even; infinite when that is beyond the largest one. The highest 128
/// bits decide, with a last bit that tells whether anything stands below them.
fn large_to_float(value: &BigInt) -> f64 {
    let bits = value.bits();
    if bits > 1024 {
        return f64::INFINITY;
    }
    let below = bits.saturating_sub(128);
    let magnitude = value.magnitude();
    let sticky = u128::from(magnitude.trailing_zeros().is_some_and(|zeros| zeros < below));
    let high = u128::try_from(magnitude >> below).unwrap_or(u128::MAX) | sticky;
    // Exact: a power of two within range, and a product that cannot be subnormal.
    let float = high as f64 * 2_f64.powi(below as i32);
    if value.sign() == Sign::Minus { -float } else { float }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn integer(text: &str) -> Integer {
        Integer::parse(text).unwrap()
    }

    fn written(value: &Integer) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn floats_are_the_nearest(digits in "-?[1-9][0-9]{0,320}") {
            // Reading decimal digits as a float rounds correctly, too.
            let nearest: f64 = digits.parse().unwrap();
            prop_assert_eq!(integer(&digits).to_float(), nearest.is_finite().then_some(nearest));
        }

        #[test]
        fn halfway_cases_go_to_even(mantissa in 0_u64..1 << 53, below in 76_u32..900, nudge in -1_i8..=1) {
            let half = (BigInt::from((1_u64 << 53) | mantissa) << (below + 1)) + (BigInt::from(1) << below);
            let value = Integer::from(half + i32::from(nudge));
            let nearest: f64 = written(&value).parse().unwrap();
            prop_assert_eq!(value.to_float(), Some(nearest));
        }

        #[test]
        fn truncated_floats_are_exact(value in any::<f64>()) {
            prop_assume!(value.is_finite());
            let digits = format!("{:.0}", value.trunc());
            let digits = if digits == "-0" { "0".to_owned() } else { digits };
            prop_assert_eq!(written(&Integer::truncated(value).unwrap()), digits);
        }

        #[test]
        fn differences_come_back(left in "-?[1-9][0-9]{0,60}", right in "-?[1-9][0-9]{0,60}") {
            let (left, right) = (integer(&left), integer(&right));
            prop_assert_eq!(left.minus(&right).plus(&right), left);
        }
    }

    #[test]
    fn the_largest_float_is_the_last() {
        let largest = Integer::truncated(f64::MAX).unwrap();
        assert_eq!(largest.to_float(), Some(f64::MAX));
        let twice = largest.plus(&largest);
        assert_eq!(twice.to_float(), None);
        assert_eq!(twice.minus(&largest), largest);
        assert_eq!(Integer::truncated(f64::NAN), None);
        assert_eq!(Integer::truncated(f64::NEG_INFINITY), None);
        assert_eq!(integer("-0"), Integer::Small(0));
    }
}
