//! What work is shared through.

use std::sync::Arc;

use stats_jobs::ledger::Ledger;
use stats_jobs::{Producer, Results};
use stats_model::Clock;

/// What tasks are shared by.
pub(in crate::daemon) struct Ports {
    pub(in crate::daemon) producer: Producer,
    pub(in crate::daemon) results: Arc<dyn Results>,
    pub(in crate::daemon) ledger: Arc<dyn Ledger>,
    pub(in crate::daemon) clock: Arc<dyn Clock>,
}
