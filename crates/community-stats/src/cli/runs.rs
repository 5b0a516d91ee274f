//! `runs`: what was done, what goes on, and how to go on with it.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use serde_json::json;
use stats_jobs::ledger::{Ledger, Lookup, Run, RunFilter, RunId, RunState, Trigger};
use stats_service::{Communities, CommunityName, ListFilter, Request, StateName, Summary, Years};

use super::table::{Side, Table, age, count, duration};
use super::watched::{Recorded, recorded};
use super::{Ending, Exit, Failure, Global, Needs, summary, terminal};
use crate::app::{App, SILENT};

/// The commands about runs.
#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// Shows runs, the newest first.
    List(List),
    /// Shows one run, and what came of its responses.
    Show(Show),
    /// Asks a run to end at the next safe place. A process that keeps the matrix begins another one
    /// when it looks again: stop it to end that.
    Cancel(Which),
    /// Goes on with a run that was interrupted: makes what it was to make and that is not made yet, or
    /// all of it again where it was to overwrite.
    Resume(Which),
    /// Tries again what could not be made, without waiting until it is due.
    Retry(Retry),
}

/// Arguments of `runs list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Shows at most so many; 0 shows all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// Arguments of `runs show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    /// Shows at most so many responses; 0 shows all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// A run.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The run, or how its name begins.
    #[arg(value_name = "ID")]
    id: String,
}

/// Arguments of `runs retry`.
#[derive(Debug, Args)]
pub(super) struct Retry {
    /// All that failed or was given up.
    #[arg(long, required = true)]
    failed: bool,
}

impl Runs {
    pub(super) const fn needs(&self) -> Needs {
        match self {
            Self::List(_) | Self::Show(_) => Needs::ToRead,
            Self::Cancel(_) | Self::Resume(_) | Self::Retry(_) => Needs::ToWrite,
        }
    }

    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        match self {
            Self::List(list) => list.run(global, &app),
            Self::Show(show) => show.run(global, &app),
            Self::Cancel(which) => which.cancel(&app),
            Self::Resume(which) => which.resume(global, &app),
            Self::Retry(_) => retry(global, &app),
        }
    }
}

impl List {
    fn run(&self, global: &Global, app: &App) -> Ending {
        let runs = match app.ledger_to_read()? {
            Some(ledger) => {
                let limit = if self.limit == 0 { usize::MAX } else { self.limit };
                ledger.runs(&RunFilter::default(), limit)?
            }
            None => Vec::new(),
        };
        if global.json {
            let runs: Vec<_> = runs.iter().map(|run| as_json(app, run)).collect();
            terminal::print_json(&runs)?;
            return Ok(Exit::Done);
        }
        let mut page = terminal::page();
        if runs.is_empty() {
            writeln!(page, "No run is remembered")?;
        } else {
            table(app, &runs).write(&mut page)?;
        }
        page.flush()?;
        Ok(Exit::Done)
    }
}

fn table(app: &App, runs: &[Run]) -> Table {
    let mut table = Table::new(&[
        ("run", Side::Left),
        ("trigger", Side::Left),
        ("state", Side::Left),
        ("began", Side::Right),
        ("took", Side::Right),
        ("done", Side::Right),
        ("of", Side::Right),
        ("outcomes", Side::Left),
    ]);
    let now = app.clock().now();
    for run in runs {
        let took = run.ended.map(|ended| ended.duration_since(run.begun).unsigned_abs());
        table.row(vec![
            run.id.to_string(),
            run.trigger.to_string(),
            run.state_at(now, SILENT).to_string(),
            format!("{} ago", age(now.duration_since(run.begun))),
            took.map_or_else(String::new, duration),
            count(run.done),
            count(run.planned),
            counts(run),
        ]);
    }
    table
}

fn counts(run: &Run) -> String {
    let counts: Vec<String> =
        run.counts.iter().map(|(name, number)| format!("{} {name}", count(*number))).collect();
    counts.join(", ")
}

fn as_json(app: &App, run: &Run) -> serde_json::Value {
    let mut object = json!(run);
    object["state"] = json!(run.state_at(app.clock().now(), SILENT));
    object
}

impl Show {
    fn run(&self, global: &Global, app: &App) -> Ending {
        let ledger = app.ledger_to_read()?.ok_or_else(|| nothing(&self.which.id))?;
        let run = self.which.find(ledger.as_ref())?;
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let outcomes = outcomes(ledger.as_ref(), &run.id, limit)?;
        if global.json {
            let mut object = as_json(app, &run);
            object["outcomes"] = json!(outcomes);
            terminal::print_json(&object)?;
            return Ok(Exit::Done);
        }
        let mut page = terminal::page();
        let state = run.state_at(app.clock().now(), SILENT);
        writeln!(page, "Run:       {}", run.id)?;
        writeln!(page, "State:     {state}")?;
        writeln!(page, "Trigger:   {}, by {}", run.trigger, run.asked_by)?;
        writeln!(page, "Where:     process {} on {}", run.pid, run.host)?;
        writeln!(page, "Began:     {:.0}", run.begun)?;
        if let Some(ended) = run.ended {
            let took = duration(ended.duration_since(run.begun).unsigned_abs());
            writeln!(page, "Ended:     {ended:.0}, after {took}")?;
        }
        if let Some(resumes) = &run.resumes {
            writeln!(page, "Resumes:   {resumes}")?;
        }
        writeln!(page, "Asked for: {}", run.request)?;
        writeln!(page, "Done:      {} of {}", count(run.done), count(run.planned))?;
        writeln!(page, "Outcomes:  {}", counts(&run))?;
        if let Some(error) = &run.error {
            writeln!(page, "Error:     {error}")?;
        }
        for outcome in &outcomes {
            let why = if outcome.detail.is_empty() { "" } else { ": " };
            writeln!(page, "  {} {}{why}{}", outcome.job, outcome.outcome, outcome.detail)?;
        }
        page.flush()?;
        Ok(Exit::Done)
    }
}

fn outcomes(
    ledger: &dyn Ledger,
    id: &RunId,
    limit: usize,
) -> Result<Vec<stats_jobs::ledger::JobOutcome>, Failure> {
    let (mut all, mut after) = (Vec::new(), 0);
    while all.len() < limit {
        let page = ledger.outcomes(id, after, limit - all.len())?;
        if page.after == after {
            break;
        }
        after = page.after;
        all.extend(page.outcomes);
    }
    Ok(all)
}

fn nothing(id: &str) -> Failure {
    Failure::new(Exit::Failed, format!("no run is remembered whose name begins with '{id}'"))
        .hint("see which there are: community-stats runs list")
}

impl Which {
    fn find(&self, ledger: &dyn Ledger) -> Result<Run, Failure> {
        match ledger.run(&self.id)? {
            Lookup::One(run) => Ok(*run),
            Lookup::Nothing => Err(nothing(&self.id)),
            Lookup::Several(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                let message = format!("several runs have names that begin with '{}'", self.id);
                Err(Failure::new(Exit::Failed, message).hint(ids.join(", ")))
            }
        }
    }

    fn cancel(&self, app: &App) -> Ending {
        let ledger = app.ledger_to_write()?;
        let run = self.find(ledger.as_ref())?;
        let state = run.state_at(app.clock().now(), SILENT);
        if state != RunState::Running || !ledger.ask_to_cancel(&run.id)? {
            let message = format!("run {} does not go on: it is {state}", run.id);
            return Err(Failure::new(Exit::Failed, message));
        }
        terminal::say(&format!("run {} was asked to end", run.id));
        Ok(Exit::Done)
    }

    fn resume(&self, global: &Global, app: &App) -> Ending {
        let ledger = app.ledger_to_write()?;
        let run = self.find(ledger.as_ref())?;
        if run.state_at(app.clock().now(), SILENT) == RunState::Running {
            let message = format!("run {} goes on", run.id);
            return Err(Failure::new(Exit::Failed, message)
                .hint(format!("to end it: community-stats runs cancel {}", run.id)));
        }
        let request: Request = serde_json::from_value(run.request.clone()).map_err(|error| {
            let message = format!("what run {} was asked for is not understood: {error}", run.id);
            Failure::new(Exit::Failed, message)
        })?;
        let request = Request { patient: false, ..request };
        make(global, app, &request, Trigger::Command, Some(run.id))
    }
}

/// Tries everything again that failed or was given up.
fn retry(global: &Global, app: &App) -> Ending {
    let states = vec![StateName::Failed, StateName::Dead];
    let filter = ListFilter { states, ..ListFilter::default() };
    let listed = app.service_to_read()?.list(&filter)?;
    if listed.is_empty() {
        if global.json {
            summary::tell(&Summary::default(), true)?;
        } else {
            terminal::say("nothing failed");
        }
        return Ok(Exit::Done);
    }
    let communities: BTreeSet<String> =
        listed.iter().filter_map(|it| it.community.clone()).collect();
    let years: BTreeSet<i16> = listed.iter().filter_map(|it| it.year).collect();
    let categories: BTreeSet<_> = listed.iter().filter_map(|it| it.category).collect();
    let request = Request {
        communities: Communities::Named(communities.into_iter().map(CommunityName::Any).collect()),
        years: Years::Named(years.into_iter().collect()),
        categories: categories.into_iter().collect(),
        ..Request::default()
    };
    make(global, app, &request, Trigger::Retry, None)
}

fn make(
    global: &Global,
    app: &App,
    request: &Request,
    trigger: Trigger,
    resumes: Option<RunId>,
) -> Ending {
    let service = app.service_to_write()?;
    let workers = app.settings().generation.workers.count();
    let how = Recorded { trigger, resumes, request, workers };
    let made = recorded(global, app, how, |run| service.create(request, run))?;
    summary::tell(&made, global.json)?;
    summary::ending(&made)
}
