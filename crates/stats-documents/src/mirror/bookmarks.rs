//! Bookmarks that were read, for as long as the source says that they are no others.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use stats_model::{Bookmark, DocumentKind, Position};

use crate::SourceError;
use crate::locked::lock;

/// A source that is asked in the middle of a refresh says that all is to be seen, and moves no more
/// when it is; a refresh takes no longer. What was read before that counts once.
const REFRESH: Duration = Duration::from_secs(5);
/// After so long they are read anew, whatever the source says.
const BELIEVED: Duration = Duration::from_secs(5 * 60);

/// What was read of whole kinds. Nothing is kept for whoever never asks for the pulse: then nobody
/// would say that it is old.
#[derive(Debug, Default)]
pub(super) struct ReadBookmarks(Mutex<Felt>);

#[derive(Debug, Default)]
struct Felt {
    /// How far bookmarks were when that was asked last, and when they were first found to be there.
    at: Option<(Position, Duration)>,
    read: BTreeMap<DocumentKind, Reading>,
}

#[derive(Debug)]
struct Reading {
    bookmarks: BTreeMap<String, Bookmark>,
    asked: Duration,
}

impl ReadBookmarks {
    /// Bookmarks are at `position`, as was found `now`. All times are by the clock that never goes back.
    pub(super) fn feel(&self, position: &Position, now: Duration) {
        let mut felt = lock(&self.0);
        if felt.at.as_ref().is_none_or(|(known, _)| known != position) {
            *felt = Felt { at: Some((position.clone(), now)), read: BTreeMap::new() };
        }
    }

    /// The bookmarks of these communities (of all, if none is named), as they are known, or as they are
    /// now `read`.
    pub(super) fn known_or_read(
        &self,
        kind: DocumentKind,
        communities: &[String],
        now: Duration,
        read: impl FnOnce() -> Result<BTreeMap<String, Bookmark>, SourceError>,
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        let before = {
            let felt = lock(&self.0);
            if let Some(known) = felt.known(kind, communities, now) {
                return Ok(known);
            }
            felt.at.clone()
        };
        let found = read()?;
        let mut felt = lock(&self.0);
        // Unless somebody felt meanwhile that they moved.
        let stands = before.filter(|before| felt.at.as_ref() == Some(before));
        // A position of nothing never moves: they lie where the pulse does not look for them.
        let stands = stands.filter(|(position, _)| !position.0.is_empty());
        if communities.is_empty()
            && stands.is_some_and(|(_, since)| now.saturating_sub(since) >= REFRESH)
        {
            felt.read.insert(kind, Reading { bookmarks: found.clone(), asked: now });
        }
        Ok(found)
    }
}

impl Felt {
    fn known(
        &self,
        kind: DocumentKind,
        communities: &[String],
        now: Duration,
    ) -> Option<BTreeMap<String, Bookmark>> {
        let reading = self.read.get(&kind)?;
        if now.saturating_sub(reading.asked) >= BELIEVED {
            return None;
        }
        Some(match communities {
            [] => reading.bookmarks.clone(),
            named => {
                let of = |id: &String| Some((id.clone(), *reading.bookmarks.get(id)?));
                named.iter().filter_map(of).collect()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use stats_model::PositionMark;

    use super::*;

    const KIND: DocumentKind = DocumentKind::UsageDelta;

    fn at(sequence: u64) -> Position {
        Position(vec![PositionMark::written("i", sequence)])
    }

    /// Asks at a second, and tells whether the source was asked.
    fn asks(known: &ReadBookmarks, second: u64, named: &[&str]) -> bool {
        let asked = Cell::new(false);
        let bookmark = Bookmark { day: "2025-01-02".parse().unwrap() };
        let all = ["a", "b"].map(|id| (id.to_owned(), bookmark));
        let named: Vec<String> = named.iter().map(|id| (*id).to_owned()).collect();
        let found = known.known_or_read(KIND, &named, Duration::from_secs(second), || {
            asked.set(true);
            Ok(all.into_iter().filter(|(id, _)| named.is_empty() || named.contains(id)).collect())
        });
        let expected = if named.is_empty() { 2 } else { named.len() };
        assert_eq!(found.unwrap().len(), expected);
        asked.get()
    }

    #[test]
    fn nothing_is_kept_for_whoever_never_asks_for_the_pulse() {
        let known = ReadBookmarks::default();
        assert!(asks(&known, 100, &[]));
        assert!(asks(&known, 200, &[]));
    }

    #[test]
    fn nothing_is_kept_where_the_pulse_does_not_see_bookmarks() {
        let known = ReadBookmarks::default();
        known.feel(&Position::default(), Duration::ZERO);
        assert!(asks(&known, 10, &[]));
        assert!(asks(&known, 20, &[]));
    }

    #[test]
    fn what_was_read_counts_until_the_source_moves_or_it_is_old() {
        let known = ReadBookmarks::default();
        let feel = |sequence, second| known.feel(&at(sequence), Duration::from_secs(second));
        feel(1, 0);
        assert!(asks(&known, 1, &[]), "in the middle of a refresh, perhaps");
        assert!(asks(&known, 6, &["a"]), "of one alone nothing is kept");
        assert!(asks(&known, 6, &[]));
        feel(1, 30);
        assert!(!asks(&known, 30, &[]));
        assert!(!asks(&known, 30, &["b"]));
        feel(2, 60);
        assert!(asks(&known, 60, &["b"]));
        assert!(asks(&known, 90, &[]));
        assert!(!asks(&known, 389, &[]));
        assert!(asks(&known, 390, &[]), "five minutes are over");
    }
}
