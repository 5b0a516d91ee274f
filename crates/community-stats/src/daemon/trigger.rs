//! Why a run begins.

use stats_jobs::ledger::Trigger;
use stats_service::Occasion;

/// The trigger of a run that follows from a look.
pub(super) const fn trigger(occasion: Occasion, asked: Trigger) -> Trigger {
    match occasion {
        Occasion::Asked | Occasion::Start => asked,
        Occasion::Day | Occasion::Beat | Occasion::Moved | Occasion::Due => Trigger::Watch,
    }
}
