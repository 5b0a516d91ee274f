//! A share of all keys: always the same ones.

use std::cell::Cell;

/// Per cent of all keys, and the key that comes next.
pub(crate) struct Sample {
    percent: f64,
    nearest: Cell<Option<u32>>,
}

impl Sample {
    pub(crate) const fn of(percent: f64) -> Self {
        Self { percent, nearest: Cell::new(None) }
    }

    /// Whether a key is among them.
    pub(crate) fn takes(&self, key: &str) -> bool {
        let Some(number) = number(key) else { return true };
        let nearest = self.nearest.get().map_or(number, |nearest| nearest.min(number));
        self.nearest.set(Some(nearest));
        self.percent >= 100.0 || f64::from(number) < self.percent / 100.0 * 4_294_967_296.0
    }

    /// Whether a key is the first of all that were looked at so far.
    pub(crate) fn is_nearest(&self, key: &str) -> bool {
        self.nearest.get() == number(key)
    }
}

/// Keys end in a hash, so its digits choose.
fn number(key: &str) -> Option<u32> {
    let start = key.len().saturating_sub(8);
    key.get(start..).and_then(|digits| u32::from_str_radix(digits, 16).ok())
}

#[cfg(test)]
mod tests {
    use crate::hash::hash;
    use crate::inspect::share::Sample;

    #[test]
    fn a_sample_is_its_share_and_always_the_same() {
        let keys: Vec<String> = (0..4000).map(|n| format!("p:{}", hash(&n.to_string()))).collect();
        let chosen = |percent| {
            let sample = Sample::of(percent);
            keys.iter().filter(|key| sample.takes(key)).count()
        };
        assert_eq!(chosen(100.0), 4000);
        assert_eq!(chosen(0.0), 0);
        assert!((300..500).contains(&chosen(10.0)), "{}", chosen(10.0));
        let sample = Sample::of(0.0);
        keys.iter().for_each(|key| assert!(!sample.takes(key)));
        assert_eq!(keys.iter().filter(|key| sample.is_nearest(key)).count(), 1);
    }
}
