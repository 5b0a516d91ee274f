//! Documents and communities together.

use std::sync::Arc;

use super::{Directory, Feed};

/// One place that answers everything.
pub trait DocumentSource: Feed + Directory {}

impl<S: Feed + Directory> DocumentSource for S {}

/// Where documents come from, and where communities do: most often one place.
#[derive(Clone)]
pub struct Source {
    /// The documents.
    pub documents: Arc<dyn Feed>,
    /// The communities.
    pub directory: Arc<dyn Directory>,
}

impl<S: DocumentSource + 'static> From<Arc<S>> for Source {
    fn from(place: Arc<S>) -> Self {
        Self { documents: place.clone(), directory: place }
    }
}
