//! What was known when the source was looked at last.

use jiff::{SignedDuration, Timestamp};
use stats_documents::Pulse;

use crate::survey::standing::Standing;

/// A refresh of the source takes no longer.
const REFRESH: SignedDuration = SignedDuration::from_secs(5);

/// What was known when the source was looked at last.
pub(super) struct Known {
    pub(super) pulse: Pulse,
    pub(super) standing: Standing,
    /// When everything was compared.
    pub(super) compared: Timestamp,
    /// When communities were asked for.
    pub(super) directory: Timestamp,
    /// When what the source holds was compared because it had moved. Once more is needed: a source that is
    /// asked in the middle of a refresh says that all is to be seen, and moves no more when it is.
    pub(super) moved: Option<Timestamp>,
}

impl Known {
    /// Whether what the source holds may be something else than what is known.
    pub(super) fn has_moved(&self, pulse: &Pulse, now: Timestamp) -> bool {
        let is_over = |moved: Timestamp| now < moved || now.duration_since(moved) >= REFRESH;
        !pulse.has_same_shelves(&self.pulse) || self.moved.is_some_and(is_over)
    }
}
