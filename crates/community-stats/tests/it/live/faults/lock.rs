//! The lock of bulk runs.

use std::time::Duration;

use redis::Commands;

use super::super::corpus::COMMUNITIES;
use super::super::shared::{LOCK, connection};
use super::Trial;

/// Whoever has the lock now may be writing: the run stops, and leaves the lock alone.
#[test]
fn the_lock_is_stolen_in_the_middle() {
    let Some(mut trial) = Trial::new() else { return };
    trial.live = trial.live.set("LOCK_TIMEOUT", "300ms");
    let main = trial.live.store.main.clone();
    trial.live.before_page(4, move || {
        let _: () = connection(&main).set(LOCK, "a thief").unwrap();
        std::thread::sleep(Duration::from_millis(500));
    });
    stops(trial);
}

/// The lease would last for another hour: the lock is asked for before anything is stored.
#[test]
fn a_lock_that_is_stolen_is_noticed_before_its_lease_ends() {
    let Some(trial) = Trial::new() else { return };
    let main = trial.live.store.main.clone();
    trial.live.before_page(4, move || {
        let _: () = connection(&main).set(LOCK, "a thief").unwrap();
    });
    stops(trial);
}

fn stops(trial: Trial) {
    let arguments = ["cache", "generate", "--category", "usage_delta", "--workers", "1", "--json"];
    let outcome = trial.live.run(&[&arguments[..], &[trial.mode()]].concat()).expect(1);
    assert!(outcome.stderr.contains("the lock of bulk runs was lost"), "{outcome}");
    let report = outcome.json();
    assert_eq!(report["interrupted"], true, "{report}");
    assert_eq!(trial.live.store.lock().unwrap(), b"a thief");
    let made = report["responses"].as_array().unwrap();
    assert!((1..4).contains(&made.len()), "{report}");
    for community in COMMUNITIES {
        let is_made = made.iter().any(|made| made["community_id"] == community);
        trial.assert_body(community, if is_made { trial.new } else { trial.old });
    }
    let _: () = connection(&trial.live.store.main).del(LOCK).unwrap();
    trial.repaired();
}
