//! Whether the documents that the bookmarks promise can be read already: found out once for a kind,
//! and good for all tasks of a run.

use std::collections::BTreeMap;

use stats_documents::{Patience, Unsearchable, await_searchable};
use stats_model::{DocumentKind, chain};

use crate::make::outcome::Outcome;
use crate::matrix::verdict::Wait;
use crate::service::CachedResponseService;
use crate::stop::Stop;

/// The kinds of which nothing may be stored, and what comes of their responses instead.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settled(BTreeMap<DocumentKind, Outcome>);

impl Settled {
    /// What comes of responses that are made from documents of a kind, unless they can be stored.
    pub(crate) fn instead(&self, kind: DocumentKind) -> Option<&Outcome> {
        self.0.get(&kind)
    }
}

impl CachedResponseService {
    /// Waits until everything of these kinds that was written before now can be read, but not for
    /// long.
    pub(crate) fn settle(
        &self,
        kinds: impl IntoIterator<Item = DocumentKind>,
        stop: &Stop,
    ) -> Settled {
        let stopped = || stop.is_set();
        let (documents, clock) = (self.documents.as_ref(), self.clock.as_ref());
        let unsearchable = await_searchable(documents, kinds, Patience::default(), clock, &stopped);
        let instead = |why| match why {
            Unsearchable::NotYet => Outcome::Waiting(Wait::NotSearchable),
            Unsearchable::Unknown(error) => Outcome::Failed(chain(&error)),
        };
        Settled(unsearchable.into_iter().map(|(kind, why)| (kind, instead(why))).collect())
    }
}
