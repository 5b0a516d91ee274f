//! How long to wait before asking again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A random wait before attempt number `attempt` (the first repetition is 1): anything up to
/// `first`, doubled with every attempt, at most `longest`.
#[must_use]
pub fn jittered(attempt: u32, first: Duration, longest: Duration) -> Duration {
    let limit = first.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(longest);
    // The keys of a new hasher are random; no more is needed to spread clients over time.
    let random = RandomState::new().build_hasher().finish() >> 11;
    limit.mul_f64(random as f64 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_limit_and_differ() {
        let wait = |attempt| jittered(attempt, Duration::from_millis(100), Duration::from_secs(1));
        for attempt in 1..40 {
            let limit =
                Duration::from_millis(100 << (attempt - 1).min(4)).min(Duration::from_secs(1));
            assert!(wait(attempt) <= limit);
        }
        assert!((0..20).map(|_| wait(30)).any(|time| time != wait(30)));
    }
}
