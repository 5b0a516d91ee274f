//! How a worker behaves.

use std::time::Duration;

use crate::host::worker_name;

/// How a [`Worker`](super::Worker) behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// What Celery's tools call it: `<name>@<host>`, unlike any other worker of the broker.
    pub name: String,
    /// How many tasks are performed at a time.
    pub slots: usize,
    /// How long one question for a message waits; a worker that stops takes so long to notice.
    pub wait: Duration,
    /// How often it looks whether a time has come: of a limit, of a lease, of a task that waits.
    pub tick: Duration,
    /// How often it says that it lives.
    pub heartbeat: Duration,
    /// How many tasks it keeps in hand until their time comes.
    pub most_held: usize,
    /// The pause after the first failed call to the broker.
    pub first_pause: Duration,
    /// The longest pause between two tries.
    pub longest_pause: Duration,
    /// How long it tries to store a result, or to send what has to be tried again.
    pub patience: Duration,
    /// Whether it tells of tasks from the start; Celery's tools can change that.
    pub task_events: bool,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            name: worker_name("community-stats"),
            slots: 1,
            wait: Duration::from_secs(1),
            tick: Duration::from_millis(200),
            heartbeat: Duration::from_secs(2),
            most_held: 1_000,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            patience: Duration::from_secs(60),
            task_events: false,
        }
    }
}
