//! Waiting for what other threads, processes and servers do.

use std::thread;
use std::time::{Duration, Instant};

/// Whatever is waited for comes earlier, unless it does not come at all.
const LONGEST: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `done` says so, for a minute at most. `what` is what is waited for.
///
/// # Panics
/// When the minute is over.
pub fn until(what: &str, done: impl FnMut() -> bool) {
    within(LONGEST, what, done);
}

/// The same, for `limit` at most.
///
/// # Panics
/// When the time is over.
pub fn within(limit: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < end, "waited for {limit:?} in vain: {what}");
        thread::sleep(PAUSE);
    }
}
