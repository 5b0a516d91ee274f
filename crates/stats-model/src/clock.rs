//! Time as it is passed in: the system's, and the tests' twin.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Says what time it is, UTC.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Comes back once this time has gone by.
    fn sleep(&self, duration: Duration);
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// A clock that stands still until it is moved, also by whoever sleeps by it. For tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock by `duration`, forwards or backwards.
    ///
    /// # Panics
    /// When that leaves the range of timestamps.
    pub fn advance(&self, duration: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(duration).expect("a clock stays within the range of timestamps");
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) {
        self.advance(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_by_a_manual_clock_moves_it_and_takes_no_time() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        clock.sleep(Duration::from_secs(3600));
        assert_eq!(clock.now(), Timestamp::from_second(3600).unwrap());
    }
}
