//! A process that does something, and kills itself on the way.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::acts::Act;
use super::place::Place;
use super::points::{Kill, Points};

const ORDER: &str = "COMMUNITY_STATS_TEST_CRASH";

/// What such a process has to do.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    place: Place,
    act: Act,
    kill: Option<Kill>,
}

/// Not a test by itself: what this program does when it was started to be killed.
#[test]
fn child() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let Order { place, act, kill } = serde_json::from_str(&order).unwrap();
    let points = Points::new(kill);
    act.perform(&place, &place.open(&points)).unwrap();
    std::fs::write(place.file("passed"), serde_json::to_vec(&points.passed()).unwrap()).unwrap();
}

/// Runs an act in a process of its own until it is killed; whether it was.
pub(super) fn killed(place: &Place, act: Act, kill: Kill) -> bool {
    run(&Order { place: place.clone(), act, kill: Some(kill) })
}

/// Runs an act to its end; how often it passed which point.
pub(super) fn passed(place: &Place, act: Act) -> BTreeMap<String, u64> {
    assert!(!run(&Order { place: place.clone(), act, kill: None }), "nobody killed it");
    serde_json::from_slice(&std::fs::read(place.file("passed")).unwrap()).unwrap()
}

fn run(order: &Order) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child::child", "--exact", "--nocapture"])
        .env(ORDER, serde_json::to_string(order).unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let killed = output.status.signal() == Some(9);
    assert!(killed || output.status.success(), "{order:?}: {output:?}");
    killed
}
