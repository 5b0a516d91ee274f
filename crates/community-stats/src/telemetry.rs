//! Log lines: for people, or one JSON object each. They go to standard error, and `docs/logging.md`
//! names them.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::filter::{Directive, EnvFilter};
use tracing_subscriber::fmt;

use crate::config::LogForm;

/// Begins to log. What `RUST_LOG` says counts more than `verbose`, which is how often more was asked for.
/// Once for a process: a second call changes nothing.
pub(crate) fn begin(form: LogForm, verbose: u8) {
    let level = match verbose {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    let default = level.parse::<Directive>().unwrap_or_default();
    let filter = EnvFilter::builder().with_default_directive(default).from_env_lossy();
    let lines = fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
    // Whoever logs already goes on.
    let _ = match form {
        LogForm::Text => lines.with_ansi(stderr().is_terminal()).try_init(),
        LogForm::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
}
