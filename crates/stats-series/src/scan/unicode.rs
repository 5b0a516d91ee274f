//! Characters that Python 3.12 does not know: its tables are those of Unicode 15.0, ours are newer.

/// Whether a code point has been assigned since Unicode 15.0, if it has been assigned at all. For
/// Python such a character cannot be printed, is no digit, and has no other case.
pub(crate) fn is_newer(code: u32) -> bool {
    let place = NEWER.partition_point(|(_, last)| *last < code);
    NEWER.get(place).is_some_and(|(first, _)| *first <= code)
}

/// The unassigned ranges of Unicode 15.0 in which there is something by now, first and last.
const NEWER: [(u32, u32); 80] = [
    (0x557, 0x558),
    (0x58b, 0x58c),
    (0x5c8, 0x5cf),
    (0x88f, 0x88f),
    (0x892, 0x897),
    (0xb4e, 0xb54),
    (0xc5b, 0xc5c),
    (0xcd7, 0xcdc),
    (0x1acf, 0x1aff),
    (0x1b4d, 0x1b4f),
    (0x1b7f, 0x1b7f),
    (0x1c89, 0x1c8f),
    (0x208f, 0x208f),
    (0x209d, 0x209f),
    (0x20c1, 0x20cf),
    (0x2427, 0x243f),
    (0x2b96, 0x2b96),
    (0x2e5e, 0x2e7f),
    (0x2ffc, 0x2fff),
    (0x31e4, 0x31ef),
    (0xa7cb, 0xa7cf),
    (0xa7d2, 0xa7d2),
    (0xa7d4, 0xa7d4),
    (0xa7da, 0xa7f1),
    (0xab6c, 0xab6f),
    (0xfbc3, 0xfbd2),
    (0xfd90, 0xfd91),
    (0xfdc8, 0xfdce),
    (0x105bd, 0x105ff),
    (0x107bb, 0x107ff),
    (0x10940, 0x1097f),
    (0x10d3a, 0x10e5f),
    (0x10eb2, 0x10efc),
    (0x11375, 0x113ff),
    (0x116ca, 0x116ff),
    (0x11b0a, 0x11bff),
    (0x11daa, 0x11edf),
    (0x11f5a, 0x11faf),
    (0x1246f, 0x1246f),
    (0x12475, 0x1247f),
    (0x12544, 0x12f8f),
    (0x13456, 0x143ff),
    (0x14647, 0x167ff),
    (0x16b90, 0x16e3f),
    (0x16e9b, 0x16eff),
    (0x16ff2, 0x16fff),
    (0x187f8, 0x187ff),
    (0x18cd6, 0x18cff),
    (0x18d09, 0x1afef),
    (0x1b123, 0x1b131),
    (0x1b168, 0x1b16f),
    (0x1bca4, 0x1ceff),
    (0x1d127, 0x1d128),
    (0x1d1eb, 0x1d1ff),
    (0x1d246, 0x1d2bf),
    (0x1d6a6, 0x1d6a7),
    (0x1dab0, 0x1deff),
    (0x1df1f, 0x1df24),
    (0x1df2b, 0x1dfff),
    (0x1e4fa, 0x1e7df),
    (0x1f1ae, 0x1f1e5),
    (0x1f6d8, 0x1f6db),
    (0x1f777, 0x1f77a),
    (0x1f7da, 0x1f7df),
    (0x1f7f1, 0x1f7ff),
    (0x1f8b2, 0x1f8ff),
    (0x1fa54, 0x1fa5f),
    (0x1fa89, 0x1fa8f),
    (0x1fabe, 0x1fabe),
    (0x1fac6, 0x1facd),
    (0x1fadc, 0x1fadf),
    (0x1fae9, 0x1faef),
    (0x1faf9, 0x1faff),
    (0x1fbcb, 0x1fbef),
    (0x1fbfa, 0x1ffff),
    (0x2b73a, 0x2b73f),
    (0x2b81e, 0x2b81f),
    (0x2cea2, 0x2ceaf),
    (0x2ebe1, 0x2f7ff),
    (0x323b0, 0xe0000),
];

#[cfg(test)]
mod tests {
    use unicode_properties::UNICODE_VERSION;

    use super::*;

    #[test]
    fn the_table_covers_the_unicode_of_every_table_in_use() {
        // When one of these rises, NEWER needs the ranges in which that version has something.
        assert_eq!(UNICODE_VERSION, (18, 0, 0));
        assert_eq!(unicode_case_mapping::UNICODE_VERSION, (16, 0, 0));
        assert!(char::UNICODE_VERSION <= (18, 0, 0));
    }

    #[test]
    fn ranges_are_in_order_and_end_where_they_say() {
        assert!(NEWER.iter().all(|(first, last)| first <= last));
        assert!(NEWER.windows(2).all(|pair| pair[0].1 < pair[1].0));
        for (code, newer) in [
            (0x61, false),
            (0x556, false),
            (0x558, true),
            (0x559, false),
            (0x1c88, false),
            (0x1c89, true),
            (0x10d49, true),
            (0x2ebf0, true),
            (0x2ebe0, false),
            (0x10ffff, false),
        ] {
            assert_eq!(is_newer(code), newer, "{code:x}");
        }
    }
}
