//! `config`: the settings, and where each comes from.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Ending, Exit, Global, Needs, terminal};

/// The commands about settings.
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Shows every setting; secrets are masked.
    Show(Show),
    /// Writes a script that asks an InvenioRDM itself how it is configured.
    ///
    /// Run it with the instance's Python: `invenio shell FILE`, or `python FILE`. It makes a file
    /// `community-stats.toml`, exact for any deployment, whatever an invenio.cfg does.
    Python,
}

/// What the instance is asked with; the names it is asked for are put in.
const SCRIPT: &str = include_str!("settings_of_invenio.py");

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
            Self::Python => {
                let names: Vec<&str> = invenio_config::NAMES.iter().map(|name| name.name).collect();
                let mut output = terminal::bytes();
                output.write_all(SCRIPT.replace("__NAMES__", &format!("{names:#?}")).as_bytes())?;
                output.flush()?;
                Ok(Exit::Done)
            }
        }
    }

    pub(super) const fn needs(&self) -> Needs {
        match self {
            Self::Show(_) => Needs::ToRead,
            Self::Python => Needs::Nothing,
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
                    json!({"key": line.key, "value": json_value(&line.value), "origin": line.origin})
                } else {
                    json!({"key": line.key, "value": json_value(&line.value)})
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
        let mut output = terminal::page();
        for line in &lines {
            let unset = if line.value.is_empty() { "# " } else { "" };
            let origin = match self.origin {
                true => format!("  # {}", line.origin),
                false => String::new(),
            };
            writeln!(output, "{unset}{} = {}{origin}", line.key, line.value)?;
        }
        for skipped in settings.skipped() {
            writeln!(output, "# skipped: {skipped}  # {}", skipped.place())?;
        }
        output.flush()?;
        Ok(Exit::Done)
    }
}

/// A value as JSON. It is shown as in TOML, which for our values is JSON, too; `null` is unset, and
/// what is shown in another way (a layout in the settings themselves) is a text.
fn json_value(shown: &str) -> serde_json::Value {
    if shown.is_empty() {
        return serde_json::Value::Null;
    }
    serde_json::from_str(shown).unwrap_or_else(|_| shown.into())
}
