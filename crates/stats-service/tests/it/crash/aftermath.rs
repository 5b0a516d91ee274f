//! What has to hold when a process was killed, and what the next one makes of it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use stats_cache::{EntryFilter, EntryState};
use stats_jobs::ledger::RunFilter;
use stats_service::{Action, Keep, Request, ServiceError};

use super::Bodies;
use super::acts::{Act, sent};
use super::place::{LEASE, Parts, Place};
use super::points::Points;

/// Everything that is stored.
pub(super) fn bodies(parts: &Parts) -> Bodies {
    let entries = parts.store.list(&EntryFilter::default()).unwrap();
    let keys = entries.into_iter().map(|entry| match entry {
        EntryState::Ours(description) => description.key,
        other => panic!("{other:?}"),
    });
    let body = |key: String| {
        let entry = parts.store.get(&key).unwrap();
        let entry = entry.unwrap_or_else(|| panic!("{key} is listed and cannot be read"));
        (key, entry.body)
    };
    keys.map(body).collect()
}

/// What is stored is whole: old, where there was something old, or new; what is called fresh is new;
/// and nothing is gone.
pub(super) fn check(place: &Place, old: &Bodies, new: &Bodies, what: &str) {
    let parts = place.open(&Points::default());
    let found = bodies(&parts);
    for (key, body) in &found {
        let known = new.get(key) == Some(body) || old.get(key) == Some(body);
        assert!(known, "{what}: neither the old nor the new response under {key}");
    }
    for key in old.keys() {
        assert!(found.contains_key(key), "{what}: the old response under {key} is gone");
    }
    let plan = parts.service.plan(&Request::default()).unwrap();
    for cell in &plan.cells {
        if cell.verdict.action == Action::Keep(Keep::Unchanged) {
            let key = parts.service.key_of(&plan.place(cell));
            assert_eq!(found.get(&key), new.get(&key), "{what}: {key} is called fresh");
        }
    }
    assert_eq!(parts.store.summary().unwrap().damaged_reads, 0, "{what}");
    parts.ledger.runs(&RunFilter::default(), 100).unwrap();
}

/// The next process does the same: it begins within the lease and five seconds, and brings everything
/// to its end. How long it was kept out.
pub(super) fn heal(place: &Place, act: Act, new: &Bodies, what: &str) -> Duration {
    let (killed, was_sent) = (Instant::now(), sent(place));
    let mut kept_out = Duration::ZERO;
    loop {
        let parts = place.open(&Points::default());
        match act.perform(place, &parts) {
            Ok(()) => break,
            Err(ServiceError::Locked(_)) => kept_out = killed.elapsed(),
            Err(error) => panic!("{what}: {error:?}"),
        }
        assert!(kept_out < LEASE + Duration::from_secs(5), "{what}: nobody takes over");
        sleep(Duration::from_millis(5));
    }
    let parts = place.open(&Points::default());
    assert!(bodies(&parts) == *new, "{what}: not mended");
    let runs = parts.ledger.runs(&RunFilter::default(), 100).unwrap();
    assert!(runs.iter().any(|run| run.state.is_end()), "{what}: {runs:?}");
    for id in was_sent {
        let result = parts.results.read(&id).unwrap().unwrap();
        assert_eq!(result.state.as_str(), "SUCCESS", "{what}: {result:?}");
    }
    kept_out
}
