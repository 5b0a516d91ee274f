//! Who asks for a run, and for how long it is remembered.

use stats_jobs::host_name;
use stats_jobs::ledger::Keep;

use crate::config::RunSettings;

/// Who asks: user and machine, as far as that is known.
pub(crate) fn asked_by() -> String {
    let user = rustix::process::geteuid().as_raw();
    format!("user {user}@{}", host_name())
}

/// How much of the past the settings keep.
pub(crate) fn kept(settings: &RunSettings) -> Keep {
    Keep { runs: usize::from(settings.keep_runs), age: settings.keep_for, ..Keep::default() }
}
