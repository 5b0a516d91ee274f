//! How long to wait before something is tried again.

use std::time::Duration;

/// Pauses that grow with every attempt: doubled each time up to a limit, and different for each who
/// waits, so that those who failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// No pause after the first attempt is longer.
    pub base: Duration,
    /// No pause is longer.
    pub cap: Duration,
}

impl Default for Pauses {
    /// From half a minute to an hour.
    fn default() -> Self {
        Self { base: Duration::from_secs(30), cap: Duration::from_secs(3600) }
    }
}

impl Pauses {
    /// The pause after attempt number `attempt`, of which the first is 1: between the half and the
    /// whole of `base`, doubled for each attempt before, and of `cap` at most. `random` is any number,
    /// all of them equally likely; it says where in between.
    #[must_use]
    pub fn after(&self, attempt: u32, random: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.base.saturating_mul(doubled).min(self.cap);
        let half = whole / 2;
        half + (whole - half).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_pauses_are_what_they_are_said_to_be() {
        let pauses = Pauses::default();
        let ends = |attempt| [0, u32::MAX].map(|random| pauses.after(attempt, random).as_secs());
        assert_eq!(ends(1), [15, 30]);
        assert_eq!(ends(2), [30, 60]);
        assert_eq!(ends(3), [60, 120]);
        assert_eq!(ends(7), [960, 1920]);
        for attempt in [8, 9, 32, 33, 34, u32::MAX] {
            assert_eq!(ends(attempt), [1800, 3600], "{attempt}");
        }
        assert_eq!(ends(0), ends(1), "there is no attempt before the first");
    }

    #[test]
    fn pauses_of_no_length_stay_so() {
        let pauses = Pauses { base: Duration::ZERO, cap: Duration::MAX };
        assert_eq!(pauses.after(40, u32::MAX), Duration::ZERO);
        let pauses = Pauses { base: SECOND, cap: Duration::ZERO };
        assert_eq!(pauses.after(1, 7), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn a_pause_lies_between_the_half_and_the_whole(
            base in 0_u64..100_000, cap in 0_u64..100_000_000, attempt in 1_u32..70, random: u32,
        ) {
            let pauses =
                Pauses { base: Duration::from_millis(base), cap: Duration::from_millis(cap) };
            let whole = u128::from(base) << (attempt - 1).min(60);
            let whole = whole.min(u128::from(cap)) * 1_000_000;
            let nanoseconds = pauses.after(attempt, random).as_nanos();
            prop_assert!((whole / 2..=whole).contains(&nanoseconds), "{nanoseconds} of {whole}");
        }

        #[test]
        fn a_larger_random_number_makes_no_shorter_pause(attempt in 1_u32..20, a: u32, b: u32) {
            let pauses = Pauses::default();
            prop_assert!(pauses.after(attempt, a.min(b)) <= pauses.after(attempt, a.max(b)));
        }
    }
}
