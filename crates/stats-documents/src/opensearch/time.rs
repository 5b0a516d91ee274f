//! Time as requests see it: limits, rests and waits are those of one clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stats_model::{Clock, SystemClock};

/// The clock, of which only the reading that never goes back is asked here.
#[derive(Clone)]
pub(super) struct Time(pub(super) Arc<dyn Clock>);

impl Time {
    /// What [`Clock::monotonic`] says.
    pub(super) fn now(&self) -> Duration {
        self.0.monotonic()
    }

    /// In so long; for ever is long enough.
    pub(super) fn after(&self, wait: Duration) -> Duration {
        self.now().saturating_add(wait)
    }

    pub(super) fn sleep(&self, wait: Duration) {
        self.0.sleep(wait);
    }
}

impl Default for Time {
    /// The system's.
    fn default() -> Self {
        Self(Arc::new(SystemClock))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Time").field(&self.now()).finish()
    }
}
