//! How far a source has moved.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::PositionMark;

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

/// How far a source has moved: one mark for every history that it reads, sorted. Equal positions
/// mean that nothing changed in between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position(pub Vec<PositionMark>);

impl Position {
    /// Whether every history of this position still goes on in a later one.
    #[must_use]
    pub fn goes_on_in(&self, later: &Self) -> bool {
        let goes_on = |mark: &PositionMark| later.0.iter().any(|now| mark.goes_on_in(now));
        self.0.iter().all(goes_on)
    }

    /// Whether searches that begin once this position is known show everything that was written
    /// before `earlier` was asked for.
    #[must_use]
    pub fn shows(&self, earlier: &Self) -> Shown {
        let shown = |mark: &PositionMark| {
            mark.hides()?;
            let now = self.0.iter().find_map(|now| {
                let certain = now.hides()?;
                (now.history == mark.history).then_some((now.sequence, certain))
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
        self.0.iter().all(|mark| match mark.hides() {
            Some(certain) => !certain,
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
    use crate::MarkKind;

    #[test]
    fn what_was_written_is_shown_after_the_second_refresh_or_when_nothing_is_left() {
        let position = |unseen: Option<(MarkKind, u64)>| {
            let written = PositionMark::written("i/u/0/h", 9);
            let unseen = unseen.map(|(kind, sequence)| PositionMark {
                history: written.history.clone(),
                kind,
                sequence,
            });
            Position([Some(written), unseen].into_iter().flatten().collect())
        };
        let (hidden, perhaps) = (MarkKind::Unseen, MarkKind::PerhapsUnseen);
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
