//! Patterns of names.

/// Whether `name` is one of those that `pattern` means: `*` stands for any signs, `?` for one.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut from) = (0, 0);
    // Where the last star was, and how far the name was when it stood for nothing.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(sign) if *sign == '?' || *sign == name[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((star_at, stood_until)) = star else { return false };
                star = Some((star_at, stood_until + 1));
                at = star_at + 1;
                from = stood_until + 1;
            }
        }
    }
    pattern[at..].iter().all(|sign| *sign == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_signs() {
        let name = "community-stats@host-1";
        for pattern in ["*", "community*", "*@host-?", "c*s@*1", name, "***"] {
            assert!(matches(pattern, name), "{pattern}");
        }
        for pattern in ["", "?", "celery@*", "*@host-", "*@host-??", "community-stats@host-1?"] {
            assert!(!matches(pattern, name), "{pattern}");
        }
        assert!(matches("", ""));
    }
}
