//! Patience with a failing cluster: how long to wait before asking again, and when not to.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::failure::Failure;
pub(super) use crate::pause::jittered;

/// Counts failures of all questions to one cluster. After some in a row it opens: then only one
/// request in a while gets through, until one succeeds. Who comes meanwhile may wait for it, so
/// that a short outage spoils nothing; once `threshold` probes were in vain, everybody is told at
/// once.
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
    /// When it opened, and when the next request may be sent.
    open: Option<(Duration, Duration)>,
}

impl Breaker {
    pub(super) fn new(threshold: u32, probe_interval: Duration) -> Self {
        Self { threshold, probe_interval, state: Mutex::default() }
    }

    /// Whether a request may be sent at `now`.
    ///
    /// # Errors
    /// [`Failure::Resting`] when not.
    pub(super) fn admit(&self, now: Duration) -> Result<(), Failure> {
        let mut state = self.state();
        let State { reason, open, .. } = &mut *state;
        let Some((since, next)) = open else { return Ok(()) };
        if now >= *next {
            *next = now.saturating_add(self.probe_interval);
            return Ok(());
        }
        let patience = self.probe_interval.saturating_mul(self.threshold.saturating_add(1));
        let patient = now < since.saturating_add(patience);
        Err(Failure::Resting { reason: reason.clone(), next_probe: *next - now, patient })
    }

    /// The cluster answered.
    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// The cluster did not answer, or said that it does not work.
    pub(super) fn failed(&self, now: Duration, reason: String) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.reason = reason;
        if state.failures >= self.threshold {
            let since = state.open.map_or(now, |(since, _)| since);
            state.open = Some((since, now.saturating_add(self.probe_interval)));
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
        let at = Duration::from_secs;
        let rests = |seconds: u64| match breaker.admit(at(seconds)) {
            Err(Failure::Resting { reason, next_probe, patient }) => {
                assert_eq!(reason, "down");
                Some((next_probe.as_secs(), patient))
            }
            other => panic!("{other:?}"),
        };
        for _ in 0..3 {
            assert!(breaker.admit(at(0)).is_ok());
            breaker.failed(at(0), "down".to_owned());
        }
        assert_eq!(rests(4), Some((1, true)));
        let admitted = (5..25).filter(|second| breaker.admit(at(*second)).is_ok()).count();
        assert_eq!(admitted, 4);
        breaker.failed(at(24), "down".to_owned());
        assert_eq!(rests(25), Some((4, false)), "three probes in vain");
        breaker.succeeded();
        assert!((0..9).all(|_| breaker.admit(at(26)).is_ok()));
    }
}
