//! Patience with a failing cluster: how long to wait before asking again, and when not to.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) use crate::pause::jittered;

/// Counts failures of all questions to one cluster. After some in a row it opens: then only one
/// request in a while gets through, until one succeeds.
#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    probe_interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    reason: String,
    next_probe: Option<Instant>,
}

impl Breaker {
    pub(super) fn new(threshold: u32, probe_interval: Duration) -> Self {
        Self { threshold, probe_interval, state: Mutex::default() }
    }

    /// Whether a request may be sent at `now`; otherwise the reason of the last failure.
    pub(super) fn admit(&self, now: Instant) -> Result<(), String> {
        let mut state = self.state();
        match state.next_probe {
            Some(next) if now < next => Err(state.reason.clone()),
            Some(_) => {
                state.next_probe = Some(now + self.probe_interval);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The cluster answered.
    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// The cluster did not answer, or said that it does not work.
    pub(super) fn failed(&self, now: Instant, reason: String) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.reason = reason;
        if state.failures >= self.threshold {
            state.next_probe = Some(now + self.probe_interval);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_cluster_sees_one_probe_per_interval() {
        let breaker = Breaker::new(3, Duration::from_secs(5));
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for _ in 0..3 {
            assert!(breaker.admit(at(0)).is_ok());
            breaker.failed(at(0), "down".to_owned());
        }
        assert_eq!(breaker.admit(at(4)), Err("down".to_owned()));
        let admitted = (5..25).filter(|second| breaker.admit(at(*second)).is_ok()).count();
        assert_eq!(admitted, 4);
        breaker.succeeded();
        assert!((0..9).all(|_| breaker.admit(at(26)).is_ok()));
    }
}
