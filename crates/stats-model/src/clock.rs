//! Time as it is passed in: the system's, and the tests' twin.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Says what time it is, UTC, and how time goes by.
pub trait Clock: Send + Sync {
    /// The present instant. Whoever sets the clock moves it, backwards too.
    fn now(&self) -> Timestamp;

    /// How much time has gone by since a moment that stays the same for all clocks of this kind in
    /// this process. It never goes back, whoever sets the clock: for limits and leases.
    fn monotonic(&self) -> Duration;

    /// Comes back once this time has gone by.
    fn sleep(&self, duration: Duration);
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// When somebody asked first.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        BEGINNING.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// A clock that shows an instant which somebody chose, and stands still. Time goes by all the same:
/// limits and sleep are those of the system.
#[derive(Debug, Clone, Copy)]
pub struct StandingClock(pub Timestamp);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration);
    }
}

/// A clock that stands still until it is moved, also by whoever sleeps by it. For tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Shown>);

/// What a [`ManualClock`] shows.
#[derive(Debug)]
struct Shown {
    now: Timestamp,
    gone_by: Duration,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Shown { now, gone_by: Duration::ZERO }))
    }

    /// Moves the clock by `duration`: forwards as time goes by, backwards as somebody sets it.
    ///
    /// # Panics
    /// When that leaves the range of timestamps.
    pub fn advance(&self, duration: SignedDuration) {
        let mut shown = self.shown();
        let now = shown.now.checked_add(duration);
        shown.now = now.expect("a clock stays within the range of timestamps");
        shown.gone_by += Duration::try_from(duration).unwrap_or_default();
    }

    /// Sets the clock, forwards or backwards. No time goes by.
    pub fn set(&self, now: Timestamp) {
        self.shown().now = now;
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.shown().now
    }

    fn monotonic(&self) -> Duration {
        self.shown().gone_by
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
        assert_eq!(clock.monotonic(), Duration::from_secs(3600));
    }

    #[test]
    fn whoever_sets_a_clock_lets_no_time_go_by() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        clock.advance(SignedDuration::from_secs(10));
        clock.advance(SignedDuration::from_secs(-5));
        clock.set(Timestamp::from_second(1_000_000).unwrap());
        assert_eq!(clock.monotonic(), Duration::from_secs(10));
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn time_goes_by_where_a_clock_stands_still() {
        let clock = StandingClock(Timestamp::UNIX_EPOCH);
        let before = clock.monotonic();
        clock.sleep(Duration::from_millis(1));
        assert!(clock.monotonic() > before);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn the_system_clock_never_goes_back() {
        let first = SystemClock.monotonic();
        assert!(SystemClock.monotonic() >= first);
    }
}
