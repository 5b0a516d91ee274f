//! The names and texts under which an archive keeps what is remembered. Mirrors that are in use
//! have them, so they stay as they are.

use stats_model::{DocumentKind, Fingerprint, Shelf};

use super::remembered::{Copied, Progress};

/// The name of the [`Progress`] of a kind.
pub(super) const PROGRESS: &str = "progress";
/// The name of when bookmarks of a kind were [`Copied`].
pub(super) const BOOKMARKS: &str = "bookmarks";
/// The name of when communities and first days were copied, in seconds since 1970.
pub(super) const SURROUNDINGS: &str = "surroundings";
/// They are of no kind, but everything is kept under one.
pub(super) const SURROUNDINGS_OF: DocumentKind = DocumentKind::RecordDelta;
const SHELF: &str = "shelf/";

pub(super) fn progress(text: &str) -> Option<Progress> {
    serde_json::from_str(text).ok()
}

pub(super) fn text_of_progress(progress: &Progress) -> String {
    serde_json::to_string(progress).unwrap_or_default()
}

/// The name of the fingerprint that a shelf has in the source.
pub(super) fn name_of(shelf: &Shelf) -> String {
    format!("{SHELF}{}/{}", shelf.year, shelf.community)
}

/// The shelf whose fingerprint is kept under a name.
pub(super) fn shelf(kind: DocumentKind, name: &str) -> Option<Shelf> {
    let (year, community) = name.strip_prefix(SHELF)?.split_once('/')?;
    Some(Shelf { kind, community: community.to_owned(), year: year.parse().ok()? })
}

pub(super) fn fingerprint(text: &str) -> Option<Fingerprint> {
    let mut numbers = text.split(' ').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Fingerprint { count: next()?, max: next()?, sum: next()? })
}

pub(super) fn text_of_fingerprint(fingerprint: Fingerprint) -> String {
    format!("{} {} {}", fingerprint.count, fingerprint.max, fingerprint.sum)
}

pub(super) fn copied(text: &str) -> Option<Copied> {
    let (revision, at) = text.split_once(' ')?;
    Some(Copied { revision: revision.parse().ok()?, at: at.parse().ok()? })
}

pub(super) fn text_of_copied(copied: Copied) -> String {
    format!("{} {}", copied.revision, copied.at)
}

#[cfg(test)]
mod tests {
    use stats_model::{Position, PositionMark};

    use super::*;

    #[test]
    fn texts_are_read_and_written_as_they_always_were() {
        let kept = concat!(
            r#"{"settled":null,"latest":[{"history":"i/u/0/h","sequence":9}],"#,
            r#""since":5,"compared":7,"revision":3}"#
        );
        let latest = Position(vec![PositionMark::written("i/u/0/h", 9)]);
        let known = Progress { settled: None, latest, since: 5, compared: 7, revision: 3 };
        assert_eq!(text_of_progress(&known), kept);
        assert_eq!(progress(kept), Some(known.clone()));
        let without = kept.replace(r#","revision":3"#, "");
        assert_eq!(progress(&without), Some(Progress { revision: 0, ..known }));

        let kind = DocumentKind::UsageDelta;
        let of_shelf = Shelf { kind, community: "a/b".to_owned(), year: 2025 };
        assert_eq!(name_of(&of_shelf), "shelf/2025/a/b");
        assert_eq!(shelf(kind, "shelf/2025/a/b"), Some(of_shelf));
        assert_eq!(shelf(kind, PROGRESS), None);

        let numbers = Fingerprint { count: 2, max: 5, sum: 7 };
        assert_eq!(text_of_fingerprint(numbers), "2 5 7");
        assert_eq!(fingerprint("2 5 7"), Some(numbers));
        assert_eq!((fingerprint("2 5"), fingerprint("complete")), (None, None));

        let then = Copied { revision: 3, at: 1_700_000_000 };
        assert_eq!(text_of_copied(then), "3 1700000000");
        assert_eq!(copied("3 1700000000"), Some(then));
        assert_eq!(copied("3"), None);
    }
}
