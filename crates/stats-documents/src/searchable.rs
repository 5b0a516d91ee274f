//! Whether everything that was written before now can be read already.
//!
//! Documents and bookmarks lie in different indices, and what is written to one of them can be
//! searchable before what was written to the other earlier. So a bookmark proves nothing about the
//! documents that are found, until everything written before the bookmark was read is searchable.

use std::collections::BTreeMap;
use std::time::Duration;

use stats_model::{Clock, DocumentKind, Position, Shown};

use crate::{Changes, Feed, ShelfFilter, SourceError};

const PAUSE: Duration = Duration::from_millis(250);

/// How long to wait until what was written can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// So long altogether.
    pub refreshes: Duration,
    /// What did not change for so long has no refresh to come.
    pub quiet: Duration,
}

impl Default for Patience {
    /// The indices of the source system are refreshed every 5 seconds, and where writes go on it
    /// takes two refreshes: 12 seconds, and 6.
    fn default() -> Self {
        Self { refreshes: Duration::from_secs(12), quiet: Duration::from_secs(6) }
    }
}

/// Why documents of a kind do not show what bookmarks promise.
#[derive(Debug)]
pub enum Unsearchable {
    /// Some that were written in time cannot be read yet.
    NotYet,
    /// The source could not tell.
    Unknown(SourceError),
}

/// Waits until everything of these kinds that was written before now can be read, but not for
/// longer by `clock` than `patience` says, or once `halted` says so. Returns the kinds for which that
/// is not so.
pub fn await_searchable(
    source: &dyn Feed,
    kinds: impl IntoIterator<Item = DocumentKind>,
    patience: Patience,
    clock: &dyn Clock,
    halted: &dyn Fn() -> bool,
) -> BTreeMap<DocumentKind, Unsearchable> {
    let begun = clock.monotonic();
    let mut watches: Vec<Watch> = kinds.into_iter().map(Watch::new).collect();
    let mut unsearchable = BTreeMap::new();
    loop {
        watches.retain_mut(|watch| match watch.look(source, clock, patience.quiet) {
            Ok(searchable) => !searchable,
            Err(error) => {
                unsearchable.insert(watch.kind, Unsearchable::Unknown(error));
                false
            }
        });
        let halted = halted();
        watches.retain(|watch| {
            // What only has to stay as it is gets the time for it.
            let more = watch.is_quiet_since.map_or(Duration::ZERO, |_| patience.quiet);
            let waited = clock.monotonic().saturating_sub(begun);
            let wait = !halted && waited < patience.refreshes + more;
            if !wait {
                unsearchable.insert(watch.kind, Unsearchable::NotYet);
            }
            wait
        });
        if watches.is_empty() {
            return unsearchable;
        }
        clock.sleep(PAUSE);
    }
}

/// What is known of the positions of one kind.
struct Watch {
    kind: DocumentKind,
    /// The first position that was given; it may have been asked for a little earlier.
    first: Option<Position>,
    /// A position that was certainly asked for after the beginning.
    asked: Option<Position>,
    latest: Position,
    /// Since when, by the reading of the clock that never goes back, the latest position is the same,
    /// and only perhaps hides something.
    is_quiet_since: Option<Duration>,
}

impl Watch {
    fn new(kind: DocumentKind) -> Self {
        Self { kind, first: None, asked: None, latest: Position::default(), is_quiet_since: None }
    }

    /// Whether everything that was written before the beginning can be read.
    fn look(
        &mut self,
        source: &dyn Feed,
        clock: &dyn Clock,
        quiet: Duration,
    ) -> Result<bool, SourceError> {
        let position = source.position(self.kind)?;
        if self.asked.is_none() && self.is_of_now(source, &position)? {
            self.asked = Some(position.clone());
        }
        let same = self.latest == position;
        self.latest = position;
        let Some(asked) = &self.asked else { return Ok(false) };
        match self.latest.shows(asked) {
            Shown::All => return Ok(true),
            Shown::NotYet => self.is_quiet_since = None,
            // The count of refreshes alone never tells: the last change itself must be found.
            Shown::Perhaps if self.is_reached(source)? => return Ok(true),
            Shown::Perhaps => {
                let now = clock.monotonic();
                let since = self.is_quiet_since.filter(|_| same).unwrap_or(now);
                self.is_quiet_since = Some(since);
                return Ok(now.saturating_sub(since) >= quiet);
            }
        }
        Ok(false)
    }

    /// Whether the last change of every history is found.
    fn is_reached(&self, source: &dyn Feed) -> Result<bool, SourceError> {
        let found = source.fingerprints(self.kind, &ShelfFilter::default())?;
        Ok(self.latest.is_reached(&found.values().map(|fingerprint| fingerprint.max).collect()))
    }

    /// Whether a position is not one that the source remembered from before the beginning: it is
    /// another one than the first, or nothing changed since.
    fn is_of_now(&mut self, source: &dyn Feed, position: &Position) -> Result<bool, SourceError> {
        let first = self.first.get_or_insert_with(|| position.clone());
        if first != position {
            return Ok(true);
        }
        let changes = source.changed_since(self.kind, position)?;
        Ok(matches!(changes, Changes::Communities(communities) if communities.is_empty()))
    }
}
