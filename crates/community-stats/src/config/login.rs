//! Addresses that hold a login, where none belongs: they are never repeated.

/// What stands in a message in place of an address with a login.
pub(crate) const KEPT_OUT: &str = "an address that may hold a password (kept out of this message)";

/// Whether this is an address with a login or with options, which may hold a password:
/// `scheme://user:password@host`, `user:password@host`, `scheme://host?password=…`.
pub(crate) fn may_hold_password(text: &str) -> bool {
    if let Some((_, rest)) = text.split_once("://") {
        return rest.contains('@') || rest.split_once('?').is_some_and(|it| it.1.contains('='));
    }
    let Some((user, rest)) = text.split_once(':') else { return false };
    // Behind a slash it is a part of a path.
    !user.contains('/') && rest.contains('@')
}

/// A name or path for a message, unless it is such an address.
pub(super) fn shown_name(name: &str) -> String {
    if may_hold_password(name) { KEPT_OUT.to_owned() } else { shortened(name) }
}

/// So much of a text is enough to know it by, in characters.
const MOST_SHOWN: usize = 80;

/// A text for a message, cut where it is longer than anybody reads.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names_and_paths() {
        for text in [
            "redis://:hush@cache/0",
            "redis://cache/0?password=hush",
            "https://u@h",
            "u:hush@h:9200",
            ":hush@h",
            "u:?host=hush@h",
            "cache.prefix=redis://:hush@h",
        ] {
            assert!(may_hold_password(text), "{text}");
        }
        for text in ["stats:a", "me@example.org", "/a:b@c", "./a:b@c", "http://h:9200/x", "5m"] {
            assert!(!may_hold_password(text), "{text}");
        }
    }
}
