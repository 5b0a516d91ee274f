//! The ids of tasks that are not to be performed.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// So many are remembered, and so long: Celery's own limits.
const MOST: usize = 50_000;
const LIFETIME: SignedDuration = SignedDuration::from_secs(10_800);

/// Ids, and when they were revoked.
#[derive(Debug, Default)]
pub(super) struct Revoked {
    since: BTreeMap<String, Timestamp>,
    order: VecDeque<String>,
}

impl Revoked {
    pub(super) fn add(&mut self, id: &str, now: Timestamp) {
        if self.since.insert(id.to_owned(), now).is_none() {
            self.order.push_back(id.to_owned());
        }
        while self.order.len() > MOST {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.since.remove(&oldest));
        }
    }

    pub(super) fn contains(&self, id: &str, now: Timestamp) -> bool {
        self.since.get(id).is_some_and(|since| now.duration_since(*since) < LIFETIME)
    }

    /// All of them that are still remembered.
    pub(super) fn ids(&self, now: Timestamp) -> impl Iterator<Item = &String> {
        self.order.iter().filter(move |id| self.contains(id, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_forgotten_after_their_time_and_when_there_are_too_many() {
        let now = Timestamp::UNIX_EPOCH;
        let mut revoked = Revoked::default();
        for number in 0..MOST + 2 {
            revoked.add(&number.to_string(), now);
        }
        assert!(!revoked.contains("1", now) && revoked.contains("2", now));
        assert_eq!(revoked.ids(now).count(), MOST);
        assert!(!revoked.contains("2", now + LIFETIME));
        revoked.add("2", now + LIFETIME);
        assert!(revoked.contains("2", now + LIFETIME));
    }
}
