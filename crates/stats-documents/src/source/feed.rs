//! What changed on shelves.

use std::collections::BTreeSet;

use stats_model::{DocumentKind, Position};

use super::{Documents, Pulse};
use crate::SourceError;

/// What changed since a remembered position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// Exactly these communities have new, changed or removed documents; possibly none. It may
    /// name one too many, never one too few, unless the number of documents tells: see
    /// [`Feed::changed_since`].
    Communities(BTreeSet<String>),
    /// The history is another one, or the remembered position explains too little: look at
    /// everything.
    Everything,
}

/// Documents of which it can be asked what changed. Whoever remembers what shelves hold needs it.
pub trait Feed: Documents {
    /// Which communities have documents of `kind` that changed after `since`.
    ///
    /// A document that is written over for another community may leave the one that it belonged to
    /// unnamed, since nothing of it is left there. Whoever remembers the fingerprints of all
    /// shelves sees that: once those of the named communities are asked for anew, all counts
    /// together are [`count`](Documents::count), or an unnamed shelf has lost something, and
    /// everything must be looked at. (An unnamed shelf can only have lost documents: so nothing
    /// cancels out.)
    ///
    /// # Errors
    /// When the source cannot answer.
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError>;

    /// How far everything is. One cheap question for all kinds, bookmarks and communities together,
    /// independent of the number of communities.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn pulse(&self) -> Result<Pulse, SourceError>;
}
