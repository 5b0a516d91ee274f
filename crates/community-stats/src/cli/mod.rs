//! The command line: one file for each command, and what they share.
//!
//! Data goes to standard output, everything else to standard error. The numbers a command ends
//! with are in [`Exit`].

mod arguments;
mod cache;
mod completions;
mod config;
mod demo;
mod doctor;
mod exit;
mod import;
mod interrupt;
mod man;
mod picture;
mod progress;
mod rate;
mod series;
mod sync;
mod table;
mod terminal;
mod years;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use jiff::Timestamp;
use stats_cache::{Clock, ManualClock, SystemClock};

use crate::app::App;
use crate::config::{Loader, Settings};
pub use exit::{Exit, Failure};

/// How a command ends.
type Ending = Result<Exit, Failure>;

/// Every answer of a community statistics dashboard, ready before anyone asks.
#[derive(Debug, Parser)]
#[command(
    name = "community-stats",
    version,
    propagate_version = true,
    infer_long_args = false,
    after_long_help = EXIT_CODES
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed, or the answer is no
  2    the command line or a setting cannot be used
  3    some responses not made, some lines refused, or a kind without index; the others are done
  5    the source or the store cannot be reached
  6    `cache verify` found a difference
  130  interrupted; running the same command again continues";

/// What can be said to every command.
#[derive(Debug, Args)]
struct Global {
    /// The settings file, in place of the one in the configuration folder.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    config: Option<PathBuf>,
    /// An invenio.cfg whose literal assignments count as settings.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    invenio_cfg: Option<PathBuf>,
    /// The folder in which everything lives.
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    data_dir: Option<PathBuf>,
    /// Sets one setting, as in `--set cache.ttl_days=7`; may be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = arguments::assignment,
          help_heading = "Global options")]
    set: Vec<(String, String)>,
    /// Writes the result as JSON.
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Shows no progress.
    #[arg(long, short, global = true, help_heading = "Global options")]
    quiet: bool,
    /// The instant to take as now, for trying things out.
    #[arg(long, global = true, hide = true, value_name = "INSTANT")]
    now: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes, reads and examines stored responses.
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Turns documents into one response, without archive or store.
    Series(series::Series),
    /// Puts exported documents into the archive.
    Import(import::Import),
    /// Brings the mirror of a live index up to date.
    Sync(sync::Sync),
    /// Shows everything on a bundled sample, in a folder of its own.
    Demo(demo::Demo),
    /// Shows the settings.
    #[command(subcommand)]
    Config(config::Config),
    /// Examines everything that the settings need, and says what to do.
    Doctor(doctor::Doctor),
    /// Writes a completion script for a shell.
    Completions(completions::Completions),
    /// Writes the manual page.
    Man(man::Man),
}

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> Exit {
    run(std::env::args_os())
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && arguments::mangled_setting(&arguments) => {
            // The message would repeat what was meant as a value, and that may be a password.
            let failure = Failure::new(Exit::Usage, "--set: expected KEY=VALUE");
            terminal::report(&failure.hint("as in `--set cache.ttl_days=7`"));
            return Exit::Usage;
        }
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            // Nobody is there to be told that help could not be printed.
            let _ = error.print();
            return exit;
        }
    };
    match dispatch(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            terminal::report(&failure);
            failure.exit
        }
    }
}

fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&Cli::command().try_get_matches_from(arguments)?)
}

fn dispatch(cli: Cli) -> Ending {
    let global = cli.global;
    if cli.command.writes() {
        global.untold_settings()?.refuse_guessed_places()?;
    }
    match cli.command {
        Command::Cache(command) => command.run(&global),
        Command::Series(command) => command.run(&global),
        Command::Import(command) => command.run(&global),
        Command::Sync(command) => command.run(&global),
        Command::Demo(command) => command.run(&global),
        Command::Config(command) => command.run(&global),
        Command::Doctor(command) => command.run(&global),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }
}

impl Command {
    /// Whether it writes where settings say.
    const fn writes(&self) -> bool {
        match self {
            Self::Cache(command) => command.writes(),
            Self::Sync(_) => true,
            _ => false,
        }
    }
}

impl Global {
    /// The settings with everything that flags say; what is odd about them is told.
    fn settings(&self) -> Result<Settings, Failure> {
        let settings = self.untold_settings()?;
        for warning in settings.warnings() {
            terminal::warn(warning);
        }
        Ok(settings)
    }

    /// The same for those who tell it themselves.
    fn untold_settings(&self) -> Result<Settings, Failure> {
        let mut loader = Loader::from_process();
        for (key, value) in &self.set {
            loader = loader.flag("--set", key, value);
        }
        if let Some(folder) = &self.data_dir {
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            loader = loader.flag("--data-dir", "data.dir", folder.to_string_lossy());
        }
        let loader = loader.file(self.config.clone()).invenio_cfg(self.invenio_cfg.clone());
        Ok(loader.load()?)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        match self.now {
            Some(now) => Arc::new(ManualClock::new(now)),
            None => Arc::new(SystemClock),
        }
    }

    fn app(&self) -> Result<App, Failure> {
        Ok(App::new(self.settings()?, self.clock()))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
