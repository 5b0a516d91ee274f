//! The keys of a ledger, outside of what belongs to the cache beside which it is kept.

use crate::ledger::RunId;

/// The names of the keys of one ledger.
pub(super) struct Names {
    start: String,
}

impl Names {
    /// Those beside the cache with this prefix.
    pub(super) fn beside(cache: &str) -> Self {
        let start = format!("community-stats:ledger:{cache}");
        // Whoever clears the cache, with KEYS <prefix>:*, must not meet our keys.
        if start.starts_with(&format!("{cache}:")) {
            return Self { start: format!("community-stats-ledger:{cache}") };
        }
        Self { start }
    }

    /// A sorted set: the ids of all runs.
    pub(super) fn runs(&self) -> String {
        format!("{}:runs", self.start)
    }

    /// A hash: what is known of a run.
    pub(super) fn run(&self, id: &str) -> String {
        format!("{}:run:{id}", self.start)
    }

    /// A list: what came of the jobs of a run.
    pub(super) fn outcomes(&self, id: &RunId) -> String {
        self.outcomes_of(id.as_str())
    }

    /// The same for a name that may be no id.
    pub(super) fn outcomes_of(&self, id: &str) -> String {
        format!("{}:outcomes:{id}", self.start)
    }

    /// A hash: workers by their ids.
    pub(super) fn workers(&self) -> String {
        format!("{}:workers", self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_met_by_who_clears_the_cache() {
        for cache in ["stats_dashboard", "community-stats", "community-stats-ledger", "", "a:b"] {
            let names = Names::beside(cache);
            let id = "20261129T163002Z-804f2a".parse().unwrap();
            for key in [names.runs(), names.run("x"), names.outcomes(&id), names.workers()] {
                assert!(!key.starts_with(&format!("{cache}:")), "{key}");
                assert!(key.contains(cache), "{key}");
            }
        }
        assert_eq!(
            Names::beside("stats_dashboard").runs(),
            "community-stats:ledger:stats_dashboard:runs"
        );
    }
}
