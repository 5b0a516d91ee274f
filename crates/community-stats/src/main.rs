//! The executable: it only dispatches.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    community_stats::cli::main().into()
}
