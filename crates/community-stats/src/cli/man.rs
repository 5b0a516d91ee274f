//! `man`: the manual page, or one for each command.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::{Cli, Ending, Exit, Failure, terminal};

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A folder for one page for each command, in place of standard output.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Ending {
        if let Some(folder) = &self.output {
            std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
                .map_err(|error| {
                    let doing = format!("writing manual pages to {}: {error}", folder.display());
                    Failure::new(Exit::Failed, doing)
                })?;
            return Ok(Exit::Done);
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        let mut output = terminal::bytes();
        output.write_all(&page)?;
        output.flush()?;
        Ok(Exit::Done)
    }
}
