//! The names of blocks and metrics as they go out.

use crate::scan::unicode::is_newer;

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
    if piece.is_ascii() {
        out.push(first.to_ascii_uppercase());
        out.extend(piece[1..].chars().map(|character| character.to_ascii_lowercase()));
        return;
    }
    push_title_case(out, first);
    let lower = lower_case(piece);
    let of_first = lower_case(first.encode_utf8(&mut [0; 4])).len();
    out.push_str(&lower[of_first..]);
}

/// Appends a character in title case; a newer form of an old one is not known to Python.
fn push_title_case(out: &mut String, character: char) {
    let title = unicode_case_mapping::to_titlecase(character);
    if title[0] == 0 || is_newer(character.into()) || title.into_iter().any(is_newer) {
        out.push(character);
    } else {
        out.extend(title.into_iter().filter(|code| *code > 0).filter_map(char::from_u32));
    }
}

/// A text in lower case; characters that Python does not know stay, and end a word.
fn lower_case(text: &str) -> String {
    let pieces = text.split_inclusive(|character: char| is_newer(character.into()));
    pieces
        .map(|piece| match piece.char_indices().next_back() {
            Some((at, last)) if is_newer(last.into()) => piece[..at].to_lowercase() + &piece[at..],
            _ => piece.to_lowercase(),
        })
        .collect()
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
            ("a_ƛƛ", "aƛƛ"),
            ("a_ɤB", "aɤb"),
            ("a_\u{1c89}\u{1c89}B", "a\u{1c89}\u{1c89}b"),
            ("a_\u{10d70}ΑΣ\u{10d50}Σ", "a\u{10d70}ας\u{10d50}σ"),
        ] {
            assert_eq!(camel_case(name), expected);
        }
    }
}
