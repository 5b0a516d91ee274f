//! The ports of the program, each around another one, with named points before and after what they do.

mod jobs;
mod ledger;
mod lock;
mod registry;
mod source;
mod store;

use std::sync::Arc;

use super::points::Points;

/// A port that passes named points.
pub(super) struct Pointed<T: ?Sized> {
    pub(super) port: Arc<T>,
    pub(super) points: Points,
}

impl<T: ?Sized> Pointed<T> {
    pub(super) fn new(port: Arc<T>, points: &Points) -> Arc<Self> {
        Arc::new(Self { port, points: points.clone() })
    }
}
