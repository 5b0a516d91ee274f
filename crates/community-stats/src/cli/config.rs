//! `config`: the settings, and where each comes from.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Ending, Exit, Global, terminal};

/// The commands about settings.
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Shows every setting; secrets are masked.
    Show(Show),
}

/// Arguments of `config show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Also shows where each value comes from.
    #[arg(long)]
    origin: bool,
}

impl Config {
    pub(super) fn run(&self, global: &Global) -> Ending {
        match self {
            Self::Show(show) => show.run(global),
        }
    }
}

impl Show {
    fn run(&self, global: &Global) -> Ending {
        let settings = global.settings()?;
        let lines = settings.explain();
        if global.json {
            let shown = lines.iter().map(|line| {
                if self.origin {
                    json!({"key": line.key, "value": line.value, "origin": line.origin})
                } else {
                    json!({"key": line.key, "value": line.value})
                }
            });
            let skipped = settings.skipped().iter().map(|skipped| {
                json!({
                    "skipped": skipped.name,
                    "reason": skipped.reason,
                    "origin": {
                        "from": "invenio_cfg", "path": skipped.file, "line": skipped.line,
                    },
                })
            });
            terminal::print_json(&shown.chain(skipped).collect::<Vec<_>>())?;
            return Ok(Exit::Done);
        }
        let mut output = terminal::output();
        for line in &lines {
            let unset = if line.value.is_empty() { "# " } else { "" };
            write!(output, "{unset}{} = {}", line.key, line.value)?;
            if self.origin {
                write!(output, "  # {}", line.origin)?;
            }
            writeln!(output)?;
        }
        for skipped in settings.skipped() {
            writeln!(output, "# skipped: {skipped}  # {}", skipped.place())?;
        }
        output.flush()?;
        Ok(Exit::Done)
    }
}
