//! `cache unlock`: takes the lock of bulk runs away from a process that died.

use clap::Args;
use serde_json::json;
use stats_cache::Unlocked;

use super::super::{Ending, Exit, Failure, Global, terminal};

/// Arguments of `cache unlock`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Unlock {
    /// Takes the lock also from a holder that lives or may live, which then stops before it stores
    /// more.
    #[arg(long)]
    force: bool,
}

impl Unlock {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let Some(lock) = global.app()?.lock()? else {
            let hint = "see lock.enabled in `community-stats config show --origin`";
            return Err(Failure::new(Exit::Failed, "the lock is switched off").hint(hint));
        };
        let taken = match lock.unlock(self.force)? {
            Unlocked::WasFree => None,
            Unlocked::Taken(told) => Some(told),
            Unlocked::Lives(told) => {
                let text = format!("{told}, and that process lives");
                return Err(Failure::new(Exit::Failed, text).hint(
                    "wait for it or stop it; --force takes the lock away, and it stops before it \
                     stores more",
                ));
            }
            Unlocked::MayLive(told) => {
                let text = format!("{told}; nothing here tells whether it lives");
                return Err(Failure::new(Exit::Failed, text).hint(
                    "the lock of a process of ours that died ends within a minute by itself; \
                     --force takes it away",
                ));
            }
        };
        if global.json {
            terminal::print_json(&json!({"unlocked": taken.is_some(), "holder": taken}))?;
        } else {
            let mut output = terminal::page();
            match taken {
                Some(told) => writeln!(output, "Taken away: {told}")?,
                None => writeln!(output, "Nobody holds the lock")?,
            }
            output.flush()?;
        }
        Ok(Exit::Done)
    }
}
