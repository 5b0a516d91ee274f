//! The thread that keeps the time: limits, leases, signs of life.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::books::Phase;
use super::ending::give_up;
use super::shared::Shared;
use super::task_control::StopReason;
use crate::events::Event;

/// A lease is begun anew after this part of it.
const PART_OF_LEASE: u32 = 3;

/// Keeps the time until the worker has ended.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut kept = shared.clock.now();
    let mut told = None;
    loop {
        let now = shared.clock.now();
        keep_limits(shared, now);
        if told.is_none_or(|told| has_passed(told, now, shared.options.heartbeat)) {
            let kind = if told.is_none() { "worker-online" } else { "worker-heartbeat" };
            tell_of_worker(shared, kind);
            told = Some(now);
        }
        let lease = shared.queue.lease();
        if lease.is_some_and(|lease| has_passed(kept, now, lease / PART_OF_LEASE)) {
            // When it fails now, it is tried again at the next tick.
            let tags = shared.books().tags();
            if shared.queue.keep(&tags).is_ok() {
                kept = now;
            }
        }
        if !shared.pause(shared.options.tick, Phase::Ended) {
            return;
        }
    }
}

fn has_passed(since: Timestamp, now: Timestamp, time: std::time::Duration) -> bool {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    let passed = now.duration_since(since);
    // A clock that was put back begins anew.
    passed >= time || passed.is_negative()
}

fn keep_limits(shared: &Shared, now: Timestamp) {
    let mut over = Vec::new();
    for (number, job) in &shared.books().jobs {
        if job.is_ending {
            continue;
        }
        if job.is_over(true, now) {
            over.push(*number);
        } else if job.is_over(false, now) {
            job.control.ask_to_stop(StopReason::SoftTimeLimit);
        }
    }
    for number in over {
        give_up(shared, number, StopReason::HardTimeLimit);
    }
}

/// Says that the worker came, lives or goes.
pub(super) fn tell_of_worker(shared: &Shared, kind: &'static str) {
    let books = shared.books();
    let (active, processed) = (books.jobs.len(), books.begun.values().sum::<u64>());
    drop(books);
    let fields = json!({
        "freq": shared.options.heartbeat.as_secs_f64(),
        "active": active,
        "processed": processed,
        "loadavg": load(),
        "sw_ident": "community-stats",
        "sw_ver": env!("CARGO_PKG_VERSION"),
        "sw_sys": rustix::system::uname().sysname().to_string_lossy(),
    });
    shared.announcer.tell(Event::new(kind, fields));
}

/// The load of the machine over one, five and fifteen minutes; zeros where it is not told.
fn load() -> [f64; 3] {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut loads = text.split(' ').map(|load| load.parse().unwrap_or_default());
    std::array::from_fn(|_| loads.next().unwrap_or_default())
}
