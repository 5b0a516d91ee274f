//! How far one history of changes has gone, and what is known of it there.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// What the number of a mark counts, and what that says about its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MarkKind {
    /// The highest sequence number that was written.
    Written,
    /// Nothing was written yet; the number is 0, which the first write has as well.
    Empty,
    /// Refreshes, because something that was written is not searchable yet.
    Unseen,
    /// Refreshes, because something that was written may not be searchable yet.
    PerhapsUnseen,
    /// Something about all that searches find: how many, their highest number, the sum of them.
    Searched,
}

impl MarkKind {
    const ALL: [Self; 5] =
        [Self::Written, Self::Empty, Self::Unseen, Self::PerhapsUnseen, Self::Searched];

    /// What follows the history in the stored text.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Written => "",
            Self::Empty => "/empty",
            Self::Unseen => "/refreshes",
            Self::PerhapsUnseen => "/perhaps/refreshes",
            Self::Searched => "/searched",
        }
    }

    /// Of a stored text, the history and the kind with the longest suffix that it ends with.
    fn split(text: &str) -> (&str, Self) {
        let ends = Self::ALL.into_iter().filter_map(|kind| {
            let history = text.strip_suffix(kind.suffix())?;
            Some((history, kind))
        });
        ends.min_by_key(|(history, _)| history.len()).unwrap_or((text, Self::Written))
    }
}

/// How far one history of changes has gone. Its stored text has the kind as the end of the
/// history; marks are sorted as those texts are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "StoredMark", into = "StoredMark")]
pub struct PositionMark {
    /// Which history: for an index its name, uuid, shard and history uuid, separated by slashes;
    /// for an archive its own id. Another history means that nothing remembered about it holds any
    /// more.
    pub history: String,
    /// What the number counts.
    pub kind: MarkKind,
    /// The number.
    pub sequence: u64,
}

impl PositionMark {
    /// The mark of a history in which `sequence` is the highest number written.
    #[must_use]
    pub fn written(history: impl Into<String>, sequence: u64) -> Self {
        Self { history: history.into(), kind: MarkKind::Written, sequence }
    }

    /// What the history belongs to: for an index its name.
    #[must_use]
    pub fn root(&self) -> &str {
        self.history.split_once('/').map_or(&self.history, |(root, _)| root)
    }

    /// Whether its history still goes on where `later` is known: it has the very same one, or one
    /// of which it says something more; what was not written or not searchable then may be now.
    pub(crate) fn goes_on_in(&self, later: &Self) -> bool {
        let rest = self.history.strip_prefix(&later.history);
        match rest {
            Some("") => later.kind == MarkKind::Written || later.kind == self.kind,
            Some(rest) => later.kind == MarkKind::Written && rest.starts_with('/'),
            None => false,
        }
    }

    /// Whether the number counts refreshes because of something that is not, or may not be,
    /// searchable yet: `Some(true)` where it is certain.
    pub(crate) const fn hides(&self) -> Option<bool> {
        match self.kind {
            MarkKind::Unseen => Some(true),
            MarkKind::PerhapsUnseen => Some(false),
            MarkKind::Written | MarkKind::Empty | MarkKind::Searched => None,
        }
    }

    fn text(&self) -> impl Iterator<Item = u8> {
        self.history.bytes().chain(self.kind.suffix().bytes())
    }
}

impl Ord for PositionMark {
    fn cmp(&self, other: &Self) -> Ordering {
        let texts = self.text().cmp(other.text());
        texts.then(self.sequence.cmp(&other.sequence)).then(self.kind.cmp(&other.kind))
    }
}

impl PartialOrd for PositionMark {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A mark as mirrors and responses have stored it.
#[derive(Serialize, Deserialize)]
struct StoredMark {
    history: String,
    sequence: u64,
}

impl From<StoredMark> for PositionMark {
    fn from(stored: StoredMark) -> Self {
        let (history, kind) = MarkKind::split(&stored.history);
        Self { history: history.to_owned(), kind, sequence: stored.sequence }
    }
}

impl From<PositionMark> for StoredMark {
    fn from(mark: PositionMark) -> Self {
        let PositionMark { mut history, kind, sequence } = mark;
        history.push_str(kind.suffix());
        Self { history, sequence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: [(&str, &str, MarkKind, u64); 8] = [
        ("i-2025/u/0/h", "i-2025/u/0/h", MarkKind::Written, 9),
        ("i-2025/u/0/h/empty", "i-2025/u/0/h", MarkKind::Empty, 0),
        ("i-2025/u/0/h/refreshes", "i-2025/u/0/h", MarkKind::Unseen, 4),
        ("i-2025/u/0/h/perhaps/refreshes", "i-2025/u/0/h", MarkKind::PerhapsUnseen, 4),
        ("i-2025/u.h/count/searched", "i-2025/u.h/count", MarkKind::Searched, 3),
        ("i-2025//sum/searched", "i-2025//sum", MarkKind::Searched, u64::MAX),
        ("0a4f36aa0b0f4f0d", "0a4f36aa0b0f4f0d", MarkKind::Written, 0),
        ("", "", MarkKind::Written, 0),
    ];

    #[test]
    fn stored_texts_are_read_and_written_as_they_always_were() {
        for (text, history, kind, sequence) in STORED {
            let stored = format!(r#"{{"history":"{text}","sequence":{sequence}}}"#);
            let mark = PositionMark { history: history.to_owned(), kind, sequence };
            assert_eq!(serde_json::from_str::<PositionMark>(&stored).unwrap(), mark, "{text}");
            assert_eq!(serde_json::to_string(&mark).unwrap(), stored);
        }
    }

    #[test]
    fn marks_are_sorted_as_their_texts_are() {
        let stored = |text: &str, sequence| {
            PositionMark::from(StoredMark { history: text.to_owned(), sequence })
        };
        // `-` and `.` come before `/`, digits after it.
        let more = ["i", "i/u", "i-2025/u", "i.2025/u", "i0/u", "i-2025/u/0/h/a", "i-2025/u/0/h0"];
        let texts = || STORED.map(|(text, ..)| text).into_iter().chain(more);
        for (one, other) in texts().flat_map(|one| texts().map(move |other| (one, other))) {
            for numbers in [(1, 1), (1, 2), (2, 1)] {
                let as_texts = (one, numbers.0).cmp(&(other, numbers.1));
                let as_marks = stored(one, numbers.0).cmp(&stored(other, numbers.1));
                assert_eq!(as_marks, as_texts, "{one} {other} {numbers:?}");
            }
        }
    }

    #[test]
    fn a_history_goes_on_as_itself_or_where_more_is_known_of_it() {
        let goes_on = |earlier: &str, later: &str| {
            let mark = |text: &str| {
                PositionMark::from(StoredMark { history: text.to_owned(), sequence: 0 })
            };
            mark(earlier).goes_on_in(&mark(later))
        };
        for part in ["", "/empty", "/refreshes", "/perhaps/refreshes"] {
            assert!(goes_on(&format!("i/u/0/h{part}"), "i/u/0/h"), "{part}");
            assert!(goes_on(&format!("i/u/0/h{part}"), &format!("i/u/0/h{part}")), "{part}");
            assert!(!goes_on(&format!("i/u/0/h{part}"), "i/u/0/hh"), "{part}");
            assert!(!goes_on(&format!("i/u/0/hh{part}"), "i/u/0/h"), "{part}");
        }
        assert!(!goes_on("i/u/0/h", "i/u/0/h/empty"), "it went back");
        assert!(!goes_on("i/u/0/h/refreshes", "i/u/0/h/perhaps/refreshes"));
        assert!(goes_on("i/u.h/count/searched", "i/u.h/count/searched"));
        assert!(!goes_on("i/u.h/count/searched", "i/u.h/sum/searched"));
        assert!(goes_on("i/u/0/h", "i/u"), "a part of it");
    }
}
