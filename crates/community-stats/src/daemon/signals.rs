//! What others ask of a process that runs by itself.

use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator;

/// What somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To end at the next safe place (SIGTERM, SIGINT). The second time the process ends at once.
    End,
    /// To read the settings anew (SIGHUP).
    Reload,
}

/// The signals of this process.
pub(crate) struct Signals {
    received: Receiver<Signal>,
    ending: Arc<AtomicBool>,
}

/// The exit code of a process that was interrupted.
const INTERRUPTED: i32 = 130;

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut signals = iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let ending = Arc::new(AtomicBool::new(false));
        let (sender, received) = mpsc::channel();
        let asked = Arc::clone(&ending);
        thread::spawn(move || {
            for signal in signals.forever() {
                let signal = if signal == SIGHUP { Signal::Reload } else { Signal::End };
                if signal == Signal::End && asked.swap(true, Ordering::Relaxed) {
                    exit(INTERRUPTED);
                }
                if sender.send(signal).is_err() {
                    return;
                }
            }
        });
        Ok(Self { received, ending })
    }

    /// Waits for a signal, but no longer than this.
    pub(crate) fn wait(&self, time: Duration) -> Option<Signal> {
        match self.received.recv_timeout(time) {
            Ok(signal) => Some(signal),
            Err(RecvTimeoutError::Timeout) => None,
            // Nobody listens any more, so nobody could ask.
            Err(RecvTimeoutError::Disconnected) => Some(Signal::End),
        }
    }

    /// Becomes true when somebody asks to end.
    pub(crate) fn ending(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ending)
    }
}
