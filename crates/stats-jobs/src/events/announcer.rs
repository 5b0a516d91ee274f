//! Who tells events.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stats_model::Clock;

use super::event::Event;
use crate::broadcast::Broadcast;
use crate::{Message, locked};

/// So many events may wait to be told; more are lost, as they are for whoever does not listen.
const MOST_WAITING: usize = 1_000;

/// Tells events on a thread of its own, so that nobody waits for a broker that does not listen.
pub(crate) struct Announcer {
    worker: String,
    clock: Arc<dyn Clock>,
    count: AtomicU64,
    tells_tasks: AtomicBool,
    door: Mutex<Option<SyncSender<(String, Message)>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Announcer {
    /// Without `broadcast`, nothing is told.
    pub(crate) fn start(
        worker: String,
        broadcast: Option<Arc<dyn Broadcast>>,
        clock: Arc<dyn Clock>,
        tells_tasks: bool,
    ) -> Self {
        let (door, thread) = match broadcast {
            None => (None, None),
            Some(broadcast) => {
                let (door, waiting) = sync_channel(MOST_WAITING);
                let tell = move || tell(&waiting, broadcast.as_ref());
                (Some(door), Some(thread::spawn(tell)))
            }
        };
        Self {
            worker,
            clock,
            count: AtomicU64::new(0),
            tells_tasks: AtomicBool::new(tells_tasks),
            door: Mutex::new(door),
            thread: Mutex::new(thread),
        }
    }

    /// The logical clock, which goes forward with each thing that is told.
    pub(crate) fn forward(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Puts the logical clock forward to what another one shows.
    pub(crate) fn adjust(&self, other: u64) {
        self.count.fetch_max(other, Ordering::Relaxed);
    }

    /// Whether the events of tasks are told; says whether they were before.
    pub(crate) fn tell_tasks(&self, tells: bool) -> bool {
        self.tells_tasks.swap(tells, Ordering::Relaxed)
    }

    /// Tells an event of this worker.
    pub(crate) fn tell(&self, event: Event) {
        let door = locked(&self.door);
        let Some(door) = door.as_ref() else { return };
        let key = event.routing_key();
        let message = event.write(&self.worker, self.clock.now(), self.forward());
        // Full: nobody listens.
        drop(door.try_send((key, message)));
    }

    /// Tells an event of a task, if those are told.
    pub(crate) fn tell_of_task(&self, event: impl FnOnce() -> Event) {
        if self.tells_tasks.load(Ordering::Relaxed) {
            self.tell(event());
        }
    }

    /// Waits until everything is told, for `within` at most.
    pub(crate) fn stop(&self, within: Duration) {
        locked(&self.door).take();
        let end = Instant::now() + within;
        let thread = locked(&self.thread).take();
        while thread.as_ref().is_some_and(|it| !it.is_finished()) && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn tell(waiting: &Receiver<(String, Message)>, broadcast: &dyn Broadcast) {
    while let Ok((key, message)) = waiting.recv() {
        if broadcast.announce(&key, &message).is_err() {
            // The broker is away: what waits would be old news once it is back.
            while waiting.try_recv().is_ok() {}
        }
    }
}
