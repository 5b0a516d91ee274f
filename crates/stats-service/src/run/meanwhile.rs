//! What goes on in another thread while a run works.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use stats_cache::Lease;

const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Runs `work` while another thread renews the lock, three times in its lifetime.
pub(crate) fn while_renewing<T>(lock: &dyn Lease, work: impl FnOnce() -> T) -> T {
    let (done, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let pause = (lock.lease_left() / 3).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                match wait.recv_timeout(pause) {
                    // Without an answer the lease runs on, and is asked for again.
                    Err(RecvTimeoutError::Timeout) if !lock.lease_left().is_zero() => {
                        drop(lock.renew());
                    }
                    _ => return,
                }
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Runs `work` while another thread repeats `mark` after each pause: a long run is seen as long as
/// it lasts. A mark that could not be set again is set the next time.
pub(crate) fn while_repeating<T, E>(
    pause: Duration,
    mark: &(impl Fn() -> Result<(), E> + Sync),
    work: impl FnOnce() -> T,
) -> T {
    let (done, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                drop(mark());
            }
        });
        let result = work();
        drop(done);
        result
    })
}
