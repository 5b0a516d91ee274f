//! Numbers in their plain form, which nearly all have.

use crate::scan::cell::Cell;

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
}
