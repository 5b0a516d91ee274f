//! How far a source has moved.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How far one history of changes has gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PositionMark {
    /// Which history: for an index its name, uuid and history uuid, for an archive its own id.
    /// Another history means that nothing remembered about it holds any more.
    pub history: String,
    /// The highest sequence number seen in it.
    pub sequence: u64,
}

/// Whether searches show what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// They do, as far as the source can tell.
    All,
    /// Nothing says that they do not, but a refresh could still change what they show.
    Perhaps,
    /// Something written is not searchable yet.
    NotYet,
}

impl PositionMark {
    /// How the history of a mark ends that counts refreshes, because something that was written is
    /// not searchable yet.
    pub const UNSEEN: &'static str = "/refreshes";
    /// The same where something may not be searchable yet.
    pub const PERHAPS_UNSEEN: &'static str = "/perhaps/refreshes";

    /// The history in which something is not, or may not be, searchable yet, and whether that is
    /// certain.
    fn unseen(&self) -> Option<(&str, bool)> {
        let perhaps = self.history.strip_suffix(Self::PERHAPS_UNSEEN).map(|it| (it, false));
        perhaps.or_else(|| self.history.strip_suffix(Self::UNSEEN).map(|it| (it, true)))
    }

    /// Whether it is about `history`, or about a part of it: then a slash and the part's name
    /// follow.
    #[must_use]
    pub fn is_of(&self, history: &str) -> bool {
        let rest = self.history.strip_prefix(history);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// How far a source has moved: one mark for every history that it reads, sorted. Equal positions
/// mean that nothing changed in between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position(pub Vec<PositionMark>);

impl Position {
    /// Whether every history of this position still goes on in a later one.
    #[must_use]
    pub fn goes_on_in(&self, later: &Self) -> bool {
        let goes_on = |mark: &PositionMark| later.0.iter().any(|now| mark.is_of(&now.history));
        self.0.iter().all(goes_on)
    }

    /// Whether searches that begin once this position is known show everything that was written
    /// before `earlier` was asked for.
    #[must_use]
    pub fn shows(&self, earlier: &Self) -> Shown {
        let shown = |mark: &PositionMark| {
            let (history, _) = mark.unseen()?;
            let now = self.0.iter().find_map(|now| {
                let (other, certain) = now.unseen()?;
                (other == history).then_some((now.sequence, certain))
            });
            // The first refresh that ends may have begun before the write, the second one did not.
            now.filter(|(refreshes, _)| *refreshes < mark.sequence + 2)
                .map(|(_, certain)| if certain { Shown::NotYet } else { Shown::Perhaps })
        };
        earlier.0.iter().filter_map(shown).max().unwrap_or(Shown::All)
    }

    /// Whether everything up to this position is known to be searchable because the last change of
    /// every history is: `highest` are the highest sequence numbers of what was found since.
    #[must_use]
    pub fn is_reached(&self, highest: &BTreeSet<u64>) -> bool {
        self.0.iter().all(|mark| match mark.unseen() {
            Some((_, certain)) => !certain,
            None => mark.sequence == 0 || highest.contains(&mark.sequence),
        })
    }

    /// Whether everything that was written before it was asked for is searchable, as far as the
    /// source can tell.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.shows(self) == Shown::All
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_shown_after_the_second_refresh_or_when_nothing_is_left() {
        let position = |unseen: Option<(&str, u64)>| {
            let mark = |history: String, sequence| PositionMark { history, sequence };
            let mut marks = vec![mark("i/u/0/h".to_owned(), 9)];
            marks.extend(unseen.map(|(end, count)| mark(format!("i/u/0/h{end}"), count)));
            Position(marks)
        };
        let (hidden, perhaps) = (PositionMark::UNSEEN, PositionMark::PERHAPS_UNSEEN);
        let settled = position(None);
        let buffered = position(Some((hidden, 4)));
        assert!(settled.is_settled() && !buffered.is_settled());
        assert!(!position(Some((perhaps, 4))).is_settled());
        for (later, shown) in [
            (&settled, Shown::All),
            (&buffered, Shown::NotYet),
            (&position(Some((hidden, 5))), Shown::NotYet),
            (&position(Some((hidden, 6))), Shown::All),
            (&position(Some((perhaps, 4))), Shown::Perhaps),
            (&position(Some((perhaps, 5))), Shown::Perhaps),
            (&position(Some((perhaps, 6))), Shown::All),
        ] {
            assert_eq!(later.shows(&buffered), shown, "{later:?}");
            assert_eq!(later.shows(&settled), Shown::All, "what is written later does not matter");
        }
    }
}
