//! `cache clear`: everything, or what belongs to communities that are gone.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use serde_json::json;

use super::super::table::plural;
use super::super::{Ending, Exit, Failure, Global, terminal};

/// Arguments of `cache clear`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Clear {
    /// Removes only what `cache list --state orphan` shows: the entries of communities that were
    /// deleted or are not known any more, and of years that a community never had, and what is
    /// damaged and belongs to no response.
    #[arg(long)]
    orphans: bool,
    /// Does not ask.
    #[arg(long, short)]
    yes: bool,
}

impl Clear {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        let service = if self.orphans {
            app.service_to_remove()?
        } else {
            app.service_to_remove_from_store()?
        };
        let found = if self.orphans {
            service.orphans()?.len() as u64
        } else {
            let summary = service.store().summary()?;
            summary.entries + summary.expired
        };
        if !self.yes && !confirmed(found)? {
            return Err(Failure::new(Exit::Failed, "nothing was removed"));
        }
        let removed = if self.orphans { service.clear_orphans()? } else { service.clear()? };
        if global.json {
            terminal::print_json(&json!({"deleted": removed}))?;
        } else {
            let mut output = terminal::page();
            writeln!(output, "Deleted {}", plural(removed, "response", "responses"))?;
            output.flush()?;
        }
        Ok(Exit::Done)
    }
}

/// Asks on the terminal.
fn confirmed(found: u64) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        let failure = Failure::new(Exit::Usage, "there is no terminal to ask on");
        return Err(failure.hint("say --yes to remove without being asked"));
    }
    let mut errors = io::stderr().lock();
    let what = plural(found, "response", "responses");
    write!(errors, "Remove {what}? They can be made again with `cache generate`. [y/N] ")?;
    errors.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
