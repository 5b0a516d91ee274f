//! What work is shared through.

use std::sync::Arc;

use stats_jobs::ledger::Ledger;
use stats_jobs::{Producer, Results};
use stats_model::Clock;

/// What tasks are shared by.
pub(super) struct Ports {
    pub(super) producer: Producer,
    pub(super) results: Arc<dyn Results>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) clock: Arc<dyn Clock>,
}
