//! Communities, asked for once and remembered until somebody says that they may be others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stats_documents::{Directory, SourceError};
use stats_model::{Community, Day};

/// A directory behind which another one is asked only for what is not remembered.
pub struct RememberedDirectory {
    of: Arc<dyn Directory>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    communities: Option<Vec<Community>>,
    first_events: Option<BTreeMap<String, Day>>,
    first_record: Option<Option<Day>>,
}

impl RememberedDirectory {
    /// Remembers what `of` answers.
    #[must_use]
    pub fn new(of: Arc<dyn Directory>) -> Self {
        Self { of, known: Mutex::default() }
    }

    /// Asks anew the next time.
    pub fn forget(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory for RememberedDirectory {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        let mut known = self.known();
        if let Some(communities) = &known.communities {
            return Ok(communities.clone());
        }
        let communities = self.of.communities()?;
        Ok(known.communities.insert(communities).clone())
    }

    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        let mut known = self.known();
        if known.first_events.is_none() {
            known.first_events = Some(self.of.first_events(&[])?);
        }
        let all = known.first_events.as_ref();
        Ok(match communities {
            [] => all.cloned().unwrap_or_default(),
            named => named.iter().filter_map(|id| Some((id.clone(), *all?.get(id)?))).collect(),
        })
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        let mut known = self.known();
        if let Some(day) = known.first_record {
            return Ok(day);
        }
        let day = self.of.first_record()?;
        known.first_record = Some(day);
        Ok(day)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicU64);

    impl Directory for Counted {
        fn communities(&self) -> Result<Vec<Community>, SourceError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Vec::new())
        }

        fn first_events(&self, named: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
            assert!(named.is_empty());
            self.0.fetch_add(1, Ordering::Relaxed);
            let day = |text: &str| text.parse().unwrap();
            let days = [("a", day("2024-01-01")), ("b", day("2025-01-01"))];
            Ok(days.into_iter().map(|(id, day)| (id.to_owned(), day)).collect())
        }

        fn first_record(&self) -> Result<Option<Day>, SourceError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(None)
        }
    }

    #[test]
    fn each_question_is_asked_once_until_it_is_forgotten() {
        let counted = Arc::new(Counted::default());
        let remembered = RememberedDirectory::new(Arc::clone(&counted) as _);
        for asked in [3, 6] {
            for _ in 0..2 {
                assert!(remembered.communities().unwrap().is_empty());
                assert_eq!(remembered.first_events(&[]).unwrap().len(), 2);
                let named = ["b".to_owned(), "c".to_owned()];
                assert_eq!(remembered.first_events(&named).unwrap().len(), 1);
                assert_eq!(remembered.first_record().unwrap(), None);
            }
            assert_eq!(counted.0.load(Ordering::Relaxed), asked);
            remembered.forget();
        }
    }
}
