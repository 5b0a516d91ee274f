//! Ctrl-C: the first asks a command to end at the next safe place, the second ends it at once. A
//! terminal that is closed (SIGHUP) and whoever stops services (SIGTERM) ask in the same way.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::{Exit, terminal};

/// A flag that becomes true when the process is asked to end.
pub(super) fn flag() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if signal == SIGHUP && is_ignored(signal) {
            continue;
        }
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

/// Whether whoever started this process had it ignore the signal, as `nohup` does.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
