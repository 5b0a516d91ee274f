//! `completions`: a script that completes this command line in a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

use super::{Cli, Ending, Exit, terminal};

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Ending {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "community-stats", &mut script);
        let mut output = terminal::bytes();
        output.write_all(&script)?;
        output.flush()?;
        Ok(Exit::Done)
    }
}
