//! What all ports of a process have in common, and its clock.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use stats_model::Clock;

use super::world::{Core, Fate, Process, Risk, World};

/// A way of a process into the world.
#[derive(Clone)]
pub(super) struct Port {
    pub(super) world: Arc<World>,
    pub(super) me: Process,
}

impl Port {
    /// Calls, and others may run before; `None` for a process that is dead.
    pub(super) fn call(&self, risk: Risk) -> Option<(MutexGuard<'_, Core>, Fate)> {
        self.world.call(self.me, risk).ok()
    }

    /// Whether this process has come to its end.
    pub(super) fn is_dead(&self) -> bool {
        self.world.look().is_dead(self.me)
    }
}

/// The clock of a process: it goes as all do, and may be set wrongly.
pub(super) struct SimClock(pub(super) Port);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let core = self.0.world.look();
        core.time() + core.state.skew[self.0.me.place]
    }

    fn monotonic(&self) -> Duration {
        self.0.world.look().now
    }

    fn sleep(&self, duration: Duration) {
        // Short pauses are drawn anew each time, past the seed.
        let time = if duration < Duration::from_secs(1) { SHORT } else { duration };
        self.0.world.sleep(self.0.me, time);
    }
}

const SHORT: Duration = Duration::from_millis(100);
