//! Documents and communities together.

use std::sync::Arc;

use super::{Directory, Feed};

/// Where documents come from, and where communities do: most often one place.
#[derive(Clone)]
pub struct Source {
    /// The documents.
    pub documents: Arc<dyn Feed>,
    /// The communities.
    pub directory: Arc<dyn Directory>,
}

impl<S: Feed + Directory + 'static> From<Arc<S>> for Source {
    fn from(place: Arc<S>) -> Self {
        Self { documents: place.clone(), directory: place }
    }
}
