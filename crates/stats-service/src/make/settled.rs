//! Whether the documents that the bookmarks promise can be read already.

use std::collections::BTreeMap;

use stats_documents::{Patience, Unsearchable, await_searchable};
use stats_model::DocumentKind;

use crate::error::chain;
use crate::halt::Halt;
use crate::service::CachedResponseService;

/// Why nothing is stored that is made from documents of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unsettled {
    /// Some that were written in time cannot be read yet.
    NotSearchable,
    /// The source could not tell.
    Unknown(String),
}

impl CachedResponseService {
    /// Waits until everything of these kinds that was written before now can be read, but not for
    /// long. Returns the kinds for which that is not so.
    pub(crate) fn settle(
        &self,
        kinds: impl IntoIterator<Item = DocumentKind>,
        halt: Halt<'_>,
    ) -> BTreeMap<DocumentKind, Unsettled> {
        let halted = || halt.is_set();
        await_searchable(self.source.as_ref(), kinds, Patience::default(), &halted)
            .into_iter()
            .map(|(kind, why)| match why {
                Unsearchable::NotYet => (kind, Unsettled::NotSearchable),
                Unsearchable::Unknown(error) => (kind, Unsettled::Unknown(chain(&error))),
            })
            .collect()
    }
}
