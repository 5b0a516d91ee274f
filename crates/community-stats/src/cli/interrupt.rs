//! Ctrl-C: the first asks a command to end at the next safe place, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{Exit, terminal};

/// A flag that becomes true when the process is asked to end.
pub(super) fn flag() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let code = i32::from(Exit::Interrupted.code());
        // In this order the first signal finds the flag unset, the second one set.
        let registered = flag::register_conditional_shutdown(signal, code, Arc::clone(&asked))
            .and_then(|_| flag::register(signal, Arc::clone(&asked)));
        if let Err(error) = registered {
            terminal::warn(&format!("Ctrl-C will end the program at once: {error}"));
        }
    }
    asked
}
