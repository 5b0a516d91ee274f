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
mod imported;
mod interrupt;
mod man;
mod picture;
mod progress;
mod rate;
mod run;
mod runs;
mod series;
mod status;
mod summary;
mod sync;
mod table;
mod terminal;
mod watched;
mod years;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use jiff::Timestamp;
use stats_model::{Clock, StandingClock, SystemClock};

use crate::app::App;
use crate::config::{Loader, Settings, may_hold_password};
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
  3    done but for responses, lines or shelves that failed, are held or are not up to date, a kind
       without index, or years in no lifespan
  5    the source or the store cannot be reached
  6    `cache verify` found a difference, or `status` that not all is well
  130  interrupted; running the same command again continues";

/// What can be said to every command.
#[derive(Debug, Args)]
struct Global {
    /// The settings file, in place of the one in the configuration folder.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    config: Option<PathBuf>,
    /// An invenio.cfg, which is understood as far as that can be done exactly.
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
    #[arg(skip)]
    loaded: OnceCell<Settings>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes, reads and examines stored responses.
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Turns documents into one response, without archive or store.
    Series(series::Series),
    /// Keeps every response as it should be, by itself, until it is stopped.
    Run(run::Run),
    /// Shows whether all is well; exit code 6 when it is not.
    Status(status::Status),
    /// Shows what was done, and goes on with it.
    #[command(subcommand)]
    Runs(runs::Runs),
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
        Err(error) if error.use_stderr() && arguments::any_may_hold_password(&arguments) => {
            let message = "this command does not take all of these arguments, and one of them is \
                           an address that may hold a password (kept out of this message)";
            let hint = "give addresses as `--set cache.redis_url=…`, or in the environment";
            terminal::report(&Failure::new(Exit::Usage, message).hint(hint));
            return Exit::Usage;
        }
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            // What is said about arguments repeats them.
            let error = parse(&arguments::harmless(&arguments)).err().unwrap_or(error);
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
    let needs = cli.command.needs();
    prepare(&global, needs)?;
    let ending = match cli.command {
        Command::Cache(command) => command.run(&global),
        Command::Series(command) => command.run(&global),
        Command::Run(command) => command.run(&global),
        Command::Status(command) => command.run(&global),
        Command::Runs(command) => command.run(&global),
        Command::Import(command) => command.run(&global),
        Command::Sync(command) => command.run(&global),
        Command::Demo(command) => command.run(&global),
        Command::Config(command) => command.run(&global),
        Command::Doctor(command) => command.run(&global),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    };
    ending.map_err(|failure| match needs {
        Needs::Nothing => failure,
        _ => with_assumptions(failure, &global),
    })
}

/// What a command needs of the settings. Each says it, so that none writes where nobody meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// None of them.
    Nothing,
    /// To look, or to write to standard output alone.
    ToRead,
    /// To fill the archive.
    ToImport,
    /// To write where they say.
    ToWrite,
}

/// Loads the settings, once, and tells what somebody should know before anything is written.
fn prepare(global: &Global, needs: Needs) -> Result<(), Failure> {
    match needs {
        Needs::Nothing => return Ok(()),
        Needs::ToRead => {
            global.untold_settings()?;
            return Ok(());
        }
        Needs::ToImport => global.untold_settings()?.refuse_undecided_prefix()?,
        Needs::ToWrite => global.untold_settings()?.refuse_undecided()?,
    }
    let settings = global.untold_settings()?;
    if needs == Needs::ToImport
        && let Some(told) = settings.told_unread_archive()
    {
        terminal::warn(&told);
        return Ok(());
    }
    if !global.quiet {
        terminal::say(&settings.told_life());
        if needs == Needs::ToWrite {
            settings.assumptions().iter().for_each(|assumed| terminal::say(assumed));
        }
    }
    Ok(())
}

/// Whoever cannot reach a place that nobody named hears that it was assumed.
fn with_assumptions(failure: Failure, global: &Global) -> Failure {
    let unreachable = failure.exit == Exit::Unreachable && failure.hint.is_none();
    match global.untold_settings() {
        Ok(settings) if unreachable && !settings.assumed_places().is_empty() => {
            failure.hint(settings.assumed_places().join("; "))
        }
        _ => failure,
    }
}

impl Command {
    const fn needs(&self) -> Needs {
        match self {
            Self::Cache(command) => command.needs(),
            Self::Run(_) | Self::Sync(_) => Needs::ToWrite,
            Self::Import(_) => Needs::ToImport,
            Self::Series(_) | Self::Doctor(_) | Self::Status(_) => Needs::ToRead,
            Self::Config(command) => command.needs(),
            Self::Runs(command) => command.needs(),
            // The demonstration has settings of its own.
            Self::Demo(_) | Self::Completions(_) | Self::Man(_) => Needs::Nothing,
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
        Ok(settings.clone())
    }

    /// The same for those who tell it themselves. They are loaded once: a file may be one that can
    /// be read only once.
    fn untold_settings(&self) -> Result<&Settings, Failure> {
        if let Some(settings) = self.loaded.get() {
            return Ok(settings);
        }
        let settings = self.load()?;
        Ok(self.loaded.get_or_init(|| settings))
    }

    fn load(&self) -> Result<Settings, Failure> {
        let mut loader = Loader::from_process();
        for (key, value) in &self.set {
            loader = loader.flag("--set", key, value);
        }
        if let Some(folder) = &self.data_dir {
            // What begins at the home folder is a path of the settings already; they refuse what a
            // shell was meant to replace.
            let text = folder.to_string_lossy();
            let as_it_is = text.starts_with(['~', '$']) || may_hold_password(&text);
            let folder = match as_it_is {
                true => folder.clone(),
                false => std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
            };
            loader = loader.flag("--data-dir", "data.dir", folder.to_string_lossy());
        }
        let loader = loader.file(self.config.clone()).invenio_cfg(self.invenio_cfg.clone());
        Ok(loader.load()?)
    }

    /// What was said to every command, to be said to another process.
    fn as_arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        let files = [
            ("--config", &self.config),
            ("--invenio-cfg", &self.invenio_cfg),
            ("--data-dir", &self.data_dir),
        ];
        for (name, file) in files {
            if let Some(file) = file {
                arguments.extend([OsString::from(name), file.clone().into_os_string()]);
            }
        }
        for (key, value) in &self.set {
            arguments.extend([OsString::from("--set"), format!("{key}={value}").into()]);
        }
        if let Some(now) = self.now {
            arguments.extend([OsString::from("--now"), now.to_string().into()]);
        }
        arguments
    }

    /// Settings may come from a pipe: then they are not there any more.
    fn refuse_to_read_twice(&self) -> Result<(), Failure> {
        for file in [&self.config, &self.invenio_cfg].into_iter().flatten() {
            if !file.is_file() {
                let message = format!("{} can be read only once", file.display());
                return Err(Failure::new(Exit::Usage, message).hint("name a file in its place"));
            }
        }
        Ok(())
    }

    /// The program under settings that are read anew, where that can be done.
    fn reloaded(&self) -> Result<App, Failure> {
        self.refuse_to_read_twice()?;
        let settings = self.load()?;
        settings.refuse_undecided()?;
        Ok(App::new(settings, self.clock()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        match self.now {
            Some(now) => Arc::new(StandingClock(now)),
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
