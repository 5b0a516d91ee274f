//! The names of blocks and metrics as they go out.

/// `camelCase` of a name with underscores (section 3.2).
pub(crate) fn camel_case(name: &str) -> String {
    let mut pieces = name.split('_');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        push_capitalized(&mut out, piece);
    }
    out
}

/// Appends a piece as Python's `str.capitalize()` makes it: its first character in title case, the
/// others in lower case, in which a sigma at the end of a word knows what stands before it.
fn push_capitalized(out: &mut String, piece: &str) {
    let Some(first) = piece.chars().next() else { return };
    match unicode_case_mapping::to_titlecase(first) {
        [0, ..] => out.push(first),
        title => out.extend(title.into_iter().filter(|code| *code > 0).filter_map(char::from_u32)),
    }
    let lower = piece.to_lowercase();
    let of_first: usize = first.to_lowercase().map(char::len_utf8).sum();
    out.push_str(&lower[of_first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_camel_cased_as_the_specification_lists_them() {
        for (name, expected) in [
            ("records", "records"),
            ("data_volume", "dataVolume"),
            ("by_view_view_visitors", "byViewViewVisitors"),
            ("file2_types", "file2Types"),
            ("a__b", "aB"),
            ("a_", "a"),
            ("_a", "A"),
            ("x_ABC", "xAbc"),
            ("A_BC", "ABc"),
            ("a_bcD", "aBcd"),
            ("a_ß", "aSs"),
            ("a_ßSS", "aSsss"),
            ("a_ǆ", "aǅ"),
            ("a_ΑΣ", "aΑς"),
            ("a_ΑΣΒ", "aΑσβ"),
            ("a_ΣΣ", "aΣς"),
            ("a_Σ", "aΣ"),
            ("a_ﬁx", "aFix"),
            ("a_İA", "aİa"),
            ("a_ŉA", "aʼNa"),
            ("a_ᾳ", "aᾼ"),
            ("a_և", "aԵւ"),
            ("a_o'B-C", "aO'b-c"),
            ("a_1bC", "a1bc"),
        ] {
            assert_eq!(camel_case(name), expected);
        }
    }
}
