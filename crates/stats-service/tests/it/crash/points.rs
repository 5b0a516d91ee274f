//! Named points that a process passes, at one of which it kills itself.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

/// When a process kills itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kill {
    /// `before`, `during`, `inside` or `after`, and the operation of a port.
    pub(super) point: String,
    /// The how manieth time it comes there; the first one is 1.
    pub(super) nth: u64,
    /// So many microseconds after that, while it goes on.
    pub(super) after: u64,
}

/// The points that this process passed, and the one at which it ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Points(Arc<Passing>);

#[derive(Debug, Default)]
struct Passing {
    kill: Option<Kill>,
    passed: Mutex<BTreeMap<String, u64>>,
}

thread_local! {
    /// The operation that this thread is in.
    static DOING: Cell<&'static str> = const { Cell::new("") };
}

impl Points {
    pub(super) fn new(kill: Option<Kill>) -> Self {
        Self(Arc::new(Passing { kill, passed: Mutex::default() }))
    }

    /// How often each was passed.
    pub(super) fn passed(&self) -> BTreeMap<String, u64> {
        self.0.passed.lock().unwrap().clone()
    }

    /// Does an operation of a port, between the points around it.
    pub(super) fn around<T>(&self, operation: &'static str, work: impl FnOnce() -> T) -> T {
        self.pass("before", operation);
        self.pass("during", operation);
        let outer = DOING.replace(operation);
        let done = work();
        DOING.set(outer);
        self.pass("after", operation);
        done
    }

    /// What a store asks a lease while it writes is asked in the transaction.
    pub(super) fn pass_inside_a_write(&self) {
        let doing = DOING.get();
        if doing.starts_with("store.") || doing.starts_with("note.") {
            self.pass("inside", doing);
        }
    }

    pub(super) fn pass(&self, place: &str, operation: &str) {
        let point = format!("{place} {operation}");
        let nth = {
            let mut passed = self.0.passed.lock().unwrap();
            let count = passed.entry(point.clone()).or_default();
            *count += 1;
            *count
        };
        let Some(kill) = &self.0.kill else { return };
        if kill.point != point || kill.nth != nth {
            return;
        }
        if place == "during" {
            let after = Duration::from_micros(kill.after);
            thread::spawn(move || {
                thread::sleep(after);
                die();
            });
        } else {
            die();
        }
    }
}

/// Ends this process as nothing else does: at once, without a word.
fn die() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    loop {
        thread::park();
    }
}
