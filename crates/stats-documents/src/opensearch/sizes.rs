//! How large the documents of a community are, so that a page can be asked for by bytes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stats_model::{DocumentKind, Shelf};

/// Communities that are remembered, at most; beyond that all are forgotten and measured again.
const MOST: usize = 200_000;

/// Mean bytes of a document, for each kind and community read so far.
#[derive(Debug, Default)]
pub(super) struct Sizes(Mutex<HashMap<(DocumentKind, String), u64>>);

impl Sizes {
    /// The mean, if any of the community's documents of this kind were read.
    pub(super) fn mean(&self, shelf: &Shelf) -> Option<u64> {
        self.lock().get(&(shelf.kind, shelf.community.clone())).copied()
    }

    /// Notes the mean of what was read last.
    pub(super) fn remember(&self, shelf: &Shelf, mean: u64) {
        let mut sizes = self.lock();
        if sizes.len() >= MOST {
            sizes.clear();
        }
        sizes.insert((shelf.kind, shelf.community.clone()), mean);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(DocumentKind, String), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
