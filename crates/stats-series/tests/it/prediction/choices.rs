//! Where choices come from: made beforehand, or endless from a seed.

/// Where choices come from.
pub(super) trait Source {
    /// A number below `limit`; 0 is the regular choice.
    fn below(&mut self, limit: u32) -> u32;

    /// Whether something happens that happens once in `times`.
    fn rarely(&mut self, times: u32) -> bool {
        self.below(times) == times - 1
    }
}

/// Choices made beforehand; regular ones when they are used up.
pub(super) struct Choices(std::vec::IntoIter<u32>);

impl Choices {
    pub(super) fn of(choices: Vec<u32>) -> Self {
        Self(choices.into_iter())
    }
}

impl Source for Choices {
    fn below(&mut self, limit: u32) -> u32 {
        self.0.next().unwrap_or(0) % limit
    }
}

/// Endless choices from a seed (splitmix64).
pub(super) struct Stream(u64);

impl Stream {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) const fn pick(&mut self, limit: u32) -> u32 {
        ((self.next() >> 32) % limit as u64) as u32
    }
}

impl Source for Stream {
    fn below(&mut self, limit: u32) -> u32 {
        self.pick(limit)
    }
}
