//! What is odd while things are put together.

use std::io::{Write, stderr};

use crate::shown::shown;

/// Tells what is odd on standard error.
pub(super) fn warn(text: &str) {
    // Who cannot read it misses nothing that matters.
    let _ = writeln!(stderr(), "warning: {}", shown(text));
}
