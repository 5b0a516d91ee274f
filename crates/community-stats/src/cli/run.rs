//! `run`: the program by itself, until it is stopped.

use std::time::Duration;

use clap::{Args, ValueEnum};
use stats_jobs::ledger::Trigger;
use stats_service::Summary;

use super::{Ending, Exit, Failure, Global, arguments, summary, terminal};
use crate::daemon::{Keeping, Limits, Role, Signals, Turn, work};
use crate::telemetry;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Looks once, makes what has to be made, and ends: for cron and timers.
    #[arg(long)]
    once: bool,
    /// How many shelves are read at the same time.
    #[arg(long, value_name = "N", value_parser = arguments::workers)]
    workers: Option<usize>,
    /// How many responses one run makes at most.
    #[arg(long, value_name = "N")]
    max_cells: Option<u64>,
    /// How long one run lasts at most, as in `90s` or `15m`.
    #[arg(long, value_name = "TIME", value_parser = arguments::duration)]
    max_duration: Option<Duration>,
    /// What this process does: `scheduler` looks, and has workers make what follows; `worker` makes it,
    /// and whatever else is in the queue; `both` does both, and shares its work with every worker that is
    /// alive. Of several schedulers one is at it, and the others wait until it ends.
    #[arg(long, value_enum, default_value_t = RoleName::Both)]
    role: RoleName,
    /// Ends when no task is left.
    #[arg(long, hide = true, requires = "role")]
    until_empty: bool,
    /// Logs more; twice for everything.
    #[arg(long, short, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleName {
    Scheduler,
    Worker,
    Both,
}

impl Run {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        telemetry::begin(app.settings().run.log, self.verbose);
        if let Some(guess) = app.settings().guessed_lock() {
            terminal::warn(&format!("{guess}; set cache.main_redis_url"));
        }
        self.refuse_what_a_worker_cannot()?;
        let limits = self.limits(&app);
        let signals = Signals::listen()?;
        let role = match self.role {
            RoleName::Worker => {
                work(&app, limits.workers, self.until_empty, &signals)?;
                return Ok(Exit::Done);
            }
            RoleName::Both if self.once => Role::Alone,
            RoleName::Both => Role::Both,
            RoleName::Scheduler => Role::Scheduler,
        };
        let mut keeping = Keeping::start(app, limits, role, &signals)?;
        if self.once {
            return self.ended(global, &mut keeping);
        }
        let reload = || {
            let app = global.reloaded().map_err(|failure| failure.message)?;
            let limits = self.limits(&app);
            Ok((app, limits))
        };
        keeping.go_on(&signals, &reload);
        Ok(Exit::Done)
    }

    /// A worker looks at nothing, so it can neither do that once nor be limited in it.
    fn refuse_what_a_worker_cannot(&self) -> Result<(), Failure> {
        let limited = self.max_cells.is_some() || self.max_duration.is_some();
        if self.role == RoleName::Worker && (self.once || limited) {
            let message = "--role worker goes with none of --once, --max-cells and --max-duration";
            return Err(Failure::new(Exit::Usage, message));
        }
        Ok(())
    }

    fn limits(&self, app: &crate::app::App) -> Limits {
        let settings = app.settings();
        let none_for_zero = |time: Duration| (!time.is_zero()).then_some(time);
        let most = self.max_cells.unwrap_or_else(|| u64::from(settings.run.max_cells));
        Limits {
            workers: self.workers.unwrap_or_else(|| settings.generation.workers.count()),
            most: (most > 0).then_some(most),
            limit: none_for_zero(self.max_duration.unwrap_or(settings.run.max_duration)),
        }
    }

    /// Looks once. What is left untrue, for whatever reason, is no success.
    fn ended(&self, global: &Global, keeping: &mut Keeping) -> Ending {
        let ended = match keeping.once(Trigger::Command)? {
            Turn::Nothing => {
                if global.json {
                    summary::tell(&Summary::default(), true)?;
                }
                Exit::Done
            }
            Turn::Made(made) => {
                summary::tell(&made, global.json)?;
                match summary::ending(&made)? {
                    // It did as much as it may; nobody stopped it.
                    Exit::Interrupted if !keeping.is_ending() => Exit::Partly,
                    ended => ended,
                }
            }
        };
        let untrue = keeping.keeper().board().untrue();
        if ended == Exit::Done && untrue > 0 {
            terminal::warn(&format!("{untrue} responses are not as they should be"));
            terminal::hint("see which and why: community-stats cache list");
            return Ok(Exit::Partly);
        }
        Ok(ended)
    }
}
