//! The pauses between tries.

use std::time::Duration;

use uuid::Uuid;

/// Pauses that grow, each somewhat by chance, so that many who were cut off do not come back at once.
#[derive(Debug, Clone)]
pub(crate) struct Pauses {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pauses {
    /// From about `first` to about `longest`.
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// Begins anew: it went well.
    pub(crate) const fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next pause: between half of it and all of it.
    pub(crate) fn next(&mut self) -> Duration {
        let chance = (Uuid::new_v4().as_u128() as u16) as f64 / f64::from(u16::MAX);
        let pause = self.next.mul_f64(0.5 + chance / 2.0);
        self.next = self.next.saturating_mul(2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_begin_anew() {
        let second = Duration::from_secs(1);
        let mut pauses = Pauses::new(second, second * 5);
        for expected in [1, 2, 4, 5, 5] {
            let (pause, full) = (pauses.next(), second * expected);
            assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
        }
        pauses.reset();
        assert!(pauses.next() <= second);
    }
}
